"""A request of a machine to a protocol endpoint: a form in the body, each parameter once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidRequestError  # type: ignore[import-untyped]
from starlette.datastructures import Headers
from starlette.requests import Request

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_PARAMETERS: Final = 50
_LONGEST: Final = 64_000
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class MachineRequest:
    """What a protocol endpoint needs to know of a request."""

    method: str
    path: str
    headers: Headers
    address: str
    parameters: Mapping[str, str]


async def read(request: Request) -> MachineRequest:
    """Read a request; raise InvalidRequestError when its form is not as RFC 6749 §3.2 wants it.

    Parameters without a value are as good as left out; one that comes twice is refused, and so is a query:
    credentials in an address end up in logs.
    """
    if request.url.query:
        raise InvalidRequestError("Send the parameters in the body, none in the address.")
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body = await request.body()
    if body and media_type != _FORM:
        raise InvalidRequestError(f"Send the body as {_FORM}.")
    if len(body) > _LONGEST:
        raise InvalidRequestError("The body is too long.")
    address = request.client.host if request.client else "unknown"
    return MachineRequest(request.method, request.url.path, request.headers, address, _parameters(body))


def _parameters(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=_MOST_PARAMETERS)
    except (UnicodeError, ValueError):
        raise InvalidRequestError("The body cannot be read as a form in UTF-8.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidRequestError("A parameter was sent twice.")
        if _CONTROL.search(name) or _CONTROL.search(value):
            raise InvalidRequestError("A parameter has control characters.")
        found[name] = value
    return found
