"""The client credentials grant: an app of a firm acts for that firm, with nobody signed in."""

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]
    ClientCredentialsGrant,
    InvalidScopeError,
    UnauthorizedClientError,
)

from conecta.kit import clock
from conecta.kit.ids import new_id

from . import access_tokens, queries
from .protocol import ProtocolRequest, ProtocolServer
from .subjects import Subject


class AppGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """Authlib's grant over our tables; each token is a family of its own, so that it can be revoked."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    request: ProtocolRequest
    server: ProtocolServer

    def create_token_response(self) -> Any:
        """Return a token for the app itself, without a refresh token."""
        app = self.request.app
        if app.public:
            raise UnauthorizedClientError("A public app cannot prove who it is.")
        scope = app.get_allowed_scope(self.request.payload.scope)
        if scope is None:
            raise InvalidScopeError
        self.request.user = self._subject(scope.split())
        token = self.generate_token(user=self.request.user, scope=scope, include_refresh_token=False)
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _subject(self, scopes: list[str]) -> Subject:
        app, session, now = self.request.app, self.server.session, clock.real_now()
        grant = {
            "tenant": app.tenant_id,
            "id": new_id("gnt"),
            "app_tenant": app.tenant_id,
            "app": app.id,
            "kind": "app",
            "subject": app.id,
            "person": None,
            "user": None,
            "client": None,
            "scopes": scopes,
            "now": now,
        }
        grant_id, version = queries.give(session, grant)
        family_id = new_id("fam")
        until = now + timedelta(seconds=access_tokens.LIFETIME)
        queries.open_family(
            session,
            tenant_id=app.tenant_id,
            family_id=family_id,
            grant_id=grant_id,
            scopes=scopes,
            now=now,
            until=until,
        )
        return Subject("app", app.tenant_id, grant_id, version, family_id)
