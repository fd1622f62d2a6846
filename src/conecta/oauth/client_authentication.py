"""Which app sends a request to a machine endpoint, and whether it can prove it (RFC 6749 §2.3).

Checked before Authlib sees anything, which takes Basic and body together, does not decode `+`, and stumbles
over bytes that are not UTF-8.
"""

import base64
import binascii
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError  # type: ignore[import-untyped]

from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.rate_limit import Charge, Limits, RateLimitStore, neighbourhood

from . import registered_app
from .errors import TooManyAttempts
from .registered_app import RegisteredApp

_DAILY = 50  # times the minute's, as at the gate
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_LONGEST = 200


@dataclass(frozen=True)
class Credentials:
    """What an app sent to say who it is."""

    client_id: str
    secret: str | None
    method: str


@dataclass(frozen=True)
class Authenticated:
    """An app that is who it says; a public one (`method` none) only says so."""

    app: RegisteredApp
    method: str


class ClientAuthentication:
    """Lets apps in, and slows down who guesses secrets."""

    def __init__(
        self, database: Database, keyring: KeyRing, limits: RateLimitStore, *, failures_per_minute: int
    ) -> None:
        self._database, self._keyring, self._limits = database, keyring, limits
        self._allowed = Limits(failures_per_minute, failures_per_minute * _DAILY)

    async def authenticate(
        self, authorization: list[str], parameters: Mapping[str, str], *, address: str
    ) -> Authenticated:
        """Return the app; raise InvalidClientError, InvalidRequestError or TooManyAttempts."""
        sent = read_credentials(authorization, parameters)
        # The same counter as for refused credentials at the gate: one address, one patience.
        subject = f"address:{neighbourhood(address)}"
        charge = await self._limits.peek(subject, self._allowed)
        if charge.minute_used >= self._allowed.per_minute or charge.day_used >= self._allowed.per_day:
            raise _too_many(charge)
        app = await registered_app.find(self._database, sent.client_id)
        if app is not None and self._proves(app, sent):
            return Authenticated(app, sent.method)
        await self.charge_failure(address)
        raise InvalidClientError(
            "The client is unknown, or this is no way it authenticates.", status_code=401
        )

    async def charge_failure(self, address: str) -> None:
        """Count a wrong credential from an address; raise TooManyAttempts when it sent too many."""
        charge = await self._limits.charge(f"address:{neighbourhood(address)}", self._allowed)
        if not charge.allowed:
            raise _too_many(charge)

    def _proves(self, app: RegisteredApp, sent: Credentials) -> bool:
        if sent.method == "none":
            return app.public
        right = app.has_secret(sent.secret or "", self._keyring)
        return right and not app.public and app.auth_method in {None, sent.method}


def read_credentials(authorization: list[str], parameters: Mapping[str, str]) -> Credentials:
    """Read who an app says it is: by Basic, in the body, or (a public app) by client_id alone."""
    if "client_assertion" in parameters or "client_assertion_type" in parameters:
        raise _unreadable("Assertions are no way to authenticate here.")
    if authorization:
        if "client_secret" in parameters:
            raise InvalidRequestError("Send the credentials once: by Basic or in the body.")
        client_id, secret = _basic(authorization)
        if parameters.get("client_id", client_id) != client_id:
            raise InvalidRequestError("The client_id of the body is not the one of Basic.")
        return Credentials(client_id, secret, "client_secret_basic")
    if "client_id" not in parameters:
        raise _unreadable("The client does not say who it is.")
    found = "client_secret" in parameters
    return Credentials(
        parameters["client_id"], parameters.get("client_secret"), "client_secret_post" if found else "none"
    )


def _basic(authorization: list[str]) -> tuple[str, str]:
    scheme, _, value = authorization[0].strip().partition(" ")
    if len(authorization) > 1 or scheme.lower() != "basic":
        raise _unreadable("The only Authorization here is Basic, once.")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        name, colon, secret = text.partition(":")
        client_id, client_secret = _form_decoded(name), _form_decoded(secret)
    except (binascii.Error, ValueError):
        raise _unreadable("The Basic credentials cannot be read.") from None
    if not colon or not client_id or not client_secret:
        raise _unreadable("The Basic credentials lack an id or a secret.")
    return client_id, client_secret


def _form_decoded(text: str) -> str:
    # RFC 6749 §2.3.1: id and secret are encoded as in a form before they are joined.
    decoded = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    if _CONTROL.search(decoded) or len(decoded) > _LONGEST:
        raise ValueError
    return decoded


def _unreadable(text: str) -> InvalidClientError:
    return InvalidClientError(text, status_code=401)


def _too_many(charge: Charge) -> TooManyAttempts:
    return TooManyAttempts(charge.retry_after(int(time.time())))
