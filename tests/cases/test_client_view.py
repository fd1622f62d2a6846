"""What a client of the firm may see of cases, held by the database itself (second row-level setting)."""

import json
from contextlib import contextmanager

import pytest
from starlette.requests import Request

from conecta.auth.caller import Caller
from conecta.auth.scopes import Scope
from conecta.cases import service
from conecta.cases.activities import queries as activities
from conecta.cases.activities import service as timeline
from conecta.cases.activities.schemas import ActivityFilters
from conecta.cases.notes import service as notes
from conecta.cases.notes.schemas import NoteFilters
from conecta.cases.schemas import CaseFilters
from conecta.kit.db import HotReads
from conecta.kit.errors import NotFound
from conecta.kit.pages import Pager
from conecta.kit.rate_limit import Limits
from tests.cases.arrange import as_program, new_case, new_client


@pytest.fixture
async def world(api, firm, superuser):
    """Two clients with a case each, and everything that hangs from a case."""
    made = {"tenant": firm.id}
    for name in ("ana", "ben"):
        client_id = await new_client(api, f"{name} Prueba")
        case = await new_case(
            api, client_id, title=f"Herencia de {name}", tags=["t"], custom_fields={"k": "v"}
        )
        path = f"/cases/{case['id']}"
        for visibility in ("internal", "shared"):
            body = {"content": f"{visibility} {name}", "visibility": visibility}
            note = (await api.post(f"{path}/notes", json=body)).json()
            await api.patch(f"{path}/notes/{note['id']}", json={"content": body["content"] + "!"})
        await api.patch(path, json={"title": f"Herencia de {name}", "priority": "high"})
        await api.post(f"{path}/close")
        await api.post(f"{path}/reopen")
        made[name] = {"client": client_id, "case": case["id"], "number": case["number"]}

    @contextmanager
    def as_client(client_id, tenant_id=firm.id):
        with as_program(superuser, tenant_id, client_id) as program:
            yield lambda sql, *values: [row[0] for row in program.execute(sql, values).fetchall()]

    return made, as_client


async def test_their_own_cases_only(world):
    made, as_client = world
    for name in ("ana", "ben"):
        with as_client(made[name]["client"]) as rows:
            assert rows("select id from cases") == [made[name]["case"]]
            assert rows("select case_id from case_tags") == [made[name]["case"]]
            assert rows("select case_id from case_custom_fields") == [made[name]["case"]]
            assert len(rows("select code from case_categories")) == 9
            assert rows("select count(*) from case_counters") == [0]
            assert rows("select count(*) from events") == [0]


async def test_their_shared_notes_only(world):
    made, as_client = world
    with as_client(made["ana"]["client"]) as rows:
        assert rows("select content from case_notes") == ["shared ana!"]
        assert rows("select count(*) from case_note_edits") == [0]


async def test_the_part_of_the_timeline_that_concerns_them(world):
    made, as_client = world
    with as_client(made["ana"]["client"]) as rows:
        assert sorted(rows("select type from case_activities")) == ["closed", "created", "reopened"]
        assert set(rows("select case_id from case_activities")) == {made["ana"]["case"]}


async def test_search_finds_their_own(world):
    made, as_client = world
    query = "select matching_cases(%s, %s, '', null)"
    with as_client(made["ana"]["client"]) as rows:
        assert rows(query, "herencia", "herencia") == [made["ana"]["case"]]
        assert rows(query, made["ben"]["number"], made["ben"]["number"]) == []
    with as_client("") as rows:
        assert sorted(rows(query, "herencia", "herencia")) == sorted(
            [made["ana"]["case"], made["ben"]["case"]]
        )


async def test_strangers_see_nothing(world):
    made, as_client = world
    for client_id, tenant_id in (("cli_nadie", made["tenant"]), (made["ana"]["client"], "tenant_otro")):
        with as_client(client_id, tenant_id) as rows:
            for table in ("cases", "case_tags", "case_notes", "case_activities"):
                assert rows(f"select count(*) from {table}") == [0], table


