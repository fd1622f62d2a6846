"""Strong ETags from row versions, conditional reads and conditional writes (RFC 9110 §13)."""

import hashlib
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from .errors import PreconditionFailed


def etag(version: int | str) -> str:
    """Write a row's version as a strong ETag; a text, when what is read depends on more than the row."""
    return f'"v{version}"'


def etag_of_bytes(body: bytes) -> str:
    """Return a strong ETag of an answer that has no version, such as a list."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


class Precondition:
    """The If-Match header of a write; without it every version is accepted, with an empty one none."""

    def __init__(self, if_match: str | None) -> None:
        self._tags = [tag.strip() for tag in if_match.split(",")] if if_match is not None else None

    def check(self, version: int | str) -> None:
        """Raise PreconditionFailed (412) unless the row still has a version that the caller knows."""
        if self._tags is None or "*" in self._tags or etag(version) in self._tags:
            return
        raise PreconditionFailed(headers={"ETag": etag(version)}, current=etag(version))


async def _precondition(request: Request) -> Precondition:
    return Precondition(_joined(request, "if-match"))


IfMatch = Annotated[Precondition, Depends(_precondition)]


def answer_conditionally(request: Request, response: Response) -> Response:
    """Give every 200 of a GET an ETag, and answer 304 when If-None-Match already has it."""
    if response.status_code != 200:
        return response
    tag = response.headers.get("etag")
    if tag is None:
        tag = response.headers["etag"] = etag_of_bytes(bytes(response.body))
    wanted = _joined(request, "if-none-match")
    if wanted is None or not _matches(wanted, tag):
        return response
    headers = {
        name: response.headers[name]
        for name in ("etag", "link", "cache-control", "vary")
        if name in response.headers
    }
    return Response(status_code=304, headers=headers)


def _joined(request: Request, name: str) -> str | None:
    # Several headers of one name are one list (RFC 9110 §5.3).
    values = request.headers.getlist(name)
    return ", ".join(values) if values else None


def _matches(if_none_match: str, tag: str) -> bool:
    # If-None-Match compares weakly (RFC 9110 §13.1.2).
    tags = (candidate.strip().removeprefix("W/") for candidate in if_none_match.split(","))
    return any(candidate in {"*", tag} for candidate in tags)
