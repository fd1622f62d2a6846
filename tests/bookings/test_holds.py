"""Holds: nobody else can book a held time, it can be booked on the terms it was held on, and it expires."""

import pytest

from conecta import housekeeping  # noqa: F401 - its job is tried below by the function it calls
from conecta.bookings import service as bookings
from tests.bookings.arrange import booked, code_of, new_client, new_service, open_day, sandboxed


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def service(api):
    return await new_service(api, price={"amount": 6000, "currency": "EUR"})


async def held(api, **wanted):
    answer = await api.post("/bookings/holds", json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def claims(superuser):
    return superuser.execute(
        "select state, expires_at is null from booking_claims order by starts_at"
    ).fetchall()


async def test_a_held_time_is_nobody_elses(api, day, service):
    hold = await held(api, service_id=service, start=day.at(10), ttl_seconds=60)
    assert hold["id"].startswith("hld_")
    assert (hold["start"], hold["end"], hold["seats"]) == (day.at(10), day.at(11), 1)
    for start in (day.at(10), day.at(10, 30), day.at(9, 30)):
        for path in ("/bookings", "/bookings/holds"):
            answer = await api.post(path, json={"service_id": service, "start": start})
            assert (answer.status_code, code_of(answer)) == (409, "slot_taken")
    await booked(api, service_id=service, start=day.at(11))


async def test_a_hold_becomes_a_booking_on_its_own_terms(api, day, service, superuser):
    hold = await held(api, service_id=service, start=day.at(10))
    price = {"price": {"amount": 9900, "currency": "EUR"}, "name": "Más cara", "active": False}
    assert (await api.patch(f"/booking-services/{service}", json=price)).status_code == 200
    booking = await booked(api, hold_id=hold["id"], notes="Con prisa")
    assert (booking["start"], booking["end"], booking["service"]) == (
        day.at(10),
        day.at(11),
        "Primera consulta",
    )
    assert booking["price"] == {"amount": 6000, "currency": "EUR"}
    assert claims(superuser) == [("confirmed", True)]
    assert superuser.execute("select count(*) from booking_holds").fetchone()[0] == 0
    answer = await api.post("/bookings", json={"hold_id": hold["id"]})
    assert (answer.status_code, code_of(answer)) == (409, "hold_expired")


async def test_a_hold_is_of_one_time_only(api, day, service, superuser):
    hold = await held(api, service_id=service, start=day.at(10))
    answer = await api.post("/bookings", json={"hold_id": hold["id"], "start": day.at(12)})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "other_time")
    assert claims(superuser) == [("held", False)]
    others = {
        "service_id": await new_service(api, slug="otra"),
        "duration": 15,
        "duration_minutes": 15,
        "seats": 2,
    }
    for name, other in {**others, "end": day.at(14)}.items():
        answer = await api.post("/bookings", json={"hold_id": hold["id"], name: other})
        assert answer.status_code == 422
        assert (f"/{name}", "not_as_held") in [(e["pointer"], e["code"]) for e in answer.json()["errors"]]
    same = {"service_id": service, "provider_id": hold["provider_ids"][0], "seats": 1, "end": hold["end"]}
    await booked(api, hold_id=hold["id"], start=day.at(10), **same)


async def test_a_released_hold_is_free_at_once(api, day, service):
    hold = await held(api, service_id=service, start=day.at(10))
    assert (await api.delete(f"/bookings/holds/{hold['id']}")).status_code == 204
    assert (await api.delete(f"/bookings/holds/{hold['id']}")).status_code == 404
    await booked(api, service_id=service, start=day.at(10))


async def test_trap_8_a_hold_that_expires_is_lost_and_its_time_free(app, firm, superuser):
    async with sandboxed(app, firm) as api:
        day = await open_day(api)
        service = await new_service(api)
        hold = await held(api, service_id=service, start=day.at(10), ttl_seconds=600)
        assert (await api.put("/sandbox/clock", json={"advance_seconds": 590})).status_code == 200
        answer = await api.post("/bookings", json={"service_id": service, "start": day.at(10)})
        assert code_of(answer) == "slot_taken"
        await api.put("/sandbox/clock", json={"advance_seconds": 10})
        answer = await api.post("/bookings", json={"hold_id": hold["id"]})
        assert (answer.status_code, code_of(answer)) == (409, "hold_expired")
        await booked(api, service_id=service, start=day.at(10))
        answer = await api.delete(f"/bookings/holds/{hold['id']}")
        assert answer.status_code == 404
    assert claims(superuser) == [("confirmed", True)]


async def test_another_firm_neither_uses_nor_releases_a_hold(app, api, day, service, other_firm, superuser):
    hold = await held(api, service_id=service, start=day.at(10))
    async with other_firm.client(app) as thief:
        assert (await thief.delete(f"/bookings/holds/{hold['id']}")).status_code == 404
        answer = await thief.post("/bookings", json={"hold_id": hold["id"]})
        assert (answer.status_code, code_of(answer)) == (409, "hold_expired")
    assert claims(superuser) == [("held", False)]


async def test_housekeeping_clears_what_expired_and_nothing_else(app, api, day, service, superuser):
    old = await held(api, service_id=service, start=day.at(8))
    await held(api, service_id=service, start=day.at(12))
    group = await new_service(api, name="Charla", slug="charla", capacity=10)
    seats = await held(api, service_id=group, start=day.at(15), seats=4)
    superuser.execute(
        "update booking_holds set expires_at = now() - interval '1 second' where id = any(%s)",
        [[old["id"], seats["id"]]],
    )
    assert await bookings.delete_expired_holds(app.state.database) == 2
    assert claims(superuser) == [("held", False), ("released", True)]
    assert superuser.execute("select taken from booking_occurrences").fetchall() == [(0,)]
    assert await bookings.delete_expired_holds(app.state.database) == 0


async def test_a_hold_lives_ten_minutes_at_most(api, day, service):
    for seconds in (9, 601):
        wanted = {"service_id": service, "start": day.at(10), "ttl_seconds": seconds}
        assert (await api.post("/bookings/holds", json=wanted)).status_code == 422


async def test_a_hold_keeps_the_time_of_a_client(api, day, service):
    client = await new_client(api)
    hold = await held(api, service_id=service, start=day.at(10), client_id=client)
    assert hold["client_id"] == client
    booking = await booked(api, hold_id=hold["id"])
    assert (booking["client_id"], booking["attendees"][0]["name"]) == (client, "Ana Gil")


async def test_trap_8_what_is_held_for_a_client_is_not_booked_for_another(api, day, service, superuser):
    ana, ben = await new_client(api), await new_client(api, "Ben Ruiz")
    hold = await held(api, service_id=service, start=day.at(10), client_id=ana)
    answer = await api.post("/bookings", json={"hold_id": hold["id"], "client_id": ben})
    assert (answer.status_code, code_of(answer)) == (409, "hold_expired")
    assert claims(superuser) == [("held", False)]
    assert (await booked(api, hold_id=hold["id"]))["client_id"] == ana
