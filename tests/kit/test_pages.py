"""Lists: pages that stay stable while rows come and go, and parameters that are refused by name."""

from itertools import chain
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.firms import Firm

NAMES = ["Ana", "Bea", "Carles", "Dúnia", "Eñaut", "Fèlix", "Gil", "Hèctor", "Ícar", "Joan"]


async def make_clients(api, names=NAMES) -> list[str]:
    return [(await api.post("/clients", json={"name": name})).json()["id"] for name in names]


async def walk(api, path: str, **params) -> list[list[str]]:
    """Return the names on each page, following `next_cursor` to the end."""
    pages, cursor = [], None
    while True:
        sent = params | ({"cursor": cursor} if cursor else {})
        body = (await api.get(path, params=sent)).json()
        pages.append([item["name"] for item in body["data"]])
        cursor = body["next_cursor"]
        assert body["has_more"] is (cursor is not None)
        if cursor is None:
            return pages
        assert len(pages) < 50


def errors_of(answer) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalid_parameter"
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


# --- walking ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "order"),
    [("name", NAMES), ("-name", NAMES[::-1]), ("created_at", NAMES), ("-created_at", NAMES[::-1])],
)
@pytest.mark.parametrize("limit", [1, 3, 10, 100])
async def test_pages_give_each_row_once_in_order(api, sort, order, limit):
    await make_clients(api)
    pages = await walk(api, "/clients", sort=sort, limit=limit)
    assert [name for page in pages for name in page] == order
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1] != []


