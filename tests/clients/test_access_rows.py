"""Postgres itself shows a client of the firm their own rows only, in every table, whatever a query forgets.

It is tried with what a firm really has; tests/kit/test_row_level_security.py does it with made-up rows.
"""

import json

import psycopg
import pytest

from conecta.models import Base
from tests.cases.arrange import as_program, new_case
from tests.clients.access import new_client
from tests.clients.signed_in_app import browser_of, own_app, token_of

TABLES = sorted(name for name, table in Base.metadata.tables.items() if "tenant_id" in table.columns)
# What belongs to nobody in particular: the firm's catalogues, what free time is made of (never with whom it
# is taken), and answers kept under the caller's own key.
EVERYBODYS = {
    "availability_versions",
    "booking_claims",
    "booking_occurrences",
    "booking_service_hosts",
    "booking_service_rooms",
    "booking_services",
    "case_categories",
    "holiday_calendars",
    "holidays",
    "idempotency_keys",
    "rooms",
    "schedules",
}
ANA, BEN = "ana.gil@cliente.example", "ben@cliente.example"


@pytest.fixture
async def world(app, api, firm, superuser):
    """Two clients of a firm with cases, access and tokens, and what else a firm has."""
    await api.post("/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["*"]})
    made = {}
    oauth = await own_app(app, firm)
    async with oauth.http:
        for name, email in (("ana", ANA), ("ben", BEN)):
            client = await new_client(api, name, email=email, custom_fields={"riesgo": name})
            case = await new_case(
                api, client, title=f"Herencia de {name}", tags=[name], custom_fields={"k": name}
            )
            path = f"/cases/{case['id']}"
            own = {"client": client, "case": case["id"]}
            for visibility in ("internal", "shared"):
                body = {"content": f"{visibility} {name}", "visibility": visibility}
                key = {"Idempotency-Key": f"{name}-{visibility}"}
                note = (await api.post(f"{path}/notes", json=body, headers=key)).json()
                await api.patch(f"{path}/notes/{note['id']}", json={"content": f"{body['content']}!"})
                own[visibility] = note["id"]
            await api.post(f"{path}/close")
            async with browser_of(app, api, client, email) as browser:
                await token_of(oauth, browser)
            made[name] = own
    return {"tenant": firm.id, **made}


def rows_of(superuser, world: dict, table: str, client: str) -> list[dict]:
    """Return what a client's program sees of a table; nothing where it may not even look."""
    try:
        with as_program(superuser, world["tenant"], client) as program:
            found = program.execute(f"select to_jsonb(t)::text from {table} t").fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return []
    return [json.loads(text) for (text,) in found]


def is_theirs(world: dict, name: str, row: dict) -> bool:
    return {world[name]["client"], world[name]["case"]} & {str(value) for value in row.values()} != set()


async def test_a_client_sees_their_own_rows_only(world, superuser):
    wrong = []
    for table in TABLES:
        for name, other in (("ana", "ben"), ("ben", "ana")):
            for row in rows_of(superuser, world, table, world[name]["client"]):
                own = table in EVERYBODYS or is_theirs(world, name, row)
                secret = world[name]["internal"] in row.values() or is_theirs(world, other, row)
                if row["tenant_id"] != world["tenant"] or not own or secret:
                    wrong.append((table, name, row))
    assert wrong == []


async def test_a_client_of_another_firm_sees_nothing(world, superuser, other_firm):
    seen = {}
    for table in TABLES:
        look = f"select count(*) from {table} where tenant_id = %s"
        try:
            with as_program(superuser, other_firm.id, world["ana"]["client"]) as program:
                seen[table] = program.execute(look, [world["tenant"]]).fetchone()[0]
        except psycopg.errors.InsufficientPrivilege:
            continue
    assert len(seen) >= 15
    assert {table: rows for table, rows in seen.items() if rows} == {}


async def test_a_client_changes_and_deletes_nothing_of_others(world, superuser):
    """Whatever statement a fault of ours let through, it would find the client's own rows at most."""
    tried = 0
    for table in TABLES:
        own = len(rows_of(superuser, world, table, world["ana"]["client"]))
        for statement in (f"update {table} set tenant_id = tenant_id", f"delete from {table}"):
            try:
                with as_program(superuser, world["tenant"], world["ana"]["client"]) as program:
                    assert program.execute(statement).rowcount <= own, statement
                    tried += 1
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ForeignKeyViolation):
                continue
    assert tried >= 10


async def test_the_world_has_rows_to_be_seen(world, superuser):
    """What the tests above stand on: a client sees something, and the firm much more."""
    seen = {t: len(rows_of(superuser, world, t, world["ana"]["client"])) for t in TABLES}
    of_firm = {t: len(rows_of(superuser, world, t, "")) for t in TABLES}
    for table in ("clients", "cases", "case_tags", "case_custom_fields", "case_notes"):
        assert (seen[table], of_firm[table]) == (1, 2 if table != "case_notes" else 4), table
    assert seen["case_activities"] == 2
    for hidden in ("events", "webhook_endpoints", "api_keys", "users", "case_note_edits", "case_counters"):
        assert (seen[hidden], of_firm[hidden] > 0) == (0, True), hidden
    assert len([table for table in TABLES if of_firm[table]]) >= 15


async def test_a_client_writes_no_row_in_anothers_name(world, superuser):
    row = (
        "insert into case_notes (tenant_id, id, case_id, content, visibility, author_type, edited,"
        " created_at, updated_at, version)"
        " values (%s, 'nte_x', %s, 'x', 'shared', 'client', false, now(), now(), 1)"
    )
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
        as_program(superuser, world["tenant"], world["ana"]["client"]) as program,
    ):
        program.execute(row, [world["tenant"], world["ben"]["case"]])
