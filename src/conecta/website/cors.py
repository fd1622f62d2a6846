"""Cross-origin requests to what every visitor may call.

A preflight carries no key, so nothing can be told by it: any page may ask. The key then says from which
origins it is accepted (`keys.credentials`), and no cookie counts here.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from conecta.kit.routing import API_PREFIX

_PREFIX = API_PREFIX + "/public/"


class PublicCors:
    """ASGI middleware around the public endpoints only."""

    def __init__(self, app: ASGIApp, expose_headers: tuple[str, ...]) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "accept-language",
            ],
            expose_headers=expose_headers,
            max_age=7200,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the headers that its origin needs."""
        public = scope["type"] == "http" and is_public(scope["path"])
        await (self._open if public else self._app)(scope, receive, send)


def is_public(path: str) -> bool:
    """Say whether a path is one that visitors of a website may call."""
    return path.startswith(_PREFIX)
