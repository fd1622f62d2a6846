"""Changing a case: what is absent stays, null empties, equal is no change, and If-Match is kept."""

import asyncio

import pytest

from tests.cases.arrange import events_of, new_case, new_client, new_member, table_counts

PARTIES = [{"name": "Ana Prueba", "role": "witness"}, {"name": "Juzgado 4", "role": "court"}]


@pytest.fixture
async def case(api):
    """A case with a little of everything."""
    return await new_case(
        api,
        await new_client(api),
        tags=["uno", "dos"],
        external_id="x-1",
        custom_fields={"a": 1, "b": "dos", "c": True},
        parties=PARTIES,
    )


async def _patch(api, case, **changes):
    answer = await api.patch(f"/cases/{case['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    assert (await api.get(f"/cases/{case['id']}")).json() == answer.json()
    return answer.json()


async def test_each_member(api, app, firm, case):
    provider, other = await new_member(app, firm.id, "provider"), await new_client(api, "Otro Cliente")
    changes = {
        "client_id": other,
        "category": "penal",
        "title": "Otro título",
        "description": None,
        "assigned_provider_id": provider,
        "status_reason": "pendiente de peritaje",
        "priority": "low",
        "tags": ["tres", "uno", "tres"],
        "external_id": "x-2",
    }
    for name, value in changes.items():
        before = (await api.get(f"/cases/{case['id']}")).json()
        after = await _patch(api, case, **{name: value})
        wanted = ["tres", "uno"] if name == "tags" else value
        assert after == {**before, name: wanted, "updated_at": after["updated_at"]}


async def test_custom_fields_are_merged_by_key(api, case):
    changed = await _patch(api, case, custom_fields={"a": None, "b": 2, "d": "nuevo"})
    assert changed["custom_fields"] == {"b": 2, "c": True, "d": "nuevo"}
    cases = (await api.get("/cases", params={"custom_field": "d:nuevo"})).json()["data"]
    assert [found["id"] for found in cases] == [case["id"]]
    assert (await api.get("/cases", params={"custom_field": "a:1"})).json()["data"] == []


async def test_true_is_not_one(api, case):
    changed = await _patch(api, case, custom_fields={"a": True})
    assert changed["custom_fields"]["a"] is True


async def test_tags_are_found_after_they_change(api, case):
    await _patch(api, case, tags=["dos", "tres"])
    for tag, found in (("uno", 0), ("dos", 1), ("tres", 1)):
        assert len((await api.get("/cases", params={"tag": tag})).json()["data"]) == found
    await _patch(api, case, tags=[])
    assert (await api.get("/cases", params={"tag": "dos"})).json()["data"] == []


async def test_parties_are_replaced_and_keep_their_ids(api, case):
    witness, court = case["parties"]
    expert = {"name": "Perita Prueba", "role": "expert"}
    changed = await _patch(api, case, parties=[expert, {**PARTIES[1]}, {**witness, "phone": "600 11 22 33"}])
    first, second, third = changed["parties"]
    assert first["name"] == "Perita Prueba"
    assert first["id"] not in {witness["id"], court["id"]}
    assert second == court
    assert third == {**witness, "phone": "600 11 22 33"}
    assert (await _patch(api, case, parties=[]))["parties"] == []


async def test_two_equal_parties_have_two_ids(api, case):
    changed = await _patch(api, case, parties=[PARTIES[0], PARTIES[0]])
    assert len({party["id"] for party in changed["parties"]}) == 2
    again = await _patch(api, case, parties=[PARTIES[0], PARTIES[0]])
    assert again == changed


@pytest.mark.parametrize("ids", [["pty_no"], ["first", "first"]])
async def test_unknown_or_repeated_party_ids(api, case, ids):
    sent = [{**PARTIES[0], "id": case["parties"][0]["id"] if name == "first" else name} for name in ids]
    answer = await api.patch(f"/cases/{case['id']}", json={"parties": sent})
    assert answer.status_code == 422
    last = len(ids) - 1
    assert [e["pointer"] for e in answer.json()["errors"]] == [f"/parties/{last}/id"]
    assert (await api.get(f"/cases/{case['id']}")).json() == case


async def test_what_is_equal_already_is_no_change(api, superuser, case):
    counts = table_counts(superuser)
    for changes in (
        {},
        {name: case[name] for name in ("title", "tags", "parties", "custom_fields", "status", "client_id")},
        {"custom_fields": {"ninguno": None}},
        {"tags": ["uno", "dos", "uno"], "parties": PARTIES},
        {"external_id": "x-1", "category": "civil", "priority": "normal", "assigned_provider_id": None},
    ):
        answer = await api.patch(f"/cases/{case['id']}", json=changes)
        assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, case, '"v1"')
    assert table_counts(superuser) == counts


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"client_id": None}, "/client_id"),
        ({"client_id": "cli_abc123"}, "/client_id"),
        ({"category": "ninguna"}, "/category"),
        ({"category": None}, "/category"),
        ({"title": None}, "/title"),
        ({"title": ""}, "/title"),
        ({"status": None}, "/status"),
        ({"status": "abierto"}, "/status"),
        ({"priority": None}, "/priority"),
        ({"tags": None}, "/tags"),
        ({"parties": None}, "/parties"),
        ({"parties": [{"name": "x", "role": "witness", "client_id": "cli_no"}]}, "/parties/0/client_id"),
        ({"custom_fields": None}, "/custom_fields"),
        ({"custom_fields": {f"k{i}": i for i in range(48)}}, "/custom_fields"),
        ({"assigned_provider_id": "usr_1"}, "/assigned_provider_id"),
        ({"status_reason": "x" * 1001}, "/status_reason"),
        ({"number": "EXP-1"}, "/number"),
        ({"closed_at": None}, "/closed_at"),
    ],
)
async def test_refusals_say_where(api, superuser, case, changes, pointer):
    counts = table_counts(superuser)
    answer = await api.patch(f"/cases/{case['id']}", json={"description": "sí", **changes})
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    assert (await api.get(f"/cases/{case['id']}")).json() == case
    assert table_counts(superuser) == counts


