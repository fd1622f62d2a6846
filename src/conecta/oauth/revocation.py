"""Revocation (RFC 7009): one token ends all tokens of its authorization."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError  # type: ignore[import-untyped]
from authlib.oauth2.rfc7009 import RevocationEndpoint  # type: ignore[import-untyped]

from conecta.kit import clock

from . import token_queries
from .protocol import REFRESH_PURPOSE, ProtocolRequest, ProtocolServer
from .registered_app import RegisteredApp


@dataclass(frozen=True)
class FoundToken:
    """A token, access or refresh, and the family it belongs to."""

    app_id: str
    tenant_id: str
    family_id: str

    def check_client(self, client: RegisteredApp) -> bool:
        """Say whether it was given to this app."""
        return client.id == self.app_id


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Authlib's endpoint over our tables."""

    CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

    server: ProtocolServer

    def __init__(self, claims: Mapping[str, Any] | None) -> None:
        super().__init__()
        self._claims = claims

    def check_params(self, request: ProtocolRequest, client: RegisteredApp) -> None:
        """Raise InvalidRequestError without a token; a hint is only a hint."""
        del client
        if "token" not in request.form:
            raise InvalidRequestError("Missing token.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> FoundToken | None:
        """Return the token, whosever it is."""
        del token_type_hint
        if self._claims is not None:
            claims = self._claims
            return FoundToken(claims["client_id"], claims["tid"], claims["fam"])
        hashes = self.server.keyring.hashes(REFRESH_PURPOSE, token_string)
        row = token_queries.refresh_token(self.server.session, hashes)
        return FoundToken(row["app_id"], row["tenant_id"], row["family_id"]) if row else None

    def revoke_token(self, token: FoundToken, request: ProtocolRequest) -> None:
        """End the family."""
        del request
        token_queries.end_family(
            self.server.session, token.tenant_id, token.family_id, why="revoked by app", now=clock.real_now()
        )


def cannot_prove() -> InvalidClientError:
    """Return the refusal of a public app where only a secret opens."""
    return InvalidClientError("Only a client with a secret may ask.", status_code=401)
