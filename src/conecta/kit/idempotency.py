"""`Idempotency-Key` (IETF draft): a retried POST gives the first answer and acts once.

The remembered answer is written in the business transaction, so a crash can never leave one without
the other. Bodies are encrypted: an answer may hold a secret that is shown once.
"""

import json
import re
from datetime import datetime, timedelta

from sqlalchemy import Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column
from starlette.responses import Response

from . import clock
from .crypto import KeyRing
from .db import Writes
from .errors import IdempotencyInFlight, IdempotencyKeyReused, MalformedRequest
from .language import Text
from .tables import Base, Id, Moment, TenantTable, declare, grants, policies

LIFETIME = timedelta(hours=24)
_PURPOSE = "idempotent answers"
_VALID_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")
_KEPT_HEADERS = ("content-type", "location", "etag", "link", "content-language", "cache-control")


class RememberedAnswer(TenantTable, Base):
    """The answer to a POST that carried an Idempotency-Key."""

    __tablename__ = "idempotency_keys"

    route: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(Id, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(Integer)
    sealed_answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment, index=True)


declare(RememberedAnswer, *policies("idempotency_keys", client_sees="true"), *grants("idempotency_keys"))

# The lock says that a twin is running; a twin that commits between our snapshot and the lock is
# caught by the primary key when we remember our own answer.
_LOCK_AND_FIND = """
select pg_try_advisory_xact_lock(hashtextextended(%(tenant)s || ' ' || %(route)s || ' ' || %(key)s, 0)),
  k.fingerprint, k.status, k.sealed_answer
from (select 1) as one left join idempotency_keys k
  on k.tenant_id = %(tenant)s and k.route = %(route)s and k.key = %(key)s and k.created_at > %(since)s
"""
_REMEMBER = """
insert into idempotency_keys as k (tenant_id, route, key, fingerprint, status, sealed_answer, created_at)
values (%(tenant)s, %(route)s, %(key)s, %(fingerprint)s, %(status)s, %(sealed)s, %(now)s::timestamptz)
on conflict (tenant_id, route, key) do update set fingerprint = excluded.fingerprint,
  status = excluded.status, sealed_answer = excluded.sealed_answer, created_at = excluded.created_at
where k.created_at <= %(since)s
returning 1
"""


class IdempotentCall:
    """One POST with its key: look for the first answer, and remember ours."""

    def __init__(
        self,
        writes: Writes,
        keyring: KeyRing,
        *,
        tenant: str,
        route: str,
        key: str,
        fingerprint: bytes,
    ) -> None:
        if not _VALID_KEY.match(key):
            raise MalformedRequest(
                Text(
                    "Idempotency-Key admite de 1 a 255 caracteres ASCII visibles.",
                    "Idempotency-Key takes 1 to 255 visible ASCII characters.",
                )
            )
        self._writes, self._keyring, self._fingerprint = writes, keyring, fingerprint
        now = clock.real_now()
        self._params = {"tenant": tenant, "route": route, "key": key, "now": now, "since": now - LIFETIME}

    async def replay(self) -> Response | None:
        """Return the first answer if there is one.

        Raises IdempotencyInFlight (409) while a twin runs and IdempotencyKeyReused (422) for another request.
        """
        ((locked, fingerprint, status, sealed),) = await self._writes.rows(_LOCK_AND_FIND, self._params)
        if not locked:
            raise IdempotencyInFlight
        if fingerprint is None:
            return None
        if bytes(fingerprint) != self._fingerprint:
            raise IdempotencyKeyReused
        head, _, body = self._keyring.decrypt(_PURPOSE, bytes(sealed)).partition(b"\n")
        return Response(body, status, {**json.loads(head), "Idempotency-Replayed": "true"})

    async def remember(self, response: Response) -> None:
        """Keep an answer worth repeating: 2xx and 4xx, but not 409 or 429, which a retry may change."""
        if response.status_code >= 500 or response.status_code in {409, 429}:
            return
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        answer = json.dumps(headers).encode() + b"\n" + bytes(response.body)
        values = {
            "fingerprint": self._fingerprint,
            "status": response.status_code,
            "sealed": self._keyring.encrypt(_PURPOSE, answer),
        }
        if not await self._writes.rows(_REMEMBER, {**self._params, **values}):
            raise IdempotencyInFlight