async def test_rows_that_appear_meanwhile_move_nothing(api):
    """An offset would repeat or skip rows here; a cursor does neither."""
    await make_clients(api, NAMES[::2])
    first = (await api.get("/clients", params={"sort": "name", "limit": 2})).json()
    assert [item["name"] for item in first["data"]] == ["Ana", "Carles"]
    await make_clients(api, ["Aaron", "Abel", "Cèlia"])
    pages = await walk(api, "/clients", sort="name", limit=2)
    second = (
        await api.get("/clients", params={"sort": "name", "limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert [item["name"] for item in second["data"]] == ["Cèlia", "Eñaut"]
    assert list(chain(*pages)) == ["Aaron", "Abel", "Ana", "Carles", "Cèlia", "Eñaut", "Gil", "Ícar"]


async def test_row_the_cursor_stands_on_may_vanish(api, superuser):
    ids = await make_clients(api)
    first = (await api.get("/clients", params={"sort": "created_at", "limit": 3})).json()
    superuser.execute("delete from clients where id = %s", [ids[2]])
    second = await api.get(
        "/clients", params={"sort": "created_at", "limit": 3, "cursor": first["next_cursor"]}
    )
    assert [item["name"] for item in second.json()["data"]] == NAMES[3:6]


async def test_rows_of_one_moment_are_all_seen(api, superuser):
    await make_clients(api)
    superuser.execute("update clients set created_at = '2026-01-17 14:30:00.123456Z', search_words = 'x'")
    for sort in ("created_at", "-created_at"):
        pages = await walk(api, "/clients", sort=sort, limit=3)
        assert sorted(chain(*pages)) == sorted(NAMES)


async def test_link_header_leads_to_the_next_page(api):
    await make_clients(api)
    first = await api.get("/clients?sort=name&limit=4&status=all")
    url = first.links["next"]["url"]
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://testserver/v1/servicios/clients"
    assert parse_qs(parts.query) == {
        "sort": ["name"], "limit": ["4"], "status": ["all"], "cursor": [first.json()["next_cursor"]],
    }  # fmt: skip
    second = await api.get(url)
    assert [item["name"] for item in second.json()["data"]] == NAMES[4:8]
    third = await api.get(second.links["next"]["url"])
    assert [item["name"] for item in third.json()["data"]] == NAMES[8:]
    assert "link" not in third.headers


async def test_link_keeps_filters_of_any_language(api):
    for i in range(3):
        await api.post("/clients", json={"name": f"Ñandú & Cía {i}", "custom_fields": {"tipo": "año=1&x"}})
    first = await api.get("/clients", params={"q": "ñandú cía", "custom_field": "tipo:año=1&x", "limit": 2})
    assert first.status_code == 200, first.text
    second = await api.get(first.links["next"]["url"])
    assert len(second.json()["data"]) == 1


@pytest.mark.parametrize(
    ("params", "size"), [({}, 25), ({"limit": 7}, 7), ({"per_page": 8}, 8), ({"limit": 100}, 30)]
)
async def test_page_size(api, params, size):
    await make_clients(api, [f"C{i}" for i in range(30)])
    assert len((await api.get("/clients", params=params)).json()["data"]) == size


async def test_total_only_when_asked_for(api):
    await make_clients(api)
    assert "total" not in (await api.get("/clients")).json()
    body = (await api.get("/clients", params={"include": "total", "limit": 3})).json()
    assert (body["total"], len(body["data"])) == (10, 3)
    more = {"include": "total", "limit": 3, "cursor": body["next_cursor"]}
    assert (await api.get("/clients", params=more)).json()["total"] == 10
    filtered = {"include": "total", "q": "gil"}
    assert (await api.get("/clients", params=filtered)).json()["total"] == 1
    nothing = (await api.get("/clients", params={"include": "total", "q": "**"})).json()
    assert nothing == {"data": [], "has_more": False, "next_cursor": None, "total": 0}


# --- cursors that are not ours ------------------------------------------------------------------------


async def next_cursor(api, **params) -> str:
    return (await api.get("/clients", params={"limit": 2, **params})).json()["next_cursor"]


async def test_forged_and_damaged_cursors(api):
    await make_clients(api)
    good = await next_cursor(api)
    middle = len(good) // 2
    flipped = good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]
    bad = [good[:-2], good[2:], good + "AAAA", flipped, "x", "", "AAAA", "%", "ñ", "=" * 8, good.swapcase()]
    for cursor in bad:
        answer = await api.get("/clients", params={"limit": 2, "cursor": cursor})
        assert errors_of(answer) == [("cursor", "invalid_cursor")], cursor
    too_long = await api.get("/clients", params={"cursor": "A" * 1001})
    assert errors_of(too_long) == [("cursor", "too_long")]


async def test_cursor_of_another_firm(api, app, other_firm: Firm):
    await make_clients(api)
    cursor = await next_cursor(api)
    async with other_firm.client(app) as other:
        await make_clients(other)
        answer = await other.get("/clients", params={"limit": 2, "cursor": cursor})
    assert errors_of(answer) == [("cursor", "invalid_cursor")]


async def test_cursor_of_the_sandbox(api, app, firm):
    await make_clients(api)
    cursor = await next_cursor(api)
    async with firm.client(app, firm.sandbox_key) as sandbox:
        answer = await sandbox.get("/clients", params={"cursor": cursor})
    assert errors_of(answer) == [("cursor", "invalid_cursor")]


@pytest.mark.parametrize(
    "other", [{"sort": "name"}, {"sort": "created_at"}, {"status": "all"}, {"q": "ana"}, {"kind": "person"}]
)
async def test_cursor_of_another_filter_or_sort(api, other):
    await make_clients(api)
    cursor = await next_cursor(api)
    assert errors_of(await api.get("/clients", params={"cursor": cursor, **other})) == [
        ("cursor", "invalid_cursor")
    ]


async def test_cursor_of_another_list(api):
    await make_clients(api)
    cursor = await next_cursor(api)
    assert errors_of(await api.get("/users", params={"cursor": cursor})) == [("cursor", "invalid_cursor")]


async def test_cursor_may_change_its_page_size_and_total(api):
    await make_clients(api)
    cursor = await next_cursor(api, sort="name")
    params = {"sort": "name", "limit": 5, "include": "total", "cursor": cursor}
    body = (await api.get("/clients", params=params)).json()
    assert ([item["name"] for item in body["data"]], body["total"]) == (NAMES[2:7], 10)


# --- parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=-1", [("limit", "too_small")]),
        ("limit=0", [("limit", "too_small")]),
        ("limit=101", [("limit", "too_large")]),
        ("limit=abc", [("limit", "type")]),
        ("limit=", [("limit", "type")]),
        ("limit=2.5", [("limit", "type")]),
        ("limit=1e2", [("limit", "type")]),
        ("limit=" + "9" * 30, [("limit", "too_large")]),
        ("limit=" + "9" * 5000, [("limit", "too_large")]),
        ("limit=٣", [("limit", "type")]),
        ("per_page=0", [("per_page", "too_small")]),
        ("per_page=101", [("per_page", "too_large")]),
        ("page=2", [("page", "unknown_parameter")]),
        ("lmit=2", [("lmit", "unknown_parameter")]),
        ("a=1&b=2", [("a", "unknown_parameter"), ("b", "unknown_parameter")]),
        ("%00=1", [("\x00", "unknown_parameter")]),
        ("%ff=1", [("\ufffd", "unknown_parameter")]),
        ("sort=salary", [("sort", "not_allowed")]),
        ("sort=name,created_at", [("sort", "not_allowed")]),
        ("status=deleted", [("status", "not_allowed")]),
        ("kind=", [("kind", "not_allowed")]),
        ("include=everything", [("include", "not_allowed")]),
        ("q=a", [("q", "too_short")]),
        ("q=" + "a" * 201, [("q", "too_long")]),
        ("q=an%00a", [("q", "unstorable_text")]),
        ("q=an%ffa", [("q", "unstorable_text")]),
        ("email=%00", [("email", "unstorable_text")]),
        ("tax_id=%00", [("tax_id", "unstorable_text")]),
        ("external_id=a%00b", [("external_id", "unstorable_text")]),
        ("external_id=%ed%a0%80", [("external_id", "unstorable_text")]),
        ("external_id=%c0%80", [("external_id", "unstorable_text")]),
        ("custom_field=a:%00", [("custom_field", "unstorable_text")]),
        ("custom_field=%fe:x", [("custom_field", "unstorable_text")]),
        ("custom_field=nocolon", [("custom_field", "invalid")]),
        ("custom_field=:x", [("custom_field", "invalid")]),
        ("cursor=%00", [("cursor", "unstorable_text")]),
        ("cursor=%ff", [("cursor", "unstorable_text")]),
        ("created_after=yesterday", [("created_after", "type")]),
        ("created_after=2026-01-17", [("created_after", "timezone")]),
        ("created_after=2026-01-17T14:30:00", [("created_after", "timezone")]),
        ("created_after=2026-02-30T00:00:00Z", [("created_after", "type")]),
        ("created_after=0001-01-01T00:00:00Z", [("created_after", "out_of_range")]),
        ("created_after=9999-12-31T23:59:59Z", [("created_after", "out_of_range")]),
        ("created_after=%00", [("created_after", "unstorable_text")]),
        ("limit=0&sort=x&page=1", [("page", "unknown_parameter")]),
        ("limit=0&sort=x", [("limit", "too_small"), ("sort", "not_allowed")]),
    ],
)
async def test_bad_parameters_are_named(api, query, expected):
    answer = await api.get(f"/clients?{query}")
    assert errors_of(answer) == expected


