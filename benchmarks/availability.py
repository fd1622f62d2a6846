"""Rows of free time: a month of slots for one provider and for twenty, and many who want the same slot.

Server time is what one caller at a time waits for, HTTP and all; beside it stand the same statements, bare.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

# p95 in milliseconds, on a machine like the one that the product is developed on.
TARGETS = {"slots, 1 provider": 20.0, "slots, 20 providers": 60.0}
PROVIDERS, BOOKED_DAYS = 20, 30


def rows(tools: Any, machine: Any, api: Any, dsn: str, tenant: str, port: int) -> list[dict[str, Any]]:
    """Measure every row; `tools` is the module that runs the benchmark."""
    service, providers = _arrange(api, dsn, tenant)
    bare_port = tools.free_port()
    order = json.dumps({"dsn": dsn, "tenant": tenant, "service": service, "providers": providers})
    machine.start(sys.executable, "-m", "benchmarks.bare_slots", order, str(bare_port))
    tools.wait_for(f"http://127.0.0.1:{bare_port}/slots/1")
    today = datetime.now(UTC).date()
    asked = (
        f"/v1/servicios/availability/slots?service_id={service}&from={today}&to={today + timedelta(days=30)}"
    )
    ones = f"{asked}&provider_id={providers[0]}"
    found = [
        _slots(tools, "slots, 1 provider", ones, "/slots/1", api.key, (port, bare_port)),
        _slots(tools, "slots, 20 providers", asked, "/slots/20", api.key, (port, bare_port)),
        _unchanged(tools, api, ones, port),
    ]
    return [*found, _contention(tools, api, service, providers[0], (port, bare_port))]


def _arrange(api: Any, dsn: str, tenant: str) -> tuple[str, list[str]]:
    wanted = {"name": "Consulta medida", "durations": [30], "slot_step": 15, "horizon_days": 365}
    service = api.post("/booking-services", {**wanted, "notice_minutes": 0})["id"]
    for number in range(PROVIDERS - 1):
        body = {"name": f"Letrada {number}", "email": f"l{number}@bench.example", "role": "provider"}
        api.post("/users", body)
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute(
            "select id from users where tenant_id = %s and active and role <> 'assistant' order by id",
            [tenant],
        )
        providers = [row[0] for row in found]
        # Three appointments a day and provider, as claims: what the answer depends on.
        connection.execute(
            """
            insert into booking_claims (tenant_id, holder_id, resource_id, state, starts_at, ends_at)
            select %(tenant)s, 'bkg_' || md5(u || d || h), u, 'confirmed', s.at, s.at + interval '45 minutes'
            from unnest(%(users)s::text[]) u, generate_series(1, %(days)s) d, unnest(array[9, 11, 17]) h,
              lateral (select date_trunc('day', now()) + make_interval(days => d, hours => h) as at) s
            """,
            {"tenant": tenant, "users": providers, "days": BOOKED_DAYS},
        )
        connection.execute("vacuum analyze")
    return service, providers


def _slots(tools: Any, name: str, path: str, bare: str, key: str, ports: tuple[int, int]) -> dict[str, Any]:
    ours = tools.load(tools.get(path, key), ports[0], 4.0, connections=1)
    limit = tools.load(tools.get(bare), ports[1], 4.0, connections=1)
    assert set(ours["statuses"]) == {"200"}, ours["statuses"]
    target = TARGETS[name]
    unit = (
        f"ms p95, {ours['p50_ms']:.1f} p50; bare query {limit['p95_ms']:.1f} p95, {limit['p50_ms']:.1f} p50:"
        f" {ours['p50_ms'] / limit['p50_ms']:.1f} times"
    )
    p95 = round(ours["p95_ms"], 1)
    return {"row": name, "value": p95, "unit": unit, "target": target, "met": p95 <= target}


def _unchanged(tools: Any, api: Any, path: str, port: int) -> dict[str, Any]:
    tag = api.etag(path)
    request = tools.get(path, api.key).replace("\r\n\r\n", f"\r\nIf-None-Match: {tag}\r\n\r\n")
    found = tools.load(request, port, 2.0, connections=1, most=500)
    unit = f"ms p95, {found['p50_ms']:.1f} p50; answers {found['statuses']}"
    return {"row": "slots, unchanged", "value": round(found["p95_ms"], 1), "unit": unit}


def _contention(tools: Any, api: Any, service: str, provider: str, ports: tuple[int, int]) -> dict[str, Any]:
    day = datetime.now(UTC).date() + timedelta(days=7)
    day += timedelta(days=(1 - day.weekday()) % 7)  # a Tuesday
    body = {"service_id": service, "provider_id": provider, "start": f"{day}T10:00:00Z"}
    ours = tools.load(tools.post("/v1/servicios/bookings", api.key, body), ports[0], 4.0)
    limit = tools.load(tools.post("/claim", api.key, {}), ports[1], 4.0)
    assert ours["statuses"].get("201") == 1, ours["statuses"]
    assert set(ours["statuses"]) == {"201", "409"}, ours["statuses"]
    ratio = ours["per_second"] / limit["per_second"]
    unit = (
        f"answers/s, {ours['p50_ms']:.1f} ms p50, {ours['p95_ms']:.1f} p95; one 201, the rest 409 with the next"
        f" free slots; bare claims {limit['per_second']:.0f}/s: {ratio:.2f}"
    )
    return {"row": "8 want one slot", "value": round(ours["per_second"]), "unit": unit}
