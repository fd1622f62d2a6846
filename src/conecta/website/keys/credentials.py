"""Publishable keys as credentials: they let a visitor of the firm's website in, from its origins only.

Their calls have counters of their own, so that a crowd on the website never uses up what the firm's own
programs may ask: one for the address that calls, one for the whole website, as large as the plan's.
"""

from datetime import timedelta

from psycopg.rows import TupleRow

from conecta.auth.caller import Caller
from conecta.auth.credentials import Admission, Presented
from conecta.auth.errors import OriginNotAllowed
from conecta.kit.db import Database
from conecta.kit.errors import Unauthorized
from conecta.kit.language import Text
from conecta.kit.rate_limit import Limits, RateLimitStore, neighbourhood

from . import queries, rules

_UNKNOWN = Text("La clave no existe o está mal copiada.", "The key does not exist or was not copied whole.")
_REVOKED = Text("La clave está revocada.", "The key is revoked.")


class PublishableKeyCredentials:
    """Finds visitors' callers by publishable key, and charges them."""

    schemes = frozenset({"bearer"})

    def __init__(self, database: Database, limits: RateLimitStore) -> None:
        self._database, self._limits = database, limits

    def recognises(self, token: str) -> bool:
        """Publishable keys start with `pk_`."""
        return token.startswith(rules.PREFIX)

    async def admit(self, presented: Presented) -> Admission:
        """Return a visitor of the key's firm; raise Unauthorized or OriginNotAllowed."""
        if not rules.is_well_formed(presented.token):
            raise Unauthorized(_UNKNOWN)
        rows = await self._database.read(queries.ADMIT, {"key": presented.token}, system=True)
        if not rows:
            raise Unauthorized(_UNKNOWN)
        caller, origins, revoked = _caller(rows[0])
        if revoked:
            raise Unauthorized(_REVOKED)
        if presented.origin not in origins:
            raise OriginNotAllowed(origin=presented.origin[:200] or "—")
        place, share = neighbourhood(presented.address), rules.calls_of_one_place(caller.limits)
        charge = await self._limits.charge(f"visitor:{caller.tenant_id}:{place}", share)
        if charge.allowed:
            whole = await self._limits.charge(f"website:{caller.tenant_id}", caller.limits)
            charge = charge if whole.allowed else whole
        return Admission(caller, charge)


def _caller(row: TupleRow) -> tuple[Caller, list[str], bool]:
    key_id, name, origins, revoked, tenant_id, firm_id, plan, per_minute, per_day, offset, zone = row
    caller = Caller(
        kind="visitor",
        tenant_id=tenant_id,
        scopes=frozenset(),
        credential_id=key_id,
        name=name,
        plan=plan,
        limits=Limits(per_minute, per_day),
        sandbox=firm_id != tenant_id,
        firm_id=firm_id,
        clock_offset=timedelta(seconds=offset),
        time_zone=zone,
    )
    return caller, origins, revoked