async def test_external_id_of_another_case(api, superuser, case):
    other = await new_case(api, case["client_id"], external_id="x-2")
    counts = table_counts(superuser)
    answer = await api.patch(f"/cases/{case['id']}", json={"external_id": "x-2"})
    assert (answer.status_code, answer.json()["existing_id"]) == (409, other["id"])
    assert table_counts(superuser) == counts
    assert (await _patch(api, case, external_id=None))["external_id"] is None
    assert (await _patch(api, other, external_id="x-1"))["external_id"] == "x-1"


async def test_two_cases_cannot_take_one_external_id_at_once(api, superuser, case):
    cases = [await new_case(api, case["client_id"]) for _ in range(8)]
    answers = await asyncio.gather(
        *(api.patch(f"/cases/{each['id']}", json={"external_id": "único"}) for each in cases)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    held = superuser.execute("select count(*) from cases where external_id = 'único'").fetchone()
    assert held == (1,)


async def test_if_match(api, case):
    path = f"/cases/{case['id']}"
    changed = await api.patch(path, json={"title": "dos"}, headers={"If-Match": '"v1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"')
    for method, url, body in (
        ("PATCH", path, {"title": "tres"}),
        ("POST", f"{path}/close", {}),
        ("PATCH", path, {"title": "dos"}),
    ):
        stale = await api.request(method, url, json=body, headers={"If-Match": '"v1"'})
        assert (stale.status_code, stale.headers["etag"]) == (412, '"v2"')
    assert (await api.get(path)).json() == changed.json()
    closed = await api.post(f"{path}/close", headers={"If-Match": '"v1", "v2"'})
    assert (closed.status_code, closed.headers["etag"]) == (200, '"v3"')
    assert (await api.post(f"{path}/reopen", headers={"If-Match": '"v2"'})).status_code == 412
    assert (await api.post(f"{path}/reopen", headers={"If-Match": "*"})).status_code == 200
    assert (await api.get(path, headers={"If-None-Match": '"v4"'})).status_code == 304


async def test_of_parallel_writers_with_one_version_one_wins(api, superuser, case):
    answers = await asyncio.gather(
        *(
            api.patch(f"/cases/{case['id']}", json={"title": f"título {i}"}, headers={"If-Match": '"v1"'})
            for i in range(10)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    assert [event["type"] for event in events_of(superuser, case["id"])] == ["case.created", "case.updated"]


async def test_parallel_closings_close_once(api, superuser, case):
    answers = await asyncio.gather(*(api.post(f"/cases/{case['id']}/close") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert [event["type"] for event in events_of(superuser, case["id"])] == ["case.created", "case.closed"]


@pytest.mark.parametrize("uuid", ["cas_nadie", "x", "..", "%00", "cas_" + "0" * 26, "a" * 300, "ñ"])
async def test_unknown_cases(api, uuid):
    for method, url in (
        ("GET", ""), ("PATCH", ""), ("POST", "/close"), ("POST", "/reopen"), ("GET", "/activities"),
        ("GET", "/notes"), ("POST", "/notes"), ("GET", "/notes/nte_1"), ("PATCH", "/notes/nte_1"),
        ("GET", "/notes/nte_1/edits"),
    ):  # fmt: skip
        if uuid == ".." and not url:
            continue
        body = {"content": "x"} if "notes" in url else {}
        answer = await api.request(method, f"/cases/{uuid}{url}", json=body if method != "GET" else None)
        assert answer.status_code == 404, (method, url, answer.text)
