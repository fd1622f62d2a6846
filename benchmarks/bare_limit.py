"""The bare limit: an ASGI application without auth, limits or framework that runs the product's own SQL.

Same driver, same statements, same JSON made by Postgres; started as `python -m benchmarks.bare_limit`
with DSN, tenant, case and port.
"""

import sys
from typing import Any

import uvicorn
from psycopg_pool import AsyncConnectionPool

from conecta.cases.queries import VIEW
from conecta.kit.ids import new_id

_WHERE = "c.tenant_id = %(tenant)s"
_LIST = VIEW.page(_WHERE, "c.created_at desc, c.id desc", "c.created_at", 26)
_ONE = VIEW.one(f"{_WHERE} and c.id = %(case)s")
_INSERT = f"""
with made as (
  insert into cases (tenant_id, id, number, number_key, client_id, category, title, description, status,
    priority, tags, parties, custom_fields, created_at, updated_at, version)
  select c.tenant_id, %(id)s, %(id)s, -n.next, c.client_id, c.category, c.title, c.description, 'open',
    'normal', '{{}}', '[]', '{{}}', now(), now(), 1
  from cases c, nextval('bench_numbers') as n (next) where c.tenant_id = %(tenant)s and c.id = %(case)s
  returning *
)
select (select row_to_json(j)::text from (select {VIEW.fields}) j) from made c
"""


class BareLimit:
    """Three paths: `/list`, `/one`, and POST `/create`."""

    def __init__(self, dsn: str, tenant: str, case: str) -> None:
        self._params = {"tenant": tenant, "case": case}
        self._dsn = dsn
        self._pool: AsyncConnectionPool | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        if path == "/list":
            rows = await self._rows(_LIST, self._params)
            body = '{"data":[' + ",".join(row[2] for row in rows[:25]) + "]}"
        elif path == "/one":
            body = (await self._rows(_ONE, self._params))[0][0]
        else:
            await receive()
            body = (await self._rows(_INSERT, {**self._params, "id": new_id("cas")}))[0][0]
        raw = body.encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    async def _rows(self, sql: str, params: dict[str, Any]) -> list[Any]:
        assert self._pool
        async with self._pool.connection() as connection:
            return await (await connection.execute(sql, params)).fetchall()

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._pool = AsyncConnectionPool(
            self._dsn, min_size=10, max_size=10, open=False, kwargs={"autocommit": True}
        )
        await self._pool.open(wait=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    bare = BareLimit(*sys.argv[1:4])
    uvicorn.run(bare, port=int(sys.argv[4]), log_level="error", loop="uvloop", http="httptools")
