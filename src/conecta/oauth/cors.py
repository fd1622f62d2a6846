"""Cross-origin requests: any web page may speak to the machine endpoints, none to the pages of people.

There are no cookies at these endpoints, so an origin is worth nothing to an attacker (RFC 9700 §4.16); the
page of consent, where there are, never lets a script of another origin in.
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_MACHINES = (
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/par",
    "/oauth/register",
    "/oauth/jwks",
)
_PREFIXES = ("/.well-known/", "/oauth/register/")


class MachineCors:
    """ASGI middleware around the machine endpoints only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["authorization", "content-type", "dpop"],
            expose_headers=["DPoP-Nonce", "WWW-Authenticate", "Retry-After", "X-Request-ID"],
            max_age=7200,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the headers that its origin needs."""
        machine = scope["type"] == "http" and is_machine(scope["path"])
        await (self._open if machine else self._app)(scope, receive, send)


def is_machine(path: str) -> bool:
    """Say whether a path is an endpoint of machines."""
    return path in _MACHINES or path.startswith(_PREFIXES)
