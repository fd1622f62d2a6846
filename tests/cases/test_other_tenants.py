"""Another firm's ids are unknown ids: nothing is seen, nothing changes, not even by reference."""

import pytest
from psycopg.errors import InsufficientPrivilege

from tests.cases.arrange import SEED, as_program, new_case, new_client, new_member, table_counts


@pytest.fixture
async def theirs(app, other_firm):
    """What the other firm has."""
    async with other_firm.client(app) as other:
        client_id = await new_client(other)
        case = await new_case(
            other,
            client_id,
            external_id="x-1",
            tags=["común"],
            custom_fields={"sala": "3"},
            title="Ajeno único",
        )
        note = (await other.post(f"/cases/{case['id']}/notes", json={"content": "uno"})).json()
        provider = await new_member(app, other_firm.id, "provider")
        yield {"client": client_id, "case": case, "note": note, "provider": provider, "api": other}


async def _everything(theirs):
    other, path = theirs["api"], f"/cases/{theirs['case']['id']}"
    urls = (
        "/cases",
        path,
        f"{path}/activities",
        f"{path}/notes",
        f"{path}/notes/{theirs['note']['id']}/edits",
    )
    return [(await other.get(url)).json() for url in urls]


async def test_no_route_finds_their_case(api, superuser, theirs):
    path, note = f"/cases/{theirs['case']['id']}", f"/notes/{theirs['note']['id']}"
    before, counts = await _everything(theirs), table_counts(superuser)
    answers = [
        await api.get(path),
        await api.patch(path, json={"title": "mío"}),
        await api.patch(path, json={}),
        await api.post(f"{path}/close", json={"reason": "x"}),
        await api.post(f"{path}/reopen"),
        await api.get(f"{path}/activities"),
        await api.get(f"{path}/notes"),
        await api.post(f"{path}/notes", json={"content": "x"}),
        await api.get(path + note),
        await api.patch(path + note, json={"content": "x"}),
        await api.get(f"{path}{note}/edits"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 11
    assert {answer.json()["code"] for answer in answers} == {"not_found"}
    mine = await new_case(api, await new_client(api))
    across = [
        await api.get(f"/cases/{mine['id']}{note}"),
        await api.patch(f"/cases/{mine['id']}{note}", json={"content": "x"}),
    ]
    assert [answer.status_code for answer in across] == [404, 404]
    assert await _everything(theirs) == before
    assert table_counts(superuser) == {**counts, "cases": 2, "case_activities": 3, "events": 2}


async def test_their_ids_are_refused_like_unknown_ones(api, superuser, theirs):
    mine = await new_case(api, await new_client(api))
    counts = table_counts(superuser)
    party = {"name": "x", "role": "witness"}
    for member, their, unknown in (
        ("client_id", theirs["client"], "cli_" + "0" * 26),
        ("assigned_provider_id", theirs["provider"], "usr_" + "0" * 26),
        ("parties", [{**party, "client_id": theirs["client"]}], [{**party, "client_id": "cli_" + "0" * 26}]),
    ):
        bodies = []
        for value in (their, unknown):
            created = await api.post("/cases", json={**SEED, "client_id": mine["client_id"], member: value})
            changed = await api.patch(f"/cases/{mine['id']}", json={member: value})
            assert (created.status_code, changed.status_code) == (422, 422)
            assert created.json()["errors"] == changed.json()["errors"]
            bodies.append(created.json()["errors"])
        assert bodies[0] == bodies[1]
    assert table_counts(superuser) == counts
    assert (await api.get(f"/cases/{mine['id']}")).json() == mine


async def test_lists_and_filters_show_only_ones_own(api, theirs):
    mine = await new_case(
        api,
        await new_client(api),
        external_id="x-1",
        tags=["común"],
        custom_fields={"sala": "3"},
        title="Propio único",
    )
    assert theirs["case"]["number"] == mine["number"]
    for params in (
        {},
        {"q": "único"},
        {"q": mine["number"]},
        {"q": "x-1"},
        {"tag": "común"},
        {"custom_field": "sala:3"},
        {"external_id": "x-1"},
        {"category": "civil"},
    ):
        page = (await api.get("/cases", params={**params, "include": "total"})).json()
        assert ([case["id"] for case in page["data"]], page["total"]) == ([mine["id"]], 1), params
    for params in (
        {"client_id": theirs["client"]},
        {"assigned_provider_id": theirs["provider"]},
        {"q": "ajeno"},
    ):
        assert (await api.get("/cases", params=params)).json()["data"] == []


async def test_their_cursor_is_no_cursor(api, theirs):
    await new_case(theirs["api"], theirs["client"])
    cursor = (await theirs["api"].get("/cases", params={"limit": 1})).json()["next_cursor"]
    answer = await api.get("/cases", params={"limit": 1, "cursor": cursor})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid_cursor")


async def test_the_sandbox_is_another_tenant(api, app, firm, theirs):
    case = await new_case(api, await new_client(api))
    async with firm.client(app, firm.sandbox_key) as sandbox:
        assert (await sandbox.get("/cases")).json()["data"] == []
        assert (await sandbox.get(f"/cases/{case['id']}")).status_code == 404
        refused = await sandbox.post("/cases", json={**SEED, "client_id": case["client_id"]})
        assert refused.json()["errors"][0]["code"] == "unknown_client"


TABLES = (
    "cases", "case_tags", "case_custom_fields", "case_activities", "case_notes", "case_note_edits",
    "case_counters", "case_categories",
)  # fmt: skip


@pytest.mark.parametrize("tenant", ["", "nobody"])
async def test_the_database_alone_shows_nothing_without_the_tenant(theirs, superuser, tenant):
    path = f"/cases/{theirs['case']['id']}/notes/{theirs['note']['id']}"
    await theirs["api"].patch(path, json={"content": "dos"})
    with as_program(superuser, tenant) as program:
        for table in TABLES:
            assert program.execute(f"select count(*) from {table}").fetchone() == (0,), table
        found = "select count(*) from matching_cases('ajeno', 'ajeno', '', 'ajeno')"
        assert program.execute(found).fetchone() == (0,)
        changed = program.execute("update cases set title = 'x'")
        assert changed.rowcount == 0


async def test_the_database_alone_refuses_rows_of_others(api, firm, other_firm, theirs, superuser):
    with as_program(superuser, other_firm.id) as program:
        for table in TABLES[:1] + TABLES[3:5]:
            assert program.execute(f"select count(*) from {table}").fetchone() != (0,), table
    for caller, statement, values in (
        (firm.id, "insert into case_counters values (%s, 1999, 1)", [other_firm.id]),
        (other_firm.id, "update cases set tenant_id = %s", [firm.id]),
    ):
        with as_program(superuser, caller) as program, pytest.raises(InsufficientPrivilege):
            program.execute(statement, values)
