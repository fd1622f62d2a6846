"""`/oauth/register`: JSON in, JSON out (RFC 7591), and reading or deleting it later (RFC 7592)."""

from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error  # type: ignore[import-untyped]
from pydantic import ValidationError
from starlette.requests import Request

from conecta.kit import json_body
from conecta.kit.errors import Problem
from conecta.oauth import rules
from conecta.oauth.protocol import Answer
from conecta.oauth.server import OAuthServer

from . import service
from .schemas import ClientMetadata
from .service import MetadataFault


async def register(request: Request) -> Answer:
    """Register an app for the holder of an initial access token."""
    server: OAuthServer = request.app.state.oauth
    token = await _bearer(request)
    wanted = _metadata(await request.body(), request.headers.get("content-type", ""))
    async with server.database.transaction(system=True) as session:
        tenant_id = await service.use_initial_token(session, server.keyring, token)
        if tenant_id is not None:
            try:
                new = await service.register(session, server.keyring, tenant_id=tenant_id, wanted=wanted)
            except MetadataFault as fault:
                # Raised through the transaction: the token keeps its use.
                raise OAuth2Error(fault.description, error=fault.error) from None
    if tenant_id is None:
        raise await server.refused_token(request)
    shown = {
        **service.described(new.app),
        "registration_access_token": new.registration_token,
        "registration_client_uri": f"{server.issuer}/oauth/register/{new.app.id}",
    }
    if new.client_secret is not None:
        shown |= {"client_secret": new.client_secret, "client_secret_expires_at": 0}
    return Answer(201, shown)


async def manage(request: Request) -> Answer:
    """Show or delete an app for the holder of its registration access token."""
    server: OAuthServer = request.app.state.oauth
    token, app_id = await _bearer(request), request.path_params["app"]
    async with server.database.transaction(system=True) as session:
        app = await service.find(session, server.keyring, app_id=app_id[:100], token=token)
        if app is not None and request.method == "DELETE":
            await service.delete(session, app)
    if app is None:
        raise await server.refused_token(request)
    if request.method == "DELETE":
        return Answer(204)
    uri = f"{server.issuer}/oauth/register/{app.id}"
    return Answer(200, {**service.described(app), "registration_client_uri": uri})


async def _bearer(request: Request) -> str:
    server: OAuthServer = request.app.state.oauth
    values = request.headers.getlist("authorization")
    scheme, _, token = values[0].strip().partition(" ") if values else ("", "", "")
    token = token.strip()
    if len(values) != 1 or scheme.lower() != "bearer" or not token.isascii() or not 0 < len(token) < 200:
        raise await server.refused_token(request)
    return token


def _metadata(body: bytes, content_type: str) -> ClientMetadata:
    if content_type.split(";", maxsplit=1)[0].strip().lower() != "application/json":
        raise OAuth2Error("Send the metadata as application/json.", error="invalid_client_metadata")
    try:
        return ClientMetadata.model_validate(json_body.parse(body))
    except Problem as problem:
        text = problem.sentence.en[:200]
        raise OAuth2Error(rules.description(text), error="invalid_client_metadata") from None
    except ValidationError as error:
        raise _fault(error.errors()) from None


def _fault(errors: list[Any]) -> OAuth2Error:
    names = sorted({str(error["loc"][0]) if error["loc"] else "(body)" for error in errors})
    error = "invalid_redirect_uri" if names == ["redirect_uris"] else "invalid_client_metadata"
    return OAuth2Error(
        rules.description(f"These members cannot be registered as sent: {', '.join(names)}."), error=error
    )
