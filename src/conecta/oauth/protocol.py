"""Authlib's server, and what it is told of a request.

Authlib is synchronous: what needs the database runs inside `AsyncSession.run_sync`. One server is made for
each request, so that it can hold the request's session; making one costs some microseconds.
"""

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]
    AuthorizationServer,
    InvalidScopeError,
    OAuth2Error,
    OAuth2Payload,
    OAuth2Request,
)
from sqlalchemy.orm import Session

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.ids import new_id

from . import access_tokens, rules, token_queries
from .access_tokens import SigningKey
from .registered_app import RegisteredApp
from .subjects import Subject

REFRESH_PURPOSE: Final = "oauth refresh tokens"
# A refresh token lives as long as it is used this often.
REFRESH_IDLE: Final = timedelta(days=30)

# Authlib refuses what did not come by https. Whether this server may be reached otherwise is decided when it
# starts, not by what a header says, so Authlib is told what it wants to hear.
_SECURE = "https://localhost/"


@dataclass(frozen=True)
class Answer:
    """What the protocol answers: a JSON body, or a redirect when `location` is set."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers["Location"]


class _Payload(OAuth2Payload):  # type: ignore[misc]
    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._data = dict(parameters)

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return defaultdict(list, {name: [value] for name, value in self._data.items()})


class ProtocolRequest(OAuth2Request):  # type: ignore[misc]
    """A request whose parameters were read already: none of them empty, none of them twice."""

    def __init__(
        self,
        method: str,
        parameters: Mapping[str, str],
        *,
        app: RegisteredApp,
        auth_method: str | None = None,
    ) -> None:
        super().__init__(method, _SECURE)
        self.payload = _Payload(parameters)
        self.app, self.how = app, auth_method
        self.client = app

    @property
    def args(self) -> dict[str, str]:
        """The parameters of a GET."""
        return self.payload.data if self.method == "GET" else {}

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a POST."""
        return self.payload.data if self.method == "POST" else {}


class ProtocolServer(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for one request, whose app is known and has proven who it is."""

    def __init__(
        self,
        issuer: str,
        app: RegisteredApp,
        keyring: KeyRing | None = None,
        session: Session | None = None,
        *,
        key: SigningKey | None = None,
        jkt: str | None = None,
    ) -> None:
        super().__init__()
        self.issuer, self._app, self._keyring, self._session = issuer, app, keyring, session
        self._key = key
        # Thumbprint of the DPoP key that the request has proven to hold.
        self.jkt = jkt
        # The grants whose tokens were used twice, to be told in the audit log: tenant and grant.
        self.replayed: list[tuple[str, str]] = []

    @property
    def keyring(self) -> KeyRing:
        """What hashes the tokens of this request."""
        assert self._keyring is not None
        return self._keyring

    @property
    def session(self) -> Session:
        """The transaction of this request."""
        assert self._session is not None
        return self._session

    def query_client(self, client_id: str) -> RegisteredApp | None:
        """Return the app of this request, when it is meant."""
        return self._app if client_id == self._app.id else None

    def authenticate_client(
        self, request: ProtocolRequest, methods: Sequence[str], endpoint: str = "token"
    ) -> RegisteredApp:
        """Return the app, which `client_authentication` let in before anything else was looked at."""
        del methods, endpoint
        request.auth_method = request.how
        return request.app

    def generate_token(
        self,
        grant_type: str,
        client: RegisteredApp,
        user: Subject | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """Return the body of a token answer, its members in the order of the seed.

        Scopes that the app may no longer ask for are left out; raises InvalidScopeError when none is left.
        """
        del grant_type, expires_in
        assert user is not None
        assert self._key is not None
        scopes = rules.in_order({*(scope or "").split()} & {*client.scopes})
        if not scopes:
            raise InvalidScopeError("The app may no longer ask for any of the scopes.")
        access = access_tokens.make(
            self._key, issuer=self.issuer, app=client, subject=user, scopes=scopes, jkt=self.jkt
        )
        refresh = {"refresh_token": secrets.token_urlsafe(32)} if include_refresh_token else {}
        return {
            "access_token": access,
            "token_type": "DPoP" if self.jkt else "Bearer",
            "expires_in": access_tokens.LIFETIME,
            **refresh,
            "scope": " ".join(scopes),
        }

    def save_token(self, token: Mapping[str, Any], request: "ProtocolRequest") -> None:
        """Store the hash of a refresh token; an access token is not stored at all."""
        subject, now = subject_of(request), clock.real_now()
        until = now + timedelta(seconds=access_tokens.LIFETIME)
        if "refresh_token" in token:
            until = now + REFRESH_IDLE
            values = {
                "tenant": subject.tenant_id,
                "id": new_id("rft"),
                "family": subject.family_id,
                "app": request.app.id,
                "parent": request.refresh_token.id if request.refresh_token else None,
                "hash": self.keyring.hashes(REFRESH_PURPOSE, token["refresh_token"])[0],
                "now": now,
                "until": until,
            }
            token_queries.add_refresh_token(self.session, values)
        # Only a public app's refresh tokens are bound: the others' are bound to a secret already.
        jkt = self.jkt if request.app.public else None
        token_queries.keep_family(self.session, subject.tenant_id, subject.family_id, until=until, jkt=jkt)

    def end_replayed(self, family: tuple[str, str] | None, why: str) -> None:
        """End the family of a code or token that was used twice: somebody else has it."""
        if family is None:
            return
        tenant_id, family_id = family
        grant = token_queries.end_family(self.session, tenant_id, family_id, why=why, now=clock.real_now())
        if grant is not None:
            self.replayed.append((tenant_id, grant))

    def create_oauth2_request(self, request: ProtocolRequest) -> ProtocolRequest:
        """Return the request, which is Authlib's own already."""
        return request

    def send_signal(self, name: str, *args: Any, **more: Any) -> None:
        """Tell nobody: what matters is written where it happens."""

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Answer:
        """Return the answer as data; the route writes it."""
        return Answer(status, body or {}, dict(headers))

    def handle_error_response(self, request: ProtocolRequest, error: OAuth2Error) -> Answer:
        """Return an error as JSON, wherever Authlib would have sent it."""
        del request
        return error_answer(error)


class InvalidTokenError(OAuth2Error):  # type: ignore[misc]
    """A bearer token that opens nothing (RFC 6750 §3.1)."""

    error = "invalid_token"
    status_code = 401

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers with the challenge."""
        challenge = f'Bearer realm="conecta", error="invalid_token", error_description="{self.description}"'
        return [("WWW-Authenticate", challenge)]


def error_answer(error: OAuth2Error) -> Answer:
    """Write an error as RFC 6749 §5.2 says."""
    body = {"error": error.error}
    if text := error.get_error_description():
        body["error_description"] = rules.description(text[:200])
    headers = dict(error.get_headers())
    if error.status_code == 401 and "Basic" in headers.get("WWW-Authenticate", ""):
        headers["WWW-Authenticate"] = 'Basic realm="conecta", charset="UTF-8"'
    return Answer(error.status_code, body, headers)


def subject_of(request: ProtocolRequest) -> Subject:
    """Return whom the tokens of a request act for, once its grant has said so."""
    subject = request.user
    assert isinstance(subject, Subject)
    return subject
