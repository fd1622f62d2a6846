"""The keys that sign access tokens, and their rotation, which breaks no token that is alive.

A new key is published before it signs, for longer than anybody may keep a copy of our key set; an old one
stays published until its last token has expired.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from joserfc.jwk import RSAKey

from conecta.kit import clock
from conecta.kit.crypto import DecryptionError, KeyRing
from conecta.kit.db import Database

from . import access_tokens, signing_key_queries
from .access_tokens import SigningKey

log = structlog.get_logger()

PURPOSE: Final = "oauth signing keys"
BITS: Final = 2048
# How long others may keep a copy of the published set, in seconds.
PUBLISHED_FOR: Final = 300
# A key is published for this long before it signs; twice what a copy may be old.
NOTICE: Final = timedelta(seconds=2 * PUBLISHED_FOR)
_DEAD_AFTER: Final = timedelta(seconds=access_tokens.LIFETIME) + NOTICE
_FRESH_FOR: Final = 30.0
# Whoever makes up names of keys has the set read so many times in ten seconds, no more.
_LOOKS_IN_TEN_SECONDS: Final = 10


class SigningKeys:
    """One process's copy of the keys, read again every so often and when a token names an unknown one."""

    def __init__(self, database: Database, keyring: KeyRing) -> None:
        self._database, self._keyring = database, keyring
        self._signing: list[tuple[datetime, SigningKey]] = []
        self._public: dict[str, RSAKey] = {}
        self._published: list[dict[str, Any]] = []
        self._newest: datetime | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._looks: deque[float] = deque(maxlen=_LOOKS_IN_TEN_SECONDS)

    async def current(self) -> SigningKey:
        """Return the key that signs now; the first one of an installation is made here."""
        await self._refresh(_FRESH_FOR)
        found = self._now_signing()
        if found is None:
            await _make_needed(self._database, self._keyring, self._newest)
            await self._refresh(0)
            found = self._now_signing()
        if found is None:
            raise DecryptionError(PURPOSE)
        return found

    async def published(self) -> list[dict[str, Any]]:
        """Return the public halves of all keys as a JWK set shows them."""
        await self.current()
        return self._published

    async def public(self) -> Mapping[str, RSAKey]:
        """Return the public halves by kid."""
        await self._refresh(_FRESH_FOR)
        return self._public

    async def look_again(self) -> Mapping[str, RSAKey]:
        """Return the public halves anew: a token named a key that was not among them."""
        now, looks = time.monotonic(), self._looks
        if len(looks) < _LOOKS_IN_TEN_SECONDS or now - looks[0] > 10:
            looks.append(now)
            await self._refresh(0)
        return self._public

    def _now_signing(self) -> SigningKey | None:
        now = clock.real_now()
        return next((key for signs_from, key in reversed(self._signing) if signs_from <= now), None)

    async def _refresh(self, seconds: float) -> None:
        if time.monotonic() - self._read_at < seconds and self._signing:
            return
        async with self._reading:
            if time.monotonic() - self._read_at < seconds and self._signing:
                return
            rows = await signing_key_queries.every_key(self._database)
            signing = [
                (signs_from, SigningKey(kid, key))
                for kid, sealed, _, signs_from in rows
                if (key := self._opened(kid, sealed)) is not None
            ]
            self._published = [row[2] for row in rows]
            self._public = {row[0]: self._public.get(row[0]) or RSAKey.import_key(row[2]) for row in rows}
            self._newest = rows[-1][3] if rows else None
            self._signing, self._read_at = signing, time.monotonic()

    def _opened(self, kid: str, sealed: bytes) -> RSAKey | None:
        known = next((key.key for _, key in self._signing if key.kid == kid), None)
        if known is not None:
            return known
        try:
            return RSAKey.import_key(json.loads(self._keyring.decrypt(PURPOSE, sealed)))
        except DecryptionError:
            # Its tokens can still be checked; another key has to sign.
            log.error("signing_key_unreadable", kid=kid)
            return None


async def rotate(database: Database, keyring: KeyRing, *, drop_others: bool = False) -> str | None:
    """Make the next key; return its kid, or None when there is one already that is about to sign.

    `drop_others` forgets all other keys at once: for when one has leaked. Every token ends within a minute.
    """
    made = await _generate(keyring)
    now = clock.real_now()
    async with database.transaction(system=True) as session:
        newest = await signing_key_queries.lock(session)
        if not drop_others and newest is not None and newest > now:
            return None
        await signing_key_queries.add(
            session,
            {**made, "now": now, "signs_from": now if drop_others or newest is None else now + NOTICE},
        )
        if drop_others:
            await signing_key_queries.delete_others(session, made["id"])
    return str(made["id"])


async def _make_needed(database: Database, keyring: KeyRing, seen: datetime | None) -> None:
    """Make a key that signs at once, unless somebody else has since the keys were read."""
    made = await _generate(keyring)
    now = clock.real_now()
    async with database.transaction(system=True) as session:
        if await signing_key_queries.lock(session) == seen:
            await signing_key_queries.add(session, {**made, "now": now, "signs_from": now})


async def _generate(keyring: KeyRing) -> dict[str, Any]:
    key = await asyncio.to_thread(RSAKey.generate_key, BITS, None, True, True)
    public = {**key.as_dict(private=False), "use": "sig", "alg": access_tokens.ALGORITHM}
    return {
        "id": str(key.kid),
        "private_key": keyring.encrypt(PURPOSE, json.dumps(key.as_dict(private=True)).encode()),
        "public_key": json.dumps(public),
    }


async def delete_dead(database: Database) -> int:
    """Delete the keys none of whose tokens can be alive; return how many."""
    return await signing_key_queries.delete_dead(database, clock.real_now() - _DEAD_AFTER)
