"""The timeline: every write leaves its typed lines, with what was and what is, and nobody rewrites them."""

import pytest
from psycopg.errors import InsufficientPrivilege

from tests.cases.arrange import as_program, new_case, new_client, new_member


async def _lines(api, case, **params):
    answer = await api.get(f"/cases/{case['id']}/activities", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.fixture
async def case(api):
    """A case."""
    return await new_case(api, await new_client(api))


async def test_creation(api, case):
    (line,) = await _lines(api, case)
    assert line.pop("id").startswith("act_")
    assert line.pop("author_id").startswith("key_")
    assert line == {
        "case_id": case["id"],
        "type": "created",
        "description": "Expediente creado",
        "author_type": "firm",
        "author_name": "Pruebas",
        "data": {"changes": {}, "note_id": None},
        "created_at": case["created_at"],
    }


async def test_one_patch_leaves_a_line_for_each_kind_of_change(api, app, firm, case):
    provider = await new_member(app, firm.id, "provider")
    answer = await api.patch(
        f"/cases/{case['id']}",
        json={
            "title": "Otro",
            "tags": ["a"],
            "assigned_provider_id": provider,
            "status": "on_hold",
            "status_reason": "a la espera",
        },
    )
    assert answer.status_code == 200, answer.text
    status, assigned, updated, _ = await _lines(api, case)
    assert [line["type"] for line in (updated, assigned, status)] == [
        "updated",
        "provider_assigned",
        "status_changed",
    ]
    assert updated["description"] == "Expediente actualizado: título, etiquetas"
    assert updated["data"]["changes"] == {
        "title": {"before": "Reclamación de cantidad", "after": "Otro"},
        "tags": {"before": [], "after": ["a"]},
    }
    assert assigned["data"]["changes"] == {"assigned_provider_id": {"before": None, "after": provider}}
    assert status["description"] == "Expediente en espera"
    assert status["data"]["changes"] == {
        "status": {"before": "open", "after": "on_hold"},
        "status_reason": {"before": None, "after": "a la espera"},
    }


async def test_the_life_of_a_case(api, case):
    path = f"/cases/{case['id']}"
    note = (await api.post(f"{path}/notes", json={"content": "secreto"})).json()
    await api.patch(f"{path}/notes/{note['id']}", json={"content": "más secreto"})
    closed = (await api.post(f"{path}/close", json={"reason": "Acuerdo"})).json()
    await api.post(f"{path}/reopen")
    await api.patch(path, json={"assigned_provider_id": None, "title": case["title"]})
    await api.post(f"{path}/close")
    await api.patch(path, json={"status": "archived"})
    await api.patch(path, json={"status": "closed"})
    lines = await _lines(api, case, sort="created_at")
    assert [(line["type"], line["description"]) for line in lines] == [
        ("created", "Expediente creado"),
        ("note_added", "Nota añadida"),
        ("note_edited", "Nota modificada"),
        ("closed", "Expediente cerrado"),
        ("reopened", "Expediente reabierto"),
        ("closed", "Expediente cerrado"),
        ("status_changed", "Expediente archivado"),
        ("status_changed", "Expediente recuperado del archivo"),
    ]
    assert [line["data"] for line in lines[1:3]] == [{"changes": {}, "note_id": note["id"]}] * 2
    assert lines[3]["data"]["changes"] == {
        "status": {"before": "open", "after": "closed"},
        "status_reason": {"before": None, "after": "Acuerdo"},
        "closed_at": {"before": None, "after": closed["closed_at"]},
    }
    assert "secreto" not in str(lines)


async def test_filter_and_pages(api, case):
    for title in ("uno", "dos", "tres"):
        await api.patch(f"/cases/{case['id']}", json={"title": title})
    assert len(await _lines(api, case, type="updated")) == 3
    assert await _lines(api, case, type="note_added") == []
    page = (await api.get(f"/cases/{case['id']}/activities", params={"limit": 3, "include": "total"})).json()
    assert (page["total"], page["has_more"]) == (4, True)
    assert [line["type"] for line in await _lines(api, case, limit=3, cursor=page["next_cursor"])] == [
        "created"
    ]
    wrong = await api.get(f"/cases/{case['id']}/activities", params={"type": "inventado"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "type")


async def test_the_program_cannot_rewrite_it(api, firm, case, superuser):
    note = (await api.post(f"/cases/{case['id']}/notes", json={"content": "uno"})).json()
    await api.patch(f"/cases/{case['id']}/notes/{note['id']}", json={"content": "dos"})
    before = await _lines(api, case)
    for statement in (
        "update case_activities set description = 'x'",
        "delete from case_activities",
        "truncate case_activities",
        "update case_note_edits set content = 'x'",
        "delete from case_note_edits",
        "delete from case_notes",
        "delete from cases",
        "delete from case_tags",
        "insert into case_tags (tenant_id, tag, case_id) values ('x', 'x', 'x')",
    ):
        with as_program(superuser, firm.id) as program, pytest.raises(InsufficientPrivilege):
            program.execute(statement)
    assert await _lines(api, case) == before