async def test_misspelt_parameter_gets_a_suggestion(api):
    answer = await api.get("/clients?lmit=2", headers={"Accept-Language": "en"})
    assert "Did you mean limit?" in answer.json()["errors"][0]["message"]
    answer = await api.get("/clients?zzzzz=2", headers={"Accept-Language": "en"})
    message = answer.json()["errors"][0]["message"]
    assert "Accepted: limit, per_page, cursor" in message


async def test_numbered_pages_are_told_of_the_cursor(api):
    answer = await api.get("/clients?page=2")
    assert "cursor" in answer.json()["errors"][0]["message"]


async def test_resource_takes_no_parameters(api):
    (client_id,) = await make_clients(api, ["Ana"])
    assert errors_of(await api.get(f"/clients/{client_id}?limit=2")) == [("limit", "unknown_parameter")]
    assert errors_of(await api.post("/clients?dry_run=1", json={"name": "Eva"})) == [
        ("dry_run", "unknown_parameter")
    ]
    assert len((await api.get("/clients")).json()["data"]) == 1


async def test_replacement_character_itself_is_text(api):
    answer = await api.get("/clients", params={"external_id": "\ufffd"})
    assert (answer.status_code, answer.json()["data"]) == (200, [])


async def test_filters_of_any_language(api):
    await api.post("/clients", json={"name": "李小龙", "external_id": "客户/№ 1+1 & co"})
    for params in ({"external_id": "客户/№ 1+1 & co"}, {"q": "李小"}):
        answer = await api.get("/clients", params=params)
        assert [item["name"] for item in answer.json()["data"]] == ["李小龙"]


@pytest.mark.parametrize(
    "moment", ["2026-01-17T14:30:00Z", "2026-01-17T15:30:00%2B01:00", "2026-01-17t14:30:00z"]
)
async def test_moments_of_any_zone(api, moment):
    await make_clients(api, ["Ana"])
    assert len((await api.get(f"/clients?created_after={moment}")).json()["data"]) == 1
    assert (await api.get(f"/clients?created_before={moment}")).json()["data"] == []


async def test_many_unknown_parameters_are_answered_shortly(api):
    query = "&".join(f"x{i}=1" for i in range(2000))
    answer = await api.get(f"/clients?{query}")
    assert len(errors_of(answer)) == 20


async def test_ids_in_paths(api):
    (client_id,) = await make_clients(api, ["Ana"])
    for wrong in ("%00", "%ff", "x" * 500, client_id.upper(), client_id + "x", "..", "'", "cli_", "ñ", "-"):
        answer = await api.get(f"/clients/{wrong}")
        assert (answer.status_code, answer.json()["code"]) in {
            (404, "not_found"),
            (404, "route_not_found"),
        }, wrong
