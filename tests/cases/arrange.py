"""What tests of cases stand on: a client, members of the firm, and cases made over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI

from conecta.people import service as people
from conecta.users import service as users

SEED = {
    "category": "civil",
    "title": "Reclamación de cantidad",
    "description": "Deuda de 5.000€ por servicios prestados",
}


async def new_client(api: httpx.AsyncClient, name: str = "Cliente Prueba") -> str:
    """Create a client and return its id."""
    answer = await api.post("/clients", json={"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def new_case(api: httpx.AsyncClient, client_id: str, **more: Any) -> dict[str, Any]:
    """Create a case and return it."""
    answer = await api.post("/cases", json={**SEED, "client_id": client_id, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def new_member(app: FastAPI, tenant_id: str, role: str, name: str = "Lucía Prueba") -> str:
    """Make somebody a member of a firm and return the user id."""
    async with app.state.database.transaction(system=True) as session:
        email = f"{role}-{name.replace(' ', '.').lower()}-{tenant_id[-6:]}@example.com"
        person = await people.find_or_create(session, email=email, name=name)
        await session.flush()
        user = await users.add_member(session, tenant_id=tenant_id, person=person, role=role)
    return user.id


def events_of(superuser: psycopg.Connection, case_id: str) -> list[dict[str, Any]]:
    """Return the payloads of a case's events, in the order they were written."""
    rows = superuser.execute(
        "select payload from events where resource_id = %s order by created_at, id", [case_id]
    )
    return [json.loads(row[0]) for row in rows.fetchall()]


def table_counts(superuser: psycopg.Connection) -> dict[str, int]:
    """Count the rows of every table that a write to a case may touch."""
    tables = ("cases", "case_activities", "case_notes", "case_note_edits", "case_categories", "events")
    counted = ", ".join(f"(select count(*) from {table})" for table in tables)
    row = superuser.execute(f"select {counted}").fetchone()
    assert row is not None
    return dict(zip(tables, row, strict=True))


@contextmanager
def as_program(
    superuser: psycopg.Connection, tenant_id: str, client_id: str = ""
) -> Iterator[psycopg.Connection]:
    """Speak to the database as the program does for a caller; whatever is done is undone."""
    with superuser.transaction(force_rollback=True):
        superuser.execute("set local role conecta_app")
        superuser.execute(
            "select set_config('conecta.tenant_id', %s, true), set_config('conecta.client_id', %s, true)",
            [tenant_id, client_id],
        )
        yield superuser
