"""Notes of a case: internal or shared, under any of their names, with the history of their edits."""

import pytest

from tests.cases.arrange import events_of, new_case, new_client, table_counts


@pytest.fixture
async def case(api):
    """A case."""
    return await new_case(api, await new_client(api))


@pytest.fixture
async def notes(case):
    """Where its notes are."""
    return f"/cases/{case['id']}/notes"


@pytest.mark.parametrize("name", ["content", "note", "text", "body"])
async def test_add(api, firm, case, notes, name):
    answer = await api.post(notes, json={name: "  Llamar al cliente. ñ 🙂\n"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["location"] == f"/v1/servicios{notes}/{body['id']}"
    assert answer.headers["etag"] == '"v1"'
    assert body.pop("id").startswith("nte_")
    assert body.pop("author_id").startswith("key_")
    assert body.pop("created_at") == body.pop("updated_at")
    assert body == {
        "case_id": case["id"],
        "content": "Llamar al cliente. ñ 🙂",
        "visibility": "internal",
        "author_type": "firm",
        "author_name": "Pruebas",
        "edited": False,
        "version": 1,
    }
    read = await api.get(answer.headers["location"].removeprefix("/v1/servicios"))
    assert (read.json(), read.headers["etag"]) == (answer.json(), '"v1"')


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/content"),
        ({"content": ""}, "/content"),
        ({"content": "  "}, "/content"),
        ({"content": None}, "/content"),
        ({"content": 7}, "/content"),
        ({"content": "x" * 20_001}, "/content"),
        ({"content": "a\x00"}, "/content"),
        ({"content": "a", "note": "b"}, "/note"),
        ({"nota": "a", "content": "b"}, "/nota"),
        ({"content": "a", "visibility": "public"}, "/visibility"),
    ],
)
async def test_refusals_say_where(api, superuser, notes, body, pointer):
    counts = table_counts(superuser)
    answer = await api.post(notes, json=body)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    assert table_counts(superuser) == counts


async def test_list(api, case, notes):
    other = await new_case(api, case["client_id"])
    await api.post(f"/cases/{other['id']}/notes", json={"content": "de otro"})
    for index in range(5):
        visibility = "shared" if index % 2 else "internal"
        await api.post(notes, json={"content": f"nota {index}", "visibility": visibility})

    async def contents(**params):
        return [note["content"] for note in (await api.get(notes, params=params)).json()["data"]]

    assert await contents() == [f"nota {i}" for i in (4, 3, 2, 1, 0)]
    assert await contents(sort="created_at") == [f"nota {i}" for i in range(5)]
    assert await contents(visibility="shared") == ["nota 3", "nota 1"]
    page = (await api.get(notes, params={"limit": 2, "include": "total"})).json()
    assert (page["total"], page["has_more"]) == (5, True)
    assert await contents(limit=2, cursor=page["next_cursor"]) == ["nota 2", "nota 1"]


async def test_edits_keep_what_was_there(api, notes):
    note = (await api.post(notes, json={"content": "uno"})).json()
    path = f"{notes}/{note['id']}"
    assert (await api.get(f"{path}/edits")).json()["data"] == []
    second = await api.patch(path, json={"text": "dos"}, headers={"If-Match": '"v1"'})
    assert second.status_code == 200, second.text
    third = await api.patch(path, json={"visibility": "shared"})
    body = third.json()
    assert (body["content"], body["visibility"], body["edited"], body["version"]) == (
        "dos",
        "shared",
        True,
        3,
    )
    assert (third.headers["etag"], body["created_at"]) == ('"v3"', note["created_at"])
    assert (await api.get(path)).json() == body
    edits = (await api.get(f"{path}/edits")).json()["data"]
    assert [(e["content"], e["visibility"]) for e in edits] == [("dos", "internal"), ("uno", "internal")]
    assert {e["note_id"] for e in edits} == {note["id"]}
    assert {(e["author_type"], e["author_name"]) for e in edits} == {("firm", "Pruebas")}
    oldest = (await api.get(f"{path}/edits", params={"sort": "created_at", "limit": 1})).json()
    assert (oldest["data"], oldest["has_more"]) == (edits[1:], True)


async def test_what_is_equal_already_is_no_edit(api, superuser, notes):
    note = (await api.post(notes, json={"content": "uno"})).json()
    counts = table_counts(superuser)
    for body in ({}, {"content": "uno"}, {"note": " uno ", "visibility": "internal"}):
        answer = await api.patch(f"{notes}/{note['id']}", json=body)
        assert (answer.status_code, answer.json()) == (200, note)
    assert table_counts(superuser) == counts


async def test_refused_edits_leave_no_trace(api, superuser, notes):
    note = (await api.post(notes, json={"content": "uno"})).json()
    counts, path = table_counts(superuser), f"{notes}/{note['id']}"
    stale = await api.patch(path, json={"content": "dos"}, headers={"If-Match": '"v9"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"v1"')
    empty = await api.patch(path, json={"content": None})
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (422, "/content")
    assert (await api.patch(path, json={"visibility": None})).status_code == 422
    assert (await api.get(path)).json() == note
    assert table_counts(superuser) == counts


async def test_a_note_belongs_to_its_case(api, superuser, case, notes):
    note = (await api.post(notes, json={"content": "uno"})).json()
    other = await new_case(api, case["client_id"])
    counts, path = table_counts(superuser), f"/cases/{other['id']}/notes/{note['id']}"
    assert (await api.get(path)).status_code == 404
    assert (await api.patch(path, json={"content": "dos"})).status_code == 404
    assert (await api.get(f"{path}/edits")).status_code == 404
    assert table_counts(superuser) == counts


async def test_notes_on_finished_cases(api, superuser, case, notes):
    note = (await api.post(notes, json={"content": "uno"})).json()
    await api.post(f"/cases/{case['id']}/close")
    assert (await api.post(notes, json={"content": "tras el cierre"})).status_code == 201
    assert (await api.patch(f"{notes}/{note['id']}", json={"content": "dos"})).status_code == 200
    await api.patch(f"/cases/{case['id']}", json={"status": "archived"})
    counts = table_counts(superuser)
    for answer in (
        await api.post(notes, json={"content": "tarde"}),
        await api.patch(f"{notes}/{note['id']}", json={"content": "tarde"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "case_archived")
    assert table_counts(superuser) == counts
    assert len((await api.get(notes)).json()["data"]) == 2


async def test_notes_change_neither_the_case_nor_tell_others(api, superuser, case, notes):
    note = (await api.post(notes, json={"content": "uno"})).json()
    await api.patch(f"{notes}/{note['id']}", json={"content": "dos"})
    assert (await api.get(f"/cases/{case['id']}")).json() == case
    assert [event["type"] for event in events_of(superuser, case["id"])] == ["case.created"]


async def test_an_idempotent_note_is_added_once(api, superuser, notes):
    send = {"json": {"content": "uno"}, "headers": {"Idempotency-Key": "nota-1"}}
    first, second = await api.post(notes, **send), await api.post(notes, **send)
    assert first.content == second.content
    assert table_counts(superuser)["case_notes"] == 1
