"""Access tokens as credentials: checked here, without the database while their grant was seen lately."""

import asyncio
import contextlib
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from psycopg.rows import TupleRow

from conecta.auth.caller import Caller
from conecta.auth.credentials import Admission, Presented
from conecta.auth.roles import SCOPES_OF_CLIENT, SCOPES_OF_ROLE
from conecta.auth.scopes import SEED_SCOPES
from conecta.kit import background, clock
from conecta.kit.errors import Unauthorized
from conecta.kit.language import Text
from conecta.kit.rate_limit import Limits

from . import admission_queries
from .admission_queries import SNAPSHOT_COLUMNS
from .dpop import ALGORITHMS, BadProof, NonceNeeded
from .server import OAuthServer

_GRANTABLE: Final = frozenset(SEED_SCOPES)
_MOST_KEPT: Final = 20_000
_MOST_CHECKED: Final = 5_000
_SECONDS_BETWEEN_WRITES: Final = 5.0

_INVALID = Text(
    "El token de acceso no es válido, ha caducado o se ha revocado.",
    "The access token is invalid, expired or revoked.",
)
_UNBOUND = Text(
    "El token no está ligado a una clave: envíalo con Authorization: Bearer.",
    "The token is not bound to a key: send it with Authorization: Bearer.",
)
_BOUND = Text(
    "El token está ligado a una clave: envíalo con Authorization: DPoP y su prueba.",
    "The token is bound to a key: send it with Authorization: DPoP and its proof.",
)
_BAD_PROOF = Text("La prueba DPoP no vale: {why}", "The DPoP proof is not good: {why}")
_NONCE = Text(
    "La prueba DPoP tiene que llevar el nonce de la cabecera DPoP-Nonce.",
    "The DPoP proof has to carry the nonce of the DPoP-Nonce header.",
)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What was known of a family's caller at a moment; None stands for: nothing that lives."""

    read_at: float
    row: dict[str, Any] | None


class TokenCredentials:
    """Finds callers by access token, and remembers when each app was last used (written in batches)."""

    schemes = frozenset({"bearer", "dpop"})

    def __init__(self, server: OAuthServer, *, seconds_kept: float) -> None:
        """Prepare.

        Args:
            server: checks tokens and proofs.
            seconds_kept: for how long what a grant allows is not asked again; a revocation takes as long.
        """
        self._server, self._seconds_kept = server, seconds_kept
        self._snapshots: OrderedDict[tuple[str, str], _Snapshot] = OrderedDict()
        self._checked: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
        self._uses: dict[tuple[str, str], dict[str, Any]] = {}
        self._writer: asyncio.Task[None] | None = None

    def recognises(self, token: str) -> bool:
        """Say that tokens are JWTs: the base64 of `{"`."""
        return token.startswith("eyJ")

    async def admit(self, presented: Presented) -> Admission:
        """Return whom a token acts for; raise Unauthorized when it may not come in."""
        claims = await self._claims(presented.token)
        if claims is None:
            raise Unauthorized(_INVALID)
        await self._check_binding(claims, presented)
        row = await self._snapshot(claims["tid"], claims["fam"])
        if row is None or row["version"] != claims["gv"]:
            raise Unauthorized(_INVALID)
        self._uses[row["tenant_id"], row["grant_id"]] = {
            "tenant": row["tenant_id"],
            "grant": row["grant_id"],
            "at": clock.real_now(),
        }
        return Admission(_caller(row, claims))

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
            await admission_queries.write_uses(self._server.database, uses)

    async def _claims(self, token: str) -> dict[str, Any] | None:
        # Checking a signature takes as long as half a read; that it was right does not change. The key may
        # have been dropped since, and the token expires.
        digest = hashlib.sha256(token.encode()).digest()
        known = self._checked.get(digest)
        if known is not None and known["kid"] in await self._server.keys.public():
            return known if known["exp"] > time.time() else None
        claims = await self._server.claims_of(token)
        if claims is not None:
            self._checked[digest] = claims
            if len(self._checked) > _MOST_CHECKED:
                self._checked.popitem(last=False)
        return claims

    async def _check_binding(self, claims: dict[str, Any], presented: Presented) -> None:
        bound = claims.get("cnf", {}).get("jkt")
        if bound is None and presented.scheme == "bearer":
            return
        if presented.scheme == "bearer":
            raise _unauthorized(_BOUND, "invalid_token")
        if bound is None:
            raise Unauthorized(_UNBOUND)
        dpop = self._server.dpop
        url = self._server.issuer + presented.path
        try:
            jkt = await dpop.check(
                presented.proofs, method=presented.method, url=url, access_token=presented.token
            )
        except BadProof as bad:
            raise _unauthorized(_BAD_PROOF.fill(why=bad), "invalid_dpop_proof") from None
        except NonceNeeded:
            refusal = _unauthorized(_NONCE, "use_dpop_nonce")
            refusal.headers["DPoP-Nonce"] = dpop.new_nonce() or ""
            raise refusal from None
        if jkt != bound:
            raise _unauthorized(_INVALID, "invalid_token")

    async def _snapshot(self, tenant_id: str, family_id: str) -> dict[str, Any] | None:
        key, now = (tenant_id, family_id), time.monotonic()
        known = self._snapshots.get(key)
        if known is not None and now - known.read_at < self._seconds_kept:
            return known.row
        found = await admission_queries.snapshot(self._server.database, tenant_id, family_id)
        row = _living(found)
        # A sandbox's clock is moved from one call to the next, and tests do not wait.
        if row is None or row["tenant_id"] == row["firm_id"]:
            self._snapshots[key] = _Snapshot(now, row)
            self._snapshots.move_to_end(key)
            if len(self._snapshots) > _MOST_KEPT:
                self._snapshots.popitem(last=False)
        return row

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_WRITES)
            with contextlib.suppress(Exception):  # the next round tries again; a use is no business row
                await self.write_uses()


def _living(found: TupleRow | None) -> dict[str, Any] | None:
    row = dict(zip(SNAPSHOT_COLUMNS, found, strict=True)) if found else None
    return row if row is not None and row["alive"] else None


def _unauthorized(sentence: Text, error: str) -> Unauthorized:
    return Unauthorized(sentence, error=error, scheme="DPoP", algs=ALGORITHMS)


def _caller(row: dict[str, Any], claims: dict[str, Any]) -> Caller:
    """Return the caller: what the token says, cut to what they may do today."""
    kind = row["kind"]
    most = {
        "person": SCOPES_OF_ROLE.get(row["role"], frozenset()) & _GRANTABLE,
        "client": SCOPES_OF_CLIENT,
        "app": _GRANTABLE,
    }[kind]
    names = {"person": row["user_name"], "client": row["client_name"], "app": row["app_name"]}
    return Caller(
        kind={"person": "user", "client": "client", "app": "firm"}[kind],  # type: ignore[arg-type]
        tenant_id=row["tenant_id"],
        scopes=frozenset(claims["scope"].split()) & most & frozenset(SEED_SCOPES),
        credential_id=row["grant_id"],
        name=names[kind],
        plan=row["plan"],
        limits=Limits(row["per_minute"], row["per_day"]),
        sandbox=row["firm_id"] != row["tenant_id"],
        firm_id=row["firm_id"],
        user_id=row["user_id"],
        client_id=row["client_id"],
        clock_offset=timedelta(seconds=row["clock_offset"]),
        time_zone=row["time_zone"],
    )
