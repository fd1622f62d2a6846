"""States of a case: the table of changes, pair by pair, and what is refused of a finished case."""

import pytest

from conecta.cases import rules
from tests.cases.arrange import SEED, events_of, new_case, new_client, table_counts

ALLOWED = {
    "open": ["on_hold", "closed"],
    "on_hold": ["open", "closed"],
    "closed": ["open", "archived"],
    "archived": ["closed"],
}
WAY_TO = {"open": [], "on_hold": ["on_hold"], "closed": ["closed"], "archived": ["closed", "archived"]}


async def _case_in(api, status, **more):
    case = await new_case(api, await new_client(api), **more)
    for step in WAY_TO[status]:
        answer = await api.patch(f"/cases/{case['id']}", json={"status": step})
        assert answer.status_code == 200, answer.text
        case = answer.json()
    assert case["status"] == status
    return case


@pytest.mark.parametrize("source", rules.STATUSES)
@pytest.mark.parametrize("target", rules.STATUSES)
async def test_every_pair_by_patch(api, superuser, source, target):
    case = await _case_in(api, source)
    counts = table_counts(superuser)
    answer = await api.patch(f"/cases/{case['id']}", json={"status": target, "status_reason": "porque sí"})
    if source == target == "closed" or source == target == "archived":
        # The reason would change, and nothing of a finished case does.
        assert (answer.status_code, answer.json()["code"]) == (409, f"case_{source}")
    elif source == target:
        assert (answer.status_code, answer.json()["status_reason"]) == (200, "porque sí")
    elif target in ALLOWED[source]:
        assert answer.status_code == 200, answer.text
        assert (answer.json()["status"], answer.json()["status_reason"]) == (target, "porque sí")
        assert (answer.json()["closed_at"] is not None) == (target in {"closed", "archived"})
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
        assert (answer.json()["current_status"], answer.json()["allowed"]) == (source, ALLOWED[source])
    if answer.status_code == 409:
        assert (await api.get(f"/cases/{case['id']}")).json() == case
        assert table_counts(superuser) == counts


@pytest.mark.parametrize("status", rules.STATUSES)
async def test_the_same_state_alone_is_no_change(api, superuser, status):
    case = await _case_in(api, status)
    counts = table_counts(superuser)
    answer = await api.patch(f"/cases/{case['id']}", json={"status": status})
    assert (answer.status_code, answer.json()) == (200, case)
    assert table_counts(superuser) == counts


async def test_close(api):
    case = await _case_in(api, "open")
    answer = await api.post(f"/cases/{case['id']}/close", json={"reason": "Acuerdo"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["status"], body["status_reason"]) == ("closed", "Acuerdo")
    assert body["closed_at"] == body["updated_at"] >= case["created_at"]
    assert answer.headers["etag"] == '"v2"'
    assert (await api.get(f"/cases/{case['id']}")).json() == body


@pytest.mark.parametrize("body", [None, {}, {"reason": None}])
async def test_close_and_reopen_need_no_reason(api, body):
    case = await _case_in(api, "on_hold")
    send = {} if body is None else {"json": body}
    closed = (await api.post(f"/cases/{case['id']}/close", **send)).json()
    assert (closed["status"], closed["status_reason"]) == ("closed", None)
    reopened = (await api.post(f"/cases/{case['id']}/reopen", **send)).json()
    assert (reopened["status"], reopened["closed_at"]) == ("open", None)


async def test_closing_twice(api, superuser):
    case = await _case_in(api, "closed")
    counts = table_counts(superuser)
    answer = await api.post(f"/cases/{case['id']}/close", json={"reason": "otra vez"})
    assert (answer.status_code, answer.json()["code"]) == (409, "case_closed")
    assert (answer.json()["current_status"], answer.json()["allowed"]) == ("closed", ["open", "archived"])
    assert case["number"] in answer.json()["detail"]
    assert f"/cases/{case['id']}/reopen" in answer.json()["detail"]
    assert (await api.get(f"/cases/{case['id']}")).json() == case
    assert table_counts(superuser) == counts


async def test_an_archived_case_is_neither_closed_nor_reopened(api, superuser):
    case = await _case_in(api, "archived")
    counts = table_counts(superuser)
    for action, code in (("close", "case_archived"), ("reopen", "invalid_transition")):
        answer = await api.post(f"/cases/{case['id']}/{action}")
        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert answer.json()["allowed"] == ["closed"]
    assert (await api.get(f"/cases/{case['id']}")).json() == case
    assert table_counts(superuser) == counts


async def test_reopening_an_open_case(api):
    case = await _case_in(api, "open")
    answer = await api.post(f"/cases/{case['id']}/reopen")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    assert answer.json()["allowed"] == ["on_hold", "closed"]


@pytest.mark.parametrize("status", ["closed", "archived"])
@pytest.mark.parametrize(
    "change",
    [
        {"title": "Otro"},
        {"status_reason": "otro"},
        {"tags": ["x"]},
        {"custom_fields": {"x": 1}},
        {"assigned_provider_id": "usr_1"},
        {"title": "Otro", "status": "closed"},
        {"title": "Otro", "status": "open"},
    ],
)
async def test_a_finished_case_is_not_edited(api, superuser, status, change):
    case = await _case_in(api, status)
    counts = table_counts(superuser)
    answer = await api.patch(f"/cases/{case['id']}", json=change)
    assert (answer.status_code, answer.json()["code"]) == (409, f"case_{status}")
    assert answer.json()["current_status"] == status
    assert (await api.get(f"/cases/{case['id']}")).json() == case
    assert table_counts(superuser) == counts


async def test_a_finished_case_may_be_sent_back_as_it_is(api):
    case = await _case_in(api, "closed", external_id="x", tags=["a"])
    sent = {name: case[name] for name in ("title", "status", "tags", "external_id", "category", "parties")}
    answer = await api.patch(f"/cases/{case['id']}", json=sent)
    assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, case, '"v2"')


async def test_edits_come_with_the_change_of_state(api, superuser):
    case = await _case_in(api, "open")
    answer = await api.patch(f"/cases/{case['id']}", json={"status": "closed", "title": "Terminado"})
    assert (answer.status_code, answer.json()["title"]) == (200, "Terminado")
    types = [event["type"] for event in events_of(superuser, case["id"])]
    assert types[0] == "case.created"
    assert sorted(types[1:]) == ["case.closed", "case.updated"]


async def test_closing_date_stays_in_the_archive(api):
    case = await _case_in(api, "closed")
    archived = (await api.patch(f"/cases/{case['id']}", json={"status": "archived"})).json()
    back = (await api.patch(f"/cases/{case['id']}", json={"status": "closed"})).json()
    assert archived["closed_at"] == back["closed_at"] == case["closed_at"]


async def test_refusals_in_english(api):
    case = await _case_in(api, "closed")
    answer = await api.post(f"/cases/{case['id']}/close", headers={"Accept-Language": "en"})
    assert answer.json()["title"] == "The case is closed"
    assert "it may go to: open, archived" in answer.json()["detail"]


async def test_a_case_is_not_created_in_a_state(api):
    client_id = await new_client(api)
    answer = await api.post("/cases", json={**SEED, "client_id": client_id, "status": "closed"})
    assert answer.status_code == 422
