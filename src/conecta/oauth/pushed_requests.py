"""Pushed authorization requests (RFC 9126): kept by the hash of their `request_uri`, answered once."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.crypto import fingerprint
from conecta.kit.db import Database
from conecta.kit.ids import new_id

from . import queries
from .registered_app import RegisteredApp

# Long enough to sign in with a second factor before consenting.
LIFETIME: Final = timedelta(minutes=10)
_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True)
class PushedRequest:
    """What an app pushed."""

    id: str
    parameters: Mapping[str, str]


async def push(database: Database, *, app: RegisteredApp, parameters: Mapping[str, str]) -> str:
    """Keep a request that was judged sound, and return its `request_uri`."""
    request_uri = _PREFIX + secrets.token_urlsafe(32)
    values = {
        "tenant": app.tenant_id,
        "id": new_id("par"),
        "app": app.id,
        "hash": _hash(request_uri),
        "params": dict(parameters),
        "until": clock.real_now() + LIFETIME,
    }
    await queries.add_pushed_request(database, values)
    return request_uri


async def find(database: Database, *, app: RegisteredApp, request_uri: str) -> PushedRequest | None:
    """Return an app's pushed request that is neither expired nor answered."""
    hash_ = _hash(request_uri)
    found = await queries.pushed_request(database, app.tenant_id, app.id, hash_, clock.real_now())
    return PushedRequest(*found) if found else None


async def use(session: AsyncSession, app: RegisteredApp, pushed_id: str) -> bool:
    """Take a pushed request as answered, in one statement that only one caller can win."""
    return await queries.use_pushed_request(session, app.tenant_id, pushed_id, clock.real_now())


def _hash(request_uri: str) -> bytes:
    # It travels through browsers and opens nothing by itself; what matters is that no copy of it is kept.
    return fingerprint(b"oauth request_uri", request_uri.encode("utf-8", "replace"))
