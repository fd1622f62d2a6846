"""An app as the protocol sees it: Authlib's client, filled from one row."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin  # type: ignore[import-untyped]

from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database

from . import queries, rules

SECRET_PURPOSE = "oauth app secrets"  # noqa: S105 - what the hash is for, no secret


@dataclass(frozen=True)
class RegisteredApp(ClientMixin):  # type: ignore[misc]
    """A registered app that is not deleted."""

    id: str
    tenant_id: str
    tenant_name: str
    name: str
    kind: str
    for_clients: bool
    pkce_required: bool
    dpop_required: bool
    pushed_requests_required: bool
    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    grant_types: Sequence[str]
    auth_method: str | None
    website: str | None
    logo: str | None
    registered_itself: bool
    secret_hashes: Sequence[bytes]

    @property
    def public(self) -> bool:
        """Whether it can keep no secret."""
        return self.kind == "public"

    def has_secret(self, secret: str, keyring: KeyRing) -> bool:
        """Say whether a secret is one of its own, in the same time whatever the answer."""
        hashes = keyring.hashes(SECRET_PURPOSE, secret)
        known = self.secret_hashes or [b"\0" * 32]
        found = [hmac.compare_digest(hash_, stored) for hash_ in hashes for stored in known]
        return any(found)

    def get_client_id(self) -> str:
        """Return what the wire calls client_id."""
        return self.id

    def get_default_redirect_uri(self) -> str | None:
        """Return the redirect URI of a request that names none: the only one there is."""
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the scopes of a request, all of the app's when it names none; None refuses it."""
        if not scope:
            return " ".join(rules.in_order(self.scopes)) or None
        wanted = rules.read_scopes(scope)
        if not wanted or not set(wanted) <= set(self.scopes):
            return None
        return " ".join(rules.in_order(wanted))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Say whether a redirect URI is registered."""
        return rules.is_registered(redirect_uri, self.redirect_uris, public=self.public)

    def check_response_type(self, response_type: str) -> bool:
        """Say whether it may ask for codes."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        """Say whether it may use a grant."""
        return grant_type in self.grant_types


async def find(database: Database, app_id: str) -> RegisteredApp | None:
    """Return the app of a client_id, if there is one."""
    if not app_id.isascii() or "\0" in app_id:
        return None
    rows: Sequence[Any] = await database.read(queries.APP, {"id": app_id[:100]}, system=True)
    if not rows:
        return None
    values: Mapping[str, Any] = dict(zip(queries.APP_COLUMNS, rows[0], strict=True))
    return RegisteredApp(**values)
