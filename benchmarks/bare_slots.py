"""The bare limit of free time: the product's own statements, and nothing made of what they find.

Same driver, same SQL; started as `python -m benchmarks.bare_slots` with an order in JSON and a port.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import uvicorn
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from conecta.availability.queries import PERIOD_SQL, SETUP_SQL

_CLAIM = """
insert into booking_claims (tenant_id, holder_id, resource_id, state, starts_at, ends_at)
values (%(tenant)s, 'bkg_' || gen_random_uuid(), %(provider)s, 'confirmed',
  timestamptz '2020-01-01T10:00:00Z', timestamptz '2020-01-01T11:00:00Z')
"""


class BareSlots:
    """Three paths: `/slots/1`, `/slots/20`, and POST `/claim`, which only the first can have."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._pool: AsyncConnectionPool | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, raw = 200, b"{}"
        if scope["path"] == "/claim":
            await receive()
            status = await self._claim()
        else:
            raw = await self._slots(one=scope["path"].endswith("/1"))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    async def _slots(self, *, one: bool) -> bytes:
        assert self._pool
        order, now = self._order, datetime.now(UTC)
        wanted = order["providers"][:1] if one else order["providers"]
        params = {"tenant": order["tenant"], "service": order["service"], "room": None}
        days = (now - datetime(1970, 1, 1, tzinfo=UTC)).days
        async with self._pool.connection() as connection:
            await connection.execute("select set_config('conecta.tenant_id', %s, false)", [order["tenant"]])
            found = await connection.execute(SETUP_SQL, {**params, "provider": wanted[0] if one else None})
            await found.fetchall()
            found = await connection.execute(
                PERIOD_SQL,
                {
                    **params,
                    "epoch": "1970-01-01",
                    "from": now - timedelta(days=3),
                    "to": now + timedelta(days=34),
                    "first_day": days - 34,
                    "last_day": days + 37,
                    "count_from": now,
                    "count_to": now,
                    "now": now,
                    "schedules": order["schedules"],
                    "calendars": order["calendars"],
                    "resources": wanted,
                    "grouped": None,
                    "counted": None,
                    "ignoring": None,
                },
            )
            text: bytes = (await found.fetchall())[0][0]
            return text

    async def _claim(self) -> int:
        assert self._pool
        params = {"tenant": self._order["tenant"], "provider": self._order["providers"][0]}
        try:
            async with self._pool.connection() as connection:
                await connection.execute(_CLAIM, params)
        except psycopg.errors.ExclusionViolation:
            return 409
        return 201

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        # The JSON goes out as it came.
        set_json_loads(lambda data: data if isinstance(data, bytes) else data.encode())
        self._pool = AsyncConnectionPool(
            self._order["dsn"], min_size=10, max_size=10, open=False, kwargs={"autocommit": True}
        )
        await self._pool.open(wait=True)
        async with self._pool.connection() as connection:
            found = await connection.execute(
                "select array_agg(id), (select array_agg(id) from holiday_calendars where tenant_id = %(tenant)s)"
                " from schedules where tenant_id = %(tenant)s",
                {"tenant": self._order["tenant"]},
            )
            self._order["schedules"], self._order["calendars"] = (await found.fetchall())[0]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    bare = BareSlots(json.loads(sys.argv[1]))
    uvicorn.run(bare, port=int(sys.argv[2]), log_level="error", loop="uvloop", http="httptools")
