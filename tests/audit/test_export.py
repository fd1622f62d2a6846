"""The export: everything that matches, in a form that spreadsheets open and cannot be tricked with."""

import csv
import io
import json

import pytest

from conecta.audit import service as audit
from conecta.audit.schemas import AuditFilters
from conecta.audit.service import Actor
from conecta.kit.db import HotReads


async def export(app, tenant_id: str, language: str = "es", **filters) -> list[list[str]]:
    reads = HotReads(app.state.database, tenant_id, "")
    pieces = [
        piece
        async for piece in audit.export_csv(
            reads, tenant_id=tenant_id, filters=AuditFilters(**filters), language=language
        )
    ]
    text = b"".join(pieces).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


async def test_export_has_everything_newest_first(app, firm, superuser):
    superuser.execute("delete from audit_entries")
    superuser.execute(
        "insert into audit_entries (tenant_id, id, action, actor_kind, actor_id, actor_name, target, details,"
        " created_at) select %s, 'aud_' || lpad(n::text, 5, '0'), 'clock.moved', 'user', 'usr_1', 'Ana',"
        " 't' || n, jsonb_build_object('n', n), timestamptz '2026-01-01Z' + (n / 3) * interval '1 second'"
        " from generate_series(1, 2500) n",
        [firm.id],
    )
    head, *rows = await export(app, firm.id)
    assert head[:3] == ["Fecha (UTC)", "Acto", "Código"]
    assert [row[-1] for row in rows] == [f"aud_{number:05}" for number in range(2500, 0, -1)]
    assert rows[-1] == [
        "2026-01-01T00:00:00Z", "Reloj de pruebas movido", "clock.moved", "user", "usr_1", "Ana", "t1",
        '{"n": 1}', "", "", "aud_00001",
    ]  # fmt: skip


async def test_export_is_narrowed_and_in_the_readers_language(app, firm, other_firm):
    head, *rows = await export(app, firm.id, "en", action="api_key.*")
    assert head[:3] == ["Date (UTC)", "Act", "Code"]
    assert [row[1] for row in rows] == ["API key created"]
    assert (await export(app, firm.id, actor_id="usr_nobody"))[1:] == []


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x","y")', "  =1", "＝1+1"],
)
async def test_no_cell_is_a_formula(app, firm, superuser, name):
    superuser.execute("delete from audit_entries")
    async with app.state.database.transaction(tenant_id=firm.id) as session:
        await audit.record(
            session, tenant_id=firm.id, action="member.added", actor=Actor("user", name, name),
            target=name, details={"name": name},
        )  # fmt: skip
    (row,) = (await export(app, firm.id))[1:]
    assert row[4] == row[5] == row[6] == f"'{name}"
    assert json.loads(row[7]) == {"name": name}
    assert not any(cell.strip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for cell in row)


async def test_separators_and_quotes_survive(app, firm, superuser):
    superuser.execute("delete from audit_entries")
    name = 'Gil; "Ana"\r\nde Ñ, S.L.'
    async with app.state.database.transaction(tenant_id=firm.id) as session:
        await audit.record(session, tenant_id=firm.id, action="member.added", actor=Actor("user", "u", name))
    assert (await export(app, firm.id))[1][5] == name
