"""What a case must not be: each refusal says where, and nothing is written."""

import pytest

from conecta.auth.scopes import Scope
from tests.cases.arrange import SEED, new_case, new_client, new_member, table_counts
from tests.firms import make_key

BAD_MEMBERS = [
    ("client_id", None, "/client_id"),
    ("client_id", "cli_abc123", "/client_id"),
    ("client_id", "cli abc", "/client_id"),
    ("client_id", 7, "/client_id"),
    ("category", "astrología", "/category"),
    ("category", "CIVIL", "/category"),
    ("title", "", "/title"),
    ("title", "   ", "/title"),
    ("title", "x" * 301, "/title"),
    ("title", "a\x00b", "/title"),
    ("description", "x" * 20_001, "/description"),
    ("assigned_provider_id", "usr_xyz789", "/assigned_provider_id"),
    ("priority", "enorme", "/priority"),
    ("tags", ["x" * 51], "/tags/0"),
    ("tags", ["bien", " "], "/tags/1"),
    ("tags", [f"t{i}" for i in range(31)], "/tags"),
    ("tags", "una", "/tags"),
    ("external_id", "", "/external_id"),
    ("custom_fields", {"Mal": 1}, "/custom_fields/Mal"),
    ("parties", [{"name": "Ana", "role": "amiga"}], "/parties/0/role"),
    ("parties", [{"role": "witness"}], "/parties/0/name"),
    ("parties", [{"name": "Ana", "role": "witness", "email": "nadie"}], "/parties/0/email"),
    ("parties", [{"name": "Ana", "role": "witness", "client_id": "cli_abc123"}], "/parties/0/client_id"),
    ("parties", [{"id": "pty_1", "name": "Ana", "role": "witness"}], "/parties/0/id"),
    ("parties", [{"name": "Ana", "role": "witness"}] * 51, "/parties"),
    ("titulo", "x", "/titulo"),
    ("status", "closed", "/status"),
    ("number", "EXP-2026-0001", "/number"),
]


@pytest.mark.parametrize(("member", "value", "pointer"), BAD_MEMBERS)
async def test_create_refusals_say_where(api, superuser, member, value, pointer):
    client_id = await new_client(api)
    before = table_counts(superuser)
    answer = await api.post("/cases", json={**SEED, "client_id": client_id, member: value})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert table_counts(superuser) == before


@pytest.mark.parametrize("missing", ["client_id", "category", "title"])
async def test_required_members(api, superuser, missing):
    wanted = {**SEED, "client_id": await new_client(api)}
    del wanted[missing]
    answer = await api.post("/cases", json=wanted)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"/{missing}", "required")]
    assert table_counts(superuser)["cases"] == 0


async def test_all_wrong_ids_are_told_at_once_and_accepted_categories_listed(api):
    answer = await api.post(
        "/cases",
        json={"client_id": "cli_abc123", "category": "x", "title": "x", "assigned_provider_id": "usr_1"},
    )
    assert answer.status_code == 422
    errors = {error["pointer"]: error for error in answer.json()["errors"]}
    assert errors.keys() == {"/client_id", "/category", "/assigned_provider_id"}
    assert errors["/client_id"]["code"] == "unknown_client"
    assert errors["/assigned_provider_id"]["code"] == "not_assignable"
    assert (
        "civil, penal, laboral, mercantil, fiscal, administrativo, familia, extranjeria, otros"
        in (errors["/category"]["message"])
    )


async def test_archived_client(api):
    client_id = await new_client(api)
    case = await new_case(api, client_id)
    assert (await api.post(f"/clients/{client_id}/archive")).status_code == 200
    answer = await api.post("/cases", json={**SEED, "client_id": client_id})
    assert [e["code"] for e in answer.json()["errors"]] == ["client_archived"]
    # The cases it has go on: only what changes is looked at.
    changed = await api.patch(f"/cases/{case['id']}", json={"client_id": client_id, "title": "Otro"})
    assert (changed.status_code, changed.json()["title"]) == (200, "Otro")


async def test_assistants_and_former_members_are_not_assignable(api, app, firm, superuser):
    client_id = await new_client(api)
    assistant = await new_member(app, firm.id, "assistant")
    former = await new_member(app, firm.id, "provider", "Antigua Prueba")
    superuser.execute("update users set active = false where id = %s", [former])
    for user_id in (assistant, former):
        answer = await api.post(
            "/cases", json={**SEED, "client_id": client_id, "assigned_provider_id": user_id}
        )
        assert answer.status_code == 422
        assert [e["pointer"] for e in answer.json()["errors"]] == ["/assigned_provider_id"]
    assert table_counts(superuser)["cases"] == 0


async def test_lone_surrogates_and_infinite_numbers(api, superuser):
    client_id = await new_client(api)
    start = f'{{"client_id":"{client_id}","category":"civil","title":'
    for rest, status in (
        (r'"\ud800"}', 422),
        ('"x","custom_fields":{"n":1e999}}', 400),
        ('"x","custom_fields":{"n":NaN}}', 400),
    ):
        answer = await api.post(
            "/cases", content=(start + rest).encode(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text
    assert table_counts(superuser)["cases"] == 0


@pytest.mark.parametrize("path", ["/cases", "/cases/cas_1", "/cases/cas_1/activities", "/case-categories"])
async def test_reading_needs_the_read_scope(app, firm, path):
    key = await make_key(app, firm.id, [scope for scope in Scope if scope is not Scope.CASES_READ])
    async with firm.client(app, key) as caller:
        assert (await caller.get(path)).status_code == 403


async def test_writing_needs_the_write_scope(api, app, firm, superuser):
    case = await new_case(api, await new_client(api))
    before = table_counts(superuser)
    key = await make_key(app, firm.id, [scope for scope in Scope if scope is not Scope.CASES_WRITE])
    path = f"/cases/{case['id']}"
    async with firm.client(app, key) as caller:
        answers = [
            await caller.post("/cases", json={**SEED, "client_id": case["client_id"]}),
            await caller.patch(path, json={"title": "Otro"}),
            await caller.post(f"{path}/close"),
            await caller.post(f"{path}/reopen"),
            await caller.post(f"{path}/notes", json={"content": "x"}),
            await caller.patch(f"{path}/notes/nte_1", json={"content": "x"}),
            await caller.post("/case-categories", json={"code": "x", "name_es": "X"}),
            await caller.patch("/case-categories/civil", json={"active": False}),
        ]
    assert [answer.status_code for answer in answers] == [403] * 8
    assert table_counts(superuser) == before
    assert (await api.get(path)).json() == case
