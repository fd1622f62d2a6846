"""Who the providers are in this installation, and how an account's tokens are kept."""

import json
from datetime import datetime
from typing import Final

from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.settings import Settings

from . import sync_queries as queries
from .google import Google
from .http import AccountApi, Http
from .microsoft import Microsoft
from .provider import CalendarProvider, Client, Tokens

_PURPOSE: Final = "calendar tokens"
SECRET_PURPOSE: Final = "calendar channels"  # noqa: S105 - what the key is for


def providers(settings: Settings) -> dict[str, CalendarProvider]:
    """Return the providers that the settings have a client of."""
    found: dict[str, CalendarProvider] = {}
    if settings.google_client_id and settings.google_client_secret:
        found["google"] = Google(
            Client(
                settings.google_client_id,
                settings.google_client_secret.get_secret_value(),
                settings.google_api_url,
                settings.google_authorize_url,
                settings.google_token_url,
                settings.google_revoke_url,
            )
        )
    if settings.microsoft_client_id and settings.microsoft_client_secret:
        found["microsoft"] = Microsoft(
            Client(
                settings.microsoft_client_id,
                settings.microsoft_client_secret.get_secret_value(),
                settings.microsoft_api_url,
                f"{settings.microsoft_login_url}/authorize",
                f"{settings.microsoft_login_url}/token",
            )
        )
    return found


def push_address(settings: Settings) -> str | None:
    """Return where providers notify us, or None where they cannot: they want https."""
    if settings.calendar_push_url:
        return settings.calendar_push_url
    return settings.base_url if settings.base_url.startswith("https://") else None


def seal(keyring: KeyRing, tokens: Tokens) -> bytes:
    """Encrypt an account's tokens."""
    plain = {"access": tokens.access, "refresh": tokens.refresh, "expires_at": tokens.expires_at.isoformat()}
    return keyring.encrypt(_PURPOSE, json.dumps(plain).encode())


def unseal(keyring: KeyRing, stored: bytes) -> Tokens:
    """Decrypt an account's tokens."""
    plain = json.loads(keyring.decrypt(_PURPOSE, stored))
    return Tokens(plain["access"], plain["refresh"], datetime.fromisoformat(plain["expires_at"]))


class Accounts:
    """Opens accounts for the worker."""

    def __init__(self, database: Database, keyring: KeyRing, settings: Settings, http: Http) -> None:
        self.providers = providers(settings)
        self._database, self._keyring, self._http = database, keyring, http

    def open(
        self, provider: CalendarProvider, tenant_id: str, connection_id: str, version: int, tokens: bytes
    ) -> AccountApi:
        """Return the API of a connection's account, as of a version; renewed tokens are stored at once."""

        async def keep(renewed: Tokens) -> None:
            async with self._database.transaction(tenant_id=tenant_id) as session:
                sealed = seal(self._keyring, renewed)
                await queries.keep_tokens(session, tenant_id, connection_id, version, sealed)

        return AccountApi(self._http, provider, unseal(self._keyring, tokens), keep)
