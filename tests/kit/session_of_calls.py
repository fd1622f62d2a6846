"""A session of calls full of personal data and secrets, whose log a test reads: run as a program.

Writes what must not be in the log to standard output, as JSON; the log goes to standard error.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

from conecta.auth.scopes import Scope
from conecta.kit import logs
from conecta.settings import Settings
from tests.firms import make_firm, make_key
from tests.odd_routes import SECRET, odd_app

PERSONAL = {
    "name": "Xenia Querol",
    "tax_id": "12.345.678-Z",
    "email": "xenia.querol@example.com",
    "phone": "+34600987654",
    "external_id": "B12345674",
    "custom_fields": {"nota": "NIE X1234567L, xenia%40example.com"},
}


async def main(dsn: str, data_dir: str, fmt: str) -> None:
    logs.configure(fmt=fmt, level="DEBUG")
    settings = Settings(_env_file=None, data_dir=Path(data_dir), database_url=dsn, log_level="DEBUG")
    async with odd_app(settings, dsn) as app:
        firm = await make_firm(app)
        new_key = await _calls(app, firm)
    hidden = [
        firm.key,
        firm.sandbox_key,
        new_key,
        SECRET,
        "12345678Z",
        "12.345.678-Z",
        "X1234567L",
        "B12345674",
    ]
    hidden += ["xenia.querol@example.com", "xenia%40example.com", "600987654", "Querol", "eyJhbGciOiJ"]
    sys.stdout.write(json.dumps(hidden))


async def _calls(app, firm) -> str:
    poor = await make_key(app, firm.id, [Scope.CASES_READ])
    async with firm.client(app) as api, firm.client(app, poor) as poor_api:
        made = (await api.post("/clients", json=PERSONAL)).json()
        await api.post("/clients", json=PERSONAL)
        await poor_api.post("/clients", json=PERSONAL)
        await api.patch(f"/clients/{made['id']}", json={"email": "nobody"})
        for query in (PERSONAL["email"], PERSONAL["tax_id"], PERSONAL["phone"], "Querol"):
            await api.get("/clients", params={"q": query})
            await api.get("/clients", params={"limit": query})
        for path in (PERSONAL["email"], "12345678Z", "B12345674", firm.key, "xenia%2540example.com"):
            await api.get(f"/clients/{path}")
        await api.get("/clients/a%0A2026-01-01 200 GET /forged 1 ms%1b[31m")
        await api.get("/usage", headers={"Authorization": f"Bearer {firm.key}x"})
        await api.get("/usage", headers={"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"})
        await api.get("/usage", headers={"X-Request-ID": "forged\trequest id"})
        for method, path in (("GET", "boom"), ("POST", "boom"), ("GET", "bare-boom"), ("POST", "swallowed")):
            await api.request(method, f"/odd/{path}")
        await api.post("/odd/late-conflict")
        await api.post("/odd/leak", json=PERSONAL)
        await api.post("/odd/leak-parameters", json=PERSONAL)
        await api.post("/odd/hot/leak", json=PERSONAL)
        await api.get("/odd/leak-read")
        try:
            raise RuntimeError(f"a library's fault about {PERSONAL['email']} and {firm.key}")
        except RuntimeError:
            logging.getLogger("some.library").exception("failed for %s", PERSONAL["tax_id"])
        return (await api.post("/api-keys", json={"name": "x", "scopes": ["read:cases"]})).json()["key"]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
