"""The endpoints of machines: form in, JSON out, as the RFCs have them; nothing of it is native API.

The page where people consent, `/oauth/authorize`, is among the pages.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error  # type: ignore[import-untyped]
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conecta.kit.errors import BodyTooLarge
from conecta.kit.problem_responses import to_problem

from . import machine_request, metadata, rules
from .dpop import BadProof, NonceNeeded
from .errors import TooManyAttempts
from .machine_request import MachineRequest
from .protocol import Answer, error_answer
from .registration import endpoint as registration
from .server import OAuthServer
from .signing_keys import PUBLISHED_FOR

Endpoint = Callable[[OAuthServer, MachineRequest], Awaitable[Answer]]
Handler = Callable[[Request], Awaitable[Response]]

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_PUBLISHED = {"Cache-Control": f"public, max-age={PUBLISHED_FOR}"}


def routes(issuer: str) -> Sequence[Route]:
    """Return the routes of the server; the metadata of an issuer with a path stand in front of it too."""
    path = urlsplit(issuer).path
    names = {
        "oauth-authorization-server": metadata.authorization_server(issuer),
        "openid-configuration": metadata.openid_configuration(issuer),
        "oauth-protected-resource": metadata.protected_resource(issuer, issuer),
    }
    documents = {f"/.well-known/{name}": document for name, document in names.items()}
    documents |= {f"/.well-known/{name}{path}": document for name, document in names.items()}
    native = metadata.protected_resource(issuer, rules.audiences(issuer)[0])
    for prefix in ("", path):
        documents[f"/.well-known/oauth-protected-resource{prefix}{rules.NATIVE_AUDIENCE}"] = native
    return [
        Route("/oauth/token", _machine(OAuthServer.token), methods=["POST"]),
        Route("/oauth/revoke", _machine(OAuthServer.revoke), methods=["POST"]),
        Route("/oauth/introspect", _machine(OAuthServer.introspect), methods=["POST"]),
        Route("/oauth/par", _machine(OAuthServer.push), methods=["POST"]),
        Route("/oauth/register", _handler(registration.register), methods=["POST"]),
        Route("/oauth/register/{app}", _handler(registration.manage), methods=["GET", "DELETE"]),
        Route("/oauth/jwks", _jwks, methods=["GET"]),
        *[Route(at, _document(document), methods=["GET"]) for at, document in documents.items()],
    ]


def _machine(endpoint: Endpoint) -> Handler:
    """Turn an endpoint that takes a form into the handler of its route."""

    async def ask(request: Request) -> Answer:
        return await endpoint(request.app.state.oauth, await machine_request.read(request))

    return _handler(ask)


def _handler(ask: Callable[[Request], Awaitable[Answer]]) -> Handler:
    """Turn an endpoint into the handler of its route."""

    async def handle(request: Request) -> Response:
        return await _answered(request, ask)

    return handle


async def _answered(request: Request, ask: Callable[[Request], Awaitable[Answer]]) -> Response:
    """Write what an endpoint answers, or why it does not (RFC 6749 §5.2); never to be stored."""
    server: OAuthServer = request.app.state.oauth
    try:
        found = await ask(request)
    except Exception as error:  # noqa: BLE001 - a machine that speaks OAuth gets an answer in OAuth
        found = _refusal(error, request.url.path)
    nonce = server.dpop.new_nonce()
    headers = {**found.headers, **_NO_STORE, **({"DPoP-Nonce": nonce} if nonce else {})}
    if found.status == 204:
        return Response(status_code=204, headers=headers)
    return _json(found.body, status=found.status, headers=headers)


def _refusal(error: Exception, path: str) -> Answer:
    match error:
        case OAuth2Error():
            return error_answer(error)
        case BadProof():
            return error_answer(OAuth2Error(str(error), error="invalid_dpop_proof"))
        case NonceNeeded():
            text = "Send the nonce of the DPoP-Nonce header in the proof."
            return error_answer(OAuth2Error(text, error="use_dpop_nonce"))
        case TooManyAttempts():
            return _later(429, "Too many wrong client credentials.", error.seconds)
        case BodyTooLarge():
            return error_answer(InvalidRequestError("The body is too long.", status_code=413))
    if to_problem(error, path=path).status == 503:
        return _later(503, "Try again in some seconds.", 5)
    body = {"error": "server_error", "error_description": "Something failed on our side."}
    return Answer(500, body)


def _later(status: int, text: str, seconds: int) -> Answer:
    body = {"error": "temporarily_unavailable", "error_description": text}
    return Answer(status, body, {"Retry-After": str(seconds)})


async def _keys(request: Request) -> Answer:
    server: OAuthServer = request.app.state.oauth
    return Answer(200, {"keys": await server.keys.published()})


async def _jwks(request: Request) -> Response:
    response = await _answered(request, _keys)
    if response.status_code == 200:
        del response.headers["pragma"]
        response.headers.update(_PUBLISHED)
        response.headers["content-type"] = "application/jwk-set+json"
    return response


def _document(document: Mapping[str, Any]) -> Handler:
    async def handle(_request: Request) -> Response:
        return _json(document, headers=_PUBLISHED)

    return handle


def _json(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}
    return JSONResponse(dict(body), status, kept)
