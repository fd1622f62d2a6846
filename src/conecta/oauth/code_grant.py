"""The authorization code grant: PKCE with S256 only, codes used once, and the end of who uses one twice."""

import secrets
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]
    AuthorizationCodeGrant,
    AuthorizationCodeMixin,
    InvalidGrantError,
    InvalidRequestError,
)
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]

from conecta.kit import clock
from conecta.kit.ids import new_id

from . import queries, rules, token_queries
from .protocol import ProtocolRequest, ProtocolServer, subject_of
from .subjects import Subject

CODE_PURPOSE = "oauth codes"
CODE_LIFETIME = timedelta(seconds=60)


class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that has just been used up."""

    def __init__(self, row: dict[str, Any], subject: Subject) -> None:
        self.row, self.subject = row, subject

    def get_redirect_uri(self) -> str | None:
        """Return the redirect URI that the authorization request named, if it named one."""
        return self.row["redirect_uri"]  # type: ignore[no-any-return]

    def get_scope(self) -> str:
        """Return what was consented."""
        return " ".join(rules.in_order(self.row["scopes"]))


class S256Challenge(CodeChallenge):  # type: ignore[misc]
    """PKCE, hardened: a challenge names S256, public apps must send one, others when their app says so."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: "CodeGrant", redirect_uri: str) -> None:
        """Raise InvalidRequestError unless the authorization request's challenge is as it must be."""
        del redirect_uri
        app, data = grant.request.app, grant.request.payload.data
        challenge, method = data.get("code_challenge"), data.get("code_challenge_method")
        if not challenge and (app.public or app.pkce_required or method):
            raise InvalidRequestError("Missing code_challenge: send one, with code_challenge_method=S256.")
        if challenge and method != "S256":
            raise InvalidRequestError("The only code_challenge_method is S256.")
        if challenge and not rules.is_challenge(challenge):
            raise InvalidRequestError("The code_challenge is not the base64url of a SHA-256 hash.")

    def validate_code_verifier(self, grant: "CodeGrant", result: None) -> None:
        """Raise InvalidGrantError when a verifier comes for a code that was asked for without a challenge.

        Somebody may have taken the challenge out of the request, so that a stolen code would fit.
        """
        if (
            "code_verifier" in grant.request.form
            and not grant.request.authorization_code.row["code_challenge"]
        ):
            raise InvalidGrantError("The authorization request had no code_challenge.")
        super().validate_code_verifier(grant, result)

    def get_authorization_code_challenge(self, authorization_code: Code) -> str | None:
        """Return the challenge that the code was asked for with."""
        return authorization_code.row["code_challenge"]  # type: ignore[no-any-return]

    def get_authorization_code_challenge_method(self, authorization_code: Code) -> str:
        """Return S256: there is no other."""
        del authorization_code
        return "S256"


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """Authlib's grant over our tables."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

    request: ProtocolRequest
    server: ProtocolServer

    def generate_authorization_code(self) -> str:
        """Make a code of 256 random bits."""
        return secrets.token_urlsafe(32)

    def create_authorization_response(self, redirect_uri: str, grant_user: Subject) -> Any:
        """Return a 303 to the app with code, state and issuer (RFC 9207)."""
        self.request.user = grant_user
        code = self.generate_authorization_code()
        self.save_authorization_code(code, self.request)
        state = self.request.payload.state
        parameters = [("code", code), *([("state", state)] if state else []), ("iss", self.server.issuer)]
        return 303, "", [("Location", rules.with_parameters(redirect_uri, parameters))]

    def save_authorization_code(self, code: str, request: ProtocolRequest) -> None:
        """Store the hash of a code with all that its use must match."""
        subject, data = subject_of(request), request.payload.data
        values = {
            "tenant": subject.tenant_id,
            "id": new_id("cod"),
            "family": subject.family_id,
            "app": request.app.id,
            "hash": self.server.keyring.hashes(CODE_PURPOSE, code)[0],
            "redirect_uri": data.get("redirect_uri"),
            "challenge": data.get("code_challenge"),
            "jkt": data.get("dpop_jkt"),
            "until": clock.real_now() + CODE_LIFETIME,
        }
        queries.add_code(self.server.session, values)

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        """Use a code up, in one statement that only one caller can win.

        A code is good for one attempt, right or wrong. A second one means that somebody else had it: all
        tokens that came of it end (RFC 6749 §4.1.2).
        """
        hashes = self.server.keyring.hashes(CODE_PURPOSE, code)
        session, now = self.server.session, clock.real_now()
        row = token_queries.use_code(session, hashes=hashes, app_id=client.id, now=now)
        if row is None:
            replayed = token_queries.family_of_used_code(session, hashes=hashes, app_id=client.id)
            self.server.end_replayed(replayed, "code replayed")
            return None
        if row["dpop_jkt"] and row["dpop_jkt"] != self.server.jkt:
            raise InvalidGrantError("The code is bound to another DPoP key.")
        return Code(row, token_queries.subject_of_row(row))

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Do nothing: a used code is remembered, so that a second use is noticed."""

    def authenticate_user(self, authorization_code: Code) -> Subject:
        """Return whom the code acts for."""
        return authorization_code.subject
