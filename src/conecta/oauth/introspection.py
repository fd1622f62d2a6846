"""Introspection (RFC 7662): an app learns about its own tokens, and nothing about anybody else's."""

from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError  # type: ignore[import-untyped]
from authlib.oauth2.rfc7662 import IntrospectionEndpoint  # type: ignore[import-untyped]

from conecta.kit import clock

from . import rules, token_queries
from .protocol import REFRESH_PURPOSE, ProtocolRequest, ProtocolServer
from .registered_app import RegisteredApp


class TokenState:
    """What may be told of a token, and whether it is good."""

    def __init__(self, app_id: str, told: Mapping[str, Any], *, good: bool) -> None:
        self.app_id, self.told, self._good = app_id, dict(told), good

    def is_expired(self) -> bool:
        """Say whether it is over, for whatever reason."""
        return not self._good

    def is_revoked(self) -> bool:
        """Say the same: no reason is told."""
        return not self._good


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """Authlib's endpoint over our tables."""

    CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    server: ProtocolServer

    def __init__(self, claims: Mapping[str, Any] | None, issuer: str) -> None:
        super().__init__()
        self._claims, self._issuer = claims, issuer

    def check_params(self, request: ProtocolRequest, client: RegisteredApp) -> None:
        """Raise InvalidRequestError without a token; a hint is only a hint."""
        del client
        if "token" not in request.form:
            raise InvalidRequestError("Missing token.")

    def check_permission(self, token: TokenState, client: RegisteredApp, request: ProtocolRequest) -> bool:
        """Say whether the token is the app's own."""
        del request
        return token.app_id == client.id

    def query_token(self, token_string: str, token_type_hint: str | None) -> TokenState | None:
        """Return what there is to tell of a token, whosever it is."""
        del token_type_hint
        if self._claims is not None:
            return self._access_token(self._claims)
        hashes = self.server.keyring.hashes(REFRESH_PURPOSE, token_string)
        row = token_queries.refresh_token(self.server.session, hashes)
        return self._refresh_token(row) if row else None

    def introspect_token(self, token: TokenState) -> dict[str, Any]:
        """Return what is told."""
        return token.told

    def _access_token(self, claims: Mapping[str, Any]) -> TokenState:
        good = token_queries.is_alive(self.server.session, claims["tid"], claims["fam"], claims["gv"])
        names = ("scope", "client_id", "exp", "iat", "sub", "aud", "iss", "jti", "cnf")
        told = {name: claims[name] for name in names if name in claims}
        told |= {"token_type": "DPoP" if "cnf" in claims else "Bearer", "tenant_id": claims["tid"]}
        return TokenState(claims["client_id"], told, good=good)

    def _refresh_token(self, row: Mapping[str, Any]) -> TokenState:
        told = {
            "scope": " ".join(rules.in_order(row["scopes"])),
            "client_id": row["app_id"],
            "exp": int(row["expires_at"].timestamp()),
            "iat": int(row["created_at"].timestamp()),
            "sub": row["user_id"] or row["client_id"],
            "iss": self._issuer,
            "tenant_id": row["tenant_id"],
        }
        if row["dpop_jkt"]:
            told["cnf"] = {"jkt": row["dpop_jkt"]}
        good = not row["ended"] and row["expires_at"] > clock.real_now()
        return TokenState(row["app_id"], told, good=good)
