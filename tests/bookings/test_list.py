"""The list of bookings: order, filters, seed words, pages, one statement, and the shape of the document."""

import json
from datetime import timedelta

import pytest

from conecta.bookings.read_schemas import BookingRead
from tests.bookings.arrange import booked, new_client, new_member, new_service, open_day, started
from tests.cases.test_statements import counted  # noqa: F401 - the fixture that counts


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def world(api, day, superuser):
    """Two bookings of Ana, one of them moved and pending; one cancelled; a free one with Eva, missed."""
    service = await new_service(api)
    asked = await new_service(api, name="Con cita", slug="con-cita", confirmation="client")
    ana = await new_client(api)
    first = await booked(api, service_id=service, start=day.at(8), client_id=ana)
    pending = await booked(api, service_id=asked, start=day.at(9), client_id=ana)
    await api.post(f"/bookings/{pending['id']}/reschedule", json={"start": day.at(12)})
    cancelled = await booked(api, service_id=service, start=day.at(10))
    await api.post(f"/bookings/{cancelled['id']}/cancel")
    eva = await new_member(api, "Eva")
    missed = await booked(api, start=day.at(20), duration=30, provider_id=eva)
    await started(superuser, missed["id"])
    assert (await api.post(f"/bookings/{missed['id']}/no-show")).status_code == 200
    names = {"first": first, "pending": pending, "cancelled": cancelled, "missed": missed}
    return {
        "service": service,
        "ana": ana,
        "eva": eva,
        "ids": {one["id"]: name for name, one in names.items()},
    }


async def names(api, world, **params):
    answer = await api.get("/bookings", params=params)
    assert answer.status_code == 200, answer.text
    return [world["ids"][one["id"]] for one in answer.json()["data"]]


async def test_the_list_is_in_order_and_filtered(api, world, day):
    assert await names(api, world) == ["pending", "cancelled", "first", "missed"]
    assert await names(api, world, sort="start") == ["missed", "first", "cancelled", "pending"]
    assert await names(api, world, client_id=world["ana"]) == ["pending", "first"]
    assert await names(api, world, provider_id=world["eva"]) == ["missed"]
    assert await names(api, world, service_id=world["service"]) == ["cancelled", "first"]
    assert await names(api, world, status="pending,confirmed") == ["pending", "first"]
    assert await names(api, world, status="no_show") == ["missed"]
    assert await names(api, world, **{"from": day.at(8), "to": day.at(10)}) == ["first"]
    tomorrow = str(day.date + timedelta(days=1))
    assert await names(api, world, **{"from": str(day.date), "to": str(day.date)}) == [
        "pending",
        "cancelled",
        "first",
    ]
    assert await names(api, world, **{"from": tomorrow}) == []


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("canceled", ["cancelled"]),
        ("rescheduled", ["pending"]),
        ("rescheduled,cancelled", ["pending", "cancelled"]),
        ("no-show", ["missed"]),
    ],
)
async def test_the_words_of_the_guide_are_understood(api, world, word, found):
    assert await names(api, world, status=word) == found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "lost"),
        ("from", "yesterday"),
        ("to", "2026-13-01"),
        ("sort", "service"),
        ("since", "2026-01-01"),
    ],
)
async def test_what_is_no_filter_is_a_400(api, name, value):
    answer = await api.get("/bookings", params={name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")
    assert [error["pointer"] for error in answer.json()["errors"]] == [name]


async def test_pages_follow_each_other(api, world):
    first = (await api.get("/bookings", params={"limit": 3, "include": "total"})).json()
    assert (len(first["data"]), first["has_more"], first["total"]) == (3, True, 4)
    rest = (await api.get("/bookings", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert (len(rest["data"]), rest["has_more"]) == (1, False)


async def test_an_answer_is_what_the_document_says(api, world):
    for one in (await api.get("/bookings")).json()["data"]:
        assert json.loads(BookingRead.model_validate(one).model_dump_json()) == one


async def test_trap_20_a_list_is_one_statement_however_long(counted, firm, world):  # noqa: F811
    app, counting = counted
    costs = {}
    async with firm.client(app) as api:
        for limit in (1, 100) * 3:  # a connection prepares a statement the first times
            with counting() as statements:
                answer = await api.get("/bookings", params={"limit": limit})
            costs[len(answer.json()["data"])] = statements
    # One of them looks up the key and its limits.
    assert {length: len(statements) for length, statements in costs.items()} == {1: 2, 4: 2}, costs


async def test_an_unchanged_booking_is_a_304(api, world):
    path = f"/bookings/{next(iter(world['ids']))}"
    tag = (await api.get(path)).headers["etag"]
    assert (await api.get(path, headers={"If-None-Match": tag})).status_code == 304