async def test_a_client_changes_nothing(world):
    made, as_client = world
    with as_client(made["ana"]["client"]) as rows:
        # Their own rows are theirs to read; no route of theirs writes, and of others' rows nothing is found.
        assert (
            rows("update cases set title = 'x' where client_id <> %s returning id", made["ana"]["client"])
            == []
        )
        assert rows("update case_notes set content = 'x' where content ~ 'internal' returning id") == []


@pytest.fixture
async def ana(world, app, firm):
    """A caller that is a client; the reads are the whole firm's, so that the filter alone holds."""
    made, _ = world
    caller = Caller(
        kind="client",
        tenant_id=firm.id,
        scopes=frozenset({Scope.CASES_READ}),
        credential_id="tok_prueba",
        name="Ana Prueba",
        plan="enterprise",
        limits=Limits(1000, 1000),
        client_id=made["ana"]["client"],
    )
    return made, caller, HotReads(app.state.database, firm.id, "")


def _pager(app, tenant_id):
    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    return Pager(Request(scope), app.state.keyring, tenant_id)


async def test_the_program_filters_too(ana, app):
    made, caller, reads = ana
    mine, other = made["ana"]["case"], made["ben"]["case"]

    async def listed(**filters):
        pager = _pager(app, caller.tenant_id)
        wanted = CaseFilters.model_validate(filters)
        return (await service.list_cases(reads, pager, caller=caller, filters=wanted)).rows

    for filters in ({}, {"q": "herencia"}, {"tag": "t"}, {"sort": "number"}, {"custom_field": "k:v"}):
        assert [json.loads(row)["id"] for row in await listed(**filters)] == [mine], filters
    assert await listed(client_id=made["ben"]["client"]) == []
    text, _ = await service.read_case(reads, caller=caller, case_id=mine)
    assert json.loads(text)["id"] == mine
    with pytest.raises(NotFound):
        await service.read_case(reads, caller=caller, case_id=other)


async def test_the_program_filters_what_hangs_from_a_case(ana, app):
    made, caller, reads = ana
    mine, other = made["ana"]["case"], made["ben"]["case"]
    page = await timeline.list_activities(
        reads, _pager(app, caller.tenant_id), caller=caller, case_id=mine, filters=ActivityFilters()
    )
    assert [json.loads(row)["type"] for row in page.rows] == ["reopened", "closed", "created"]
    page = await notes.list_notes(
        reads, _pager(app, caller.tenant_id), caller=caller, case_id=mine, filters=NoteFilters()
    )
    assert [json.loads(row)["content"] for row in page.rows] == ["shared ana!"]
    for of_other in (
        timeline.list_activities(
            reads, _pager(app, caller.tenant_id), caller=caller, case_id=other, filters=ActivityFilters()
        ),
        notes.list_notes(
            reads, _pager(app, caller.tenant_id), caller=caller, case_id=other, filters=NoteFilters()
        ),
    ):
        with pytest.raises(NotFound):
            await of_other


async def test_an_internal_note_is_not_found(ana, app, superuser):
    made, caller, reads = ana
    rows = superuser.execute(
        "select visibility, id from case_notes where case_id = %s", [made["ana"]["case"]]
    ).fetchall()
    ids = dict(rows)
    text, _ = await notes.read_note(reads, caller=caller, case_id=made["ana"]["case"], note_id=ids["shared"])
    assert json.loads(text)["content"] == "shared ana!"
    with pytest.raises(NotFound):
        await notes.read_note(reads, caller=caller, case_id=made["ana"]["case"], note_id=ids["internal"])


async def test_a_client_does_not_see_whose_key_it_was(world, app, firm):
    made, _ = world
    reads = HotReads(app.state.database, firm.id, made["ana"]["client"])
    page = await activities.page(
        reads,
        _pager(app, firm.id),
        firm.id,
        made["ana"]["case"],
        ActivityFilters(),
        for_client=True,
    )
    lines = [json.loads(row) for row in page.rows]
    assert len(lines) == 3
    assert {(line["author_type"], line["author_id"], line["author_name"]) for line in lines} == {
        ("firm", None, None)
    }
