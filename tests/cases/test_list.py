"""Listing cases: filters, sorts, pages that stay whole while cases are being opened."""

import asyncio

import pytest

from tests.cases.arrange import new_case, new_client, new_member


async def _titles(api, **params):
    answer = await api.get("/cases", params=params)
    assert answer.status_code == 200, answer.text
    return [case["title"] for case in answer.json()["data"]]


@pytest.fixture
async def four(api, app, firm):
    """Four cases that differ in everything a list filters by; oldest first: a, b, c, d."""
    ana, ben = await new_client(api, "Ana Prueba"), await new_client(api, "Ben Prueba")
    provider = await new_member(app, firm.id, "provider")
    cases = {
        "a": await new_case(api, ana, title="a", tags=["uno", "dos"], priority="high", external_id="x-1"),
        "b": await new_case(api, ana, title="b", category="penal", assigned_provider_id=provider),
        "c": await new_case(api, ben, title="c", tags=["dos"], custom_fields={"sala": "3", "vip": True}),
        "d": await new_case(api, ben, title="d", custom_fields={"sala": "4"}, assigned_provider_id=provider),
    }
    await api.post(f"/cases/{cases['b']['id']}/close")
    await api.patch(f"/cases/{cases['c']['id']}", json={"status": "on_hold"})
    return {**cases, "ana": ana, "ben": ben, "provider": provider}


async def test_default_is_every_state_newest_first(api, four):
    answer = await api.get("/cases")
    assert [case["title"] for case in answer.json()["data"]] == ["d", "c", "b", "a"]
    assert (answer.json()["has_more"], answer.json()["next_cursor"]) == (False, None)
    assert answer.json()["data"][0] == (await api.get(f"/cases/{four['d']['id']}")).json()


async def test_filters(api, four):
    assert await _titles(api, status="open") == ["d", "a"]
    assert await _titles(api, status="open,on_hold") == ["d", "c", "a"]
    assert await _titles(api, status="archived") == []
    assert await _titles(api, category="penal") == ["b"]
    assert await _titles(api, category="ninguna") == []
    assert await _titles(api, client_id=four["ana"]) == ["b", "a"]
    assert await _titles(api, assigned_provider_id=four["provider"]) == ["d", "b"]
    assert await _titles(api, priority="high") == ["a"]
    assert await _titles(api, tag="dos") == ["c", "a"]
    assert await _titles(api, tag="do") == []
    assert await _titles(api, external_id="x-1") == ["a"]
    assert await _titles(api, custom_field="sala:3") == ["c"]
    assert await _titles(api, custom_field="vip:true") == ["c"]
    assert await _titles(api, tag="dos", client_id=four["ben"], status="on_hold") == ["c"]
    assert await _titles(api, tag="dos", client_id=four["ana"], status="on_hold") == []


async def test_ranges_of_time(api, four, superuser):
    for day, name in enumerate("abcd", start=1):
        superuser.execute(
            "update cases set created_at = %s, updated_at = %s where id = %s",
            [f"2026-03-0{day}T10:00:00Z", f"2026-04-0{5 - day}T10:00:00Z", four[name]["id"]],
        )
    assert await _titles(api, created_after="2026-03-02T10:00:00Z") == ["d", "c", "b"]
    assert await _titles(api, created_before="2026-03-02T10:00:00Z") == ["a"]
    between = {"created_after": "2026-03-02T11:00:00+01:00", "created_before": "2026-03-04T10:00:00Z"}
    assert await _titles(api, **between) == ["c", "b"]
    assert await _titles(api, updated_after="2026-04-03T00:00:00Z", sort="updated_at") == ["b", "a"]


async def test_sorts(api, four):
    assert await _titles(api, sort="created_at") == ["a", "b", "c", "d"]
    assert await _titles(api, sort="number") == ["a", "b", "c", "d"]
    assert await _titles(api, sort="-number") == ["d", "c", "b", "a"]
    assert await _titles(api, sort="-updated_at") == ["c", "b", "d", "a"]
    assert await _titles(api, sort="updated_at") == ["a", "d", "b", "c"]


@pytest.mark.parametrize(
    "sort", ["created_at", "-created_at", "updated_at", "-updated_at", "number", "-number"]
)
async def test_every_sort_walks_all_pages_once(api, four, sort):
    whole = await _titles(api, sort=sort)
    walked, cursor = [], None
    for _ in range(4):
        params = {"sort": sort, "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = (await api.get("/cases", params=params)).json()
        walked += [case["title"] for case in page["data"]]
        cursor = page["next_cursor"]
    assert walked == whole
    assert cursor is None


async def test_pages_stay_whole_while_cases_are_opened(api):
    client_id = await new_client(api)
    before = {(await new_case(api, client_id, title=f"viejo {i}"))["id"] for i in range(30)}
    seen, cursor = [], None
    while True:
        params = {"limit": 7, "include": "total", **({"cursor": cursor} if cursor else {})}
        page, *_ = await asyncio.gather(
            api.get("/cases", params=params), *(new_case(api, client_id, title="nuevo") for _ in range(3))
        )
        seen += [case["id"] for case in page.json()["data"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert before <= set(seen)
    assert len(set(seen) - before) <= 3  # only what was opened during the very first page


async def test_total_counts_what_matches(api, four):
    page = (await api.get("/cases", params={"tag": "dos", "limit": 1, "include": "total"})).json()
    assert (page["total"], page["has_more"], len(page["data"])) == (2, True, 1)
    assert (await api.get("/cases", params={"q": "nada de nada", "include": "total"})).json()["total"] == 0
    assert "total" not in (await api.get("/cases")).json()


@pytest.mark.parametrize(
    ("params", "parameter"),
    [
        ({"status": "abierto"}, "status"),
        ({"status": "open,,closed"}, "status"),
        ({"status": ""}, "status"),
        ({"priority": "x"}, "priority"),
        ({"sort": "title"}, "sort"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"page": "2"}, "page"),
        ({"estado": "open"}, "estado"),
        ({"created_after": "ayer"}, "created_after"),
        ({"created_after": "2026-01-01T00:00:00"}, "created_after"),
        ({"custom_field": "sin_dos_puntos"}, "custom_field"),
        ({"q": "x"}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"cursor": "falso"}, "cursor"),
        ({"client_id": "cli abc"}, "client_id"),
        ({"tag": "a\x00b"}, "tag"),
        ({"category": "a\x00b"}, "category"),
        ({"external_id": "a\x00b"}, "external_id"),
        ({"custom_field": "a:\x00b"}, "custom_field"),
        ({"q": "a\x00b"}, "q"),
    ],
)
async def test_wrong_parameters_are_named(api, params, parameter):
    answer = await api.get("/cases", params=params)
    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [parameter]


async def test_a_cursor_belongs_to_its_filters(api, four):
    cursor = (await api.get("/cases", params={"limit": 1})).json()["next_cursor"]
    answer = await api.get("/cases", params={"limit": 1, "cursor": cursor, "status": "open"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid_cursor")
