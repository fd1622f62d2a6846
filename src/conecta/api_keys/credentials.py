"""API keys as credentials: one round trip finds the key, its firm and plan, and charges the limits."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from psycopg.rows import TupleRow

from conecta.auth.caller import Caller
from conecta.auth.credentials import Admission, Presented
from conecta.kit import background, clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.errors import Unauthorized
from conecta.kit.language import Text
from conecta.kit.rate_limit import Charge, Limits

from . import queries, rules

HASH_PURPOSE = "api keys"
_SECONDS_BETWEEN_WRITES = 5.0

_UNKNOWN = Text("La clave no existe o está mal copiada.", "The key does not exist or was not copied whole.")
_REVOKED = Text("La clave está revocada.", "The key is revoked.")
_EXPIRED = Text("La clave ha caducado.", "The key has expired.")
_ELSEWHERE = Text(
    "La clave no se admite desde la dirección {address}.", "The key is not accepted from address {address}."
)


class ApiKeyCredentials:
    """Finds callers by key, and remembers when each key was last used (written in batches)."""

    schemes = frozenset({"bearer"})

    def __init__(self, database: Database, keyring: KeyRing, *, charge_here: bool) -> None:
        self._database, self._keyring, self._charge_here = database, keyring, charge_here
        self._uses: dict[tuple[str, str], dict[str, Any]] = {}
        self._writer: asyncio.Task[None] | None = None

    def recognises(self, token: str) -> bool:
        """Keys start with `sk_`."""
        return token.startswith("sk_")

    async def admit(self, presented: Presented) -> Admission:
        """Return the firm a key stands for; raise Unauthorized when it may not come in."""
        if not rules.is_well_formed(presented.token):
            raise Unauthorized(_UNKNOWN)
        hashes = self._keyring.hashes(HASH_PURPOSE, presented.token)
        params = {
            "hashes": hashes,
            "address": rules.plain_address(presented.address),
            "charge": self._charge_here,
        }
        rows = await self._database.read(queries.ADMIT, params, system=True)
        if not rows:
            raise Unauthorized(_UNKNOWN)
        caller = _caller(rows[0])
        self._check(rows[0], presented)
        self._note_use(caller, presented)
        charge = Charge(caller.tenant_id, caller.limits, *rows[0][-5:]) if self._charge_here else None
        return Admission(caller, charge)

    def start(self) -> None:
        """Start writing last uses in the background."""
        self._writer = asyncio.create_task(self._write_for_ever())

    async def stop(self) -> None:
        """Stop, and write what is left."""
        if self._writer:
            await background.stop(self._writer)
        await self.write_uses()

    async def write_uses(self) -> None:
        """Write the buffered last uses in one statement."""
        uses, self._uses = list(self._uses.values()), {}
        if uses:
            columns = {name: [use[name] for use in uses] for name in uses[0]}
            await self._database.read(queries.WRITE_USES, columns, system=True)

    def _check(self, row: TupleRow, presented: Presented) -> None:
        revoked, expired, elsewhere = row[1:4]
        if revoked:
            raise Unauthorized(_REVOKED)
        if expired:
            raise Unauthorized(_EXPIRED)
        if elsewhere:
            raise Unauthorized(_ELSEWHERE.fill(address=presented.address))

    def _note_use(self, caller: Caller, presented: Presented) -> None:
        self._uses[caller.tenant_id, caller.credential_id] = {
            "tenant": caller.tenant_id,
            "id": caller.credential_id,
            "at": clock.real_now(),
            "address": presented.address,
            "agent": presented.user_agent.replace("\x00", ""),
            "route": presented.route.replace("\x00", ""),
        }

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_WRITES)
            with contextlib.suppress(Exception):  # the next round tries again; a use is no business row
                await self.write_uses()


def _caller(row: TupleRow) -> Caller:
    (key_id, _, _, _, name, scopes, tenant_id, firm_id, plan, per_minute, per_day, offset, zone) = row[:13]
    return Caller(
        kind="firm",
        tenant_id=tenant_id,
        scopes=frozenset(scopes),
        credential_id=key_id,
        name=name,
        plan=plan,
        limits=Limits(per_minute, per_day),
        sandbox=firm_id != tenant_id,
        firm_id=firm_id,
        clock_offset=timedelta(seconds=offset),
        time_zone=zone,
    )
