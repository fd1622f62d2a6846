"""The refresh token grant: rotation, a grace for lost answers, and the end of a stolen family."""

from datetime import timedelta
from typing import Any, Final

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]
    InvalidGrantError,
    InvalidScopeError,
    RefreshTokenGrant,
    TokenMixin,
)

from conecta.kit import clock

from . import rules, token_queries
from .protocol import REFRESH_PURPOSE, ProtocolRequest, ProtocolServer
from .subjects import Subject

# Within this, a token that was used gives another new pair: the first answer may have been lost.
GRACE: Final = timedelta(seconds=30)


class RefreshToken(TokenMixin):  # type: ignore[misc]
    """A refresh token that has just been used."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.id, self.scopes = row["token_id"], row["scopes"]
        self.subject = token_queries.subject_of_row(row)

    def check_client(self, client: Any) -> bool:
        """Say yes: the statement that found it named the app."""
        del client
        return True

    def get_scope(self) -> str:
        """Return what was consented."""
        return " ".join(rules.in_order(self.scopes))


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """Authlib's grant over our tables."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
    INCLUDE_NEW_REFRESH_TOKEN = True

    request: ProtocolRequest
    server: ProtocolServer

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken:
        """Use a token up; a second use after the grace ends all tokens of its family."""
        session, app, now = self.server.session, self.request.app, clock.real_now()
        hashes = self.server.keyring.hashes(REFRESH_PURPOSE, refresh_token)
        self._refuse_wider_scope(hashes)
        row = token_queries.use_refresh_token(
            session, hashes=hashes, app_id=app.id, jkt=self.server.jkt, now=now, grace=GRACE
        )
        if row is None:
            replayed = token_queries.family_of_used_refresh_token(
                session, hashes=hashes, app_id=app.id, now=now, grace=GRACE
            )
            self.server.end_replayed(replayed, "refresh token replayed")
            raise InvalidGrantError(
                "The refresh token is unknown, used, expired, revoked, or bound to another key."
            )
        return RefreshToken(row)

    def _refuse_wider_scope(self, hashes: list[bytes]) -> None:
        # Before the token is used up: whoever asks for too much may ask again.
        wanted = self.request.payload.scope
        if not wanted:
            return
        scopes = rules.read_scopes(wanted)
        had = token_queries.scopes_of_refresh_token(self.server.session, hashes, self.request.app.id)
        if scopes is None or (had is not None and not set(scopes) <= set(had)):
            raise InvalidScopeError

    def authenticate_user(self, refresh_token: RefreshToken) -> Subject:
        """Return whom the token acts for."""
        return refresh_token.subject

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Do nothing: it was used up when it was found."""
