"""Many at once: one gets the time, the others hear where there is another, and nobody sees a fault."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import psycopg
import pytest

from conecta.kit import clock
from tests.bookings.arrange import (
    booked,
    code_of,
    new_member,
    new_service,
    open_day,
    overlaps,
    sandboxed,
)


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.trial)])
async def test_trap_6_many_want_the_same_time(api, day, superuser, count):
    service = await new_service(api)
    wanted = {"service_id": service, "start": day.at(10)}
    answers = await asyncio.gather(*(api.post("/bookings", json=wanted) for _ in range(count)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: count - 1}
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {body["code"] for body in refused} == {"slot_taken"}
    free = [day.at(11), day.at(11, 30), day.at(12)]
    assert all([slot["start"] for slot in body["next_slots"]] == free for body in refused)
    assert superuser.execute("select count(*) from bookings").fetchone()[0] == 1
    assert superuser.execute("select count(*) from events where type ^@ 'booking.'").fetchone()[0] == 1
    assert overlaps(superuser) == 0


async def test_trap_6_of_overlapping_times_no_two_are_sold(api, day, superuser):
    """Times a quarter of an hour apart, of services with buffers and of none, with one host."""
    buffered = await new_service(api, slot_step=15, buffer_before=10, buffer_after=5)
    wishes = [
        {"start": day.at(hour, minute), **what}
        for hour in (9, 10, 11)
        for minute in (0, 15, 30, 45)
        for what in ({"service_id": buffered}, {"duration": 50})
    ]
    answers = await asyncio.gather(*(api.post("/bookings", json=wish) for wish in wishes))
    assert set(Counter(answer.status_code for answer in answers)) <= {201, 409}
    assert 2 <= sum(answer.status_code == 201 for answer in answers) <= 4
    assert overlaps(superuser) == 0


async def test_trap_6_what_the_check_cannot_see_yet_is_taken_all_the_same(api, day, superuser):
    """Somebody has the time in a transaction that is not over: who waits for it hears where else is free."""
    service = await new_service(api)
    later = await booked(api, service_id=service, start=day.at(16))
    with superuser.transaction():
        superuser.execute(
            "insert into booking_claims (tenant_id, holder_id, resource_id, state, starts_at, ends_at)"
            " select tenant_id, 'bkg_unseen', resource_id, 'confirmed', starts_at - interval '6 hours',"
            " ends_at - interval '6 hours' from booking_claims where holder_id = %s",
            [later["id"]],
        )
        wanted = {"service_id": service, "start": day.at(10)}
        asked = asyncio.create_task(api.post("/bookings", json=wanted))
        async with asyncio.timeout(10):
            while not superuser.execute("select 1 from pg_locks where not granted").fetchone():
                assert not asked.done()
                await asyncio.sleep(0.01)
    answer = await asked
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken"), answer.text
    assert len(answer.json()["next_slots"]) == 3
    assert superuser.execute("select count(*) from bookings").fetchone() == (1,)


async def test_the_database_itself_refuses_what_slips_through(api, day, superuser):
    """Whoever writes claims past every rule meets the constraint: touching is fine, a minute less is not."""
    booking = await booked(api, service_id=await new_service(api), start=day.at(10))
    copy = (
        "insert into booking_claims (tenant_id, holder_id, resource_id, state, starts_at, ends_at)"
        " select tenant_id, 'bkg_forged_' || %(name)s, resource_id, %(state)s,"
        " ends_at - %(overlap)s * interval '1 minute', ends_at + interval '1 hour'"
        " from booking_claims where holder_id = %(id)s"
    )
    for state in ("pending", "confirmed"):
        with pytest.raises(psycopg.errors.ExclusionViolation):
            superuser.execute(copy, {"name": state, "state": state, "overlap": 1, "id": booking["id"]})
    superuser.execute(copy, {"name": "done", "state": "done", "overlap": 1, "id": booking["id"]})
    superuser.execute(copy, {"name": "next", "state": "confirmed", "overlap": 0, "id": booking["id"]})
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute(
            "insert into booking_claims select tenant_id, 'bkg_empty', resource_id, state, ends_at, ends_at"
            " from booking_claims where holder_id = %s",
            [booking["id"]],
        )


async def test_trap_10_cancelling_and_booking_at_the_same_instant(api, day, superuser):
    """Whoever comes before the cancellation is refused, one of those after it gets the time."""
    service = await new_service(api)
    booking = await booked(api, service_id=service, start=day.at(10))
    wanted = {"service_id": service, "start": day.at(10)}
    calls = [api.post("/bookings", json=wanted) for _ in range(12)]
    calls[4:4] = [api.post(f"/bookings/{booking['id']}/cancel") for _ in range(3)]
    answers = await asyncio.gather(*calls)
    cancelled, others = answers[4:7], [*answers[:4], *answers[7:]]
    assert Counter(answer.status_code for answer in cancelled) == {200: 1, 409: 2}
    assert {answer.status_code for answer in others} <= {201, 409}
    assert sum(answer.status_code == 201 for answer in others) <= 1
    if not any(answer.status_code == 201 for answer in others):
        await booked(api, **wanted)
    states = superuser.execute("select state from booking_claims order by 1").fetchall()
    assert states == [("confirmed",), ("released",)]
    assert overlaps(superuser) == 0


async def test_trap_11_to_the_minute(api, day, superuser):
    """Theirs and one's own buffers may touch; a minute less is refused, and so is no length at all."""
    service = await new_service(api, buffer_before=10, buffer_after=5)
    await booked(api, service_id=service, start=day.at(10))
    for wish, free in (
        ({"duration": 30}, [day.at(9, 20), day.at(11, 5)]),
        ({"service_id": service, "bypass_rules": True}, [day.at(8, 45), day.at(11, 15)]),
    ):
        for start, late in zip(free, (1, -1), strict=True):
            nearer = clock.wire(datetime.fromisoformat(start) + timedelta(minutes=late))
            answer = await api.post("/bookings", json={**wish, "start": nearer})
            assert (answer.status_code, code_of(answer)) == (409, "slot_taken"), nearer
            touching = await booked(api, **wish, start=start)
            assert (await api.post(f"/bookings/{touching['id']}/cancel")).status_code == 200
    before = superuser.execute("select count(*) from booking_claims").fetchone()
    for nothing in ({"duration": 0}, {"duration_minutes": 0}, {"end": day.at(14)}):
        for path in ("/bookings", "/bookings/holds"):
            answer = await api.post(path, json={"service_id": service, "start": day.at(14), **nothing})
            assert (answer.status_code, code_of(answer)) == (422, "validation_failed"), answer.text
    assert superuser.execute("select count(*) from booking_claims").fetchone() == before


async def test_trap_11_buffers_may_touch_and_no_more(api, day):
    service = await new_service(api, durations=[60], slot_step=15, buffer_before=15, buffer_after=15)
    await booked(api, service_id=service, start=day.at(10))
    for start, status in ((day.at(11, 15), 409), (day.at(11, 30), 201), (day.at(8, 45), 409)):
        answer = await api.post("/bookings", json={"service_id": service, "start": start})
        assert answer.status_code == status, start
    await booked(api, service_id=service, start=day.at(8, 30))
    # A free appointment has no buffers of its own, but theirs count: 11:15 to 11:15 between both.
    answer = await api.post("/bookings", json={"start": day.at(11), "duration": 15})
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")


async def test_trap_7_of_many_that_would_wait_for_one_time_one_does(api, day, superuser):
    """What waits to be confirmed has taken its time already: no two are there to be confirmed together."""
    service = await new_service(api, confirmation="client")
    wishes = [{"service_id": service, "start": day.at(10, minute)} for minute in (0, 30) * 5]
    answers = await asyncio.gather(*(api.post("/bookings", json=wish) for wish in wishes))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    (waiting,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert waiting["status"] == "pending"
    assert (await api.post(f"/bookings/{waiting['id']}/confirm")).json()["status"] == "confirmed"
    assert superuser.execute("select state from booking_claims").fetchall() == [("confirmed",)]


async def test_trap_7_pending_bookings_are_confirmed_together(api, day, superuser):
    service = await new_service(api, confirmation="client")
    pending = [await booked(api, service_id=service, start=day.at(hour)) for hour in range(8, 16)]
    answers = await asyncio.gather(
        *(api.post(f"/bookings/{one['id']}/confirm") for one in pending for _ in range(2))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 8, 409: 8}
    assert superuser.execute("select distinct state from booking_claims").fetchall() == [("confirmed",)]
    assert (
        superuser.execute("select count(*) from events where type = 'booking.confirmed'").fetchone()[0] == 8
    )
    assert overlaps(superuser) == 0


async def test_trap_8_a_hold_is_booked_once_however_many_try(api, day, superuser):
    service = await new_service(api)
    hold = await api.post("/bookings/holds", json={"service_id": service, "start": day.at(10)})
    wishes = [{"hold_id": hold.json()["id"]}] * 10 + [{"service_id": service, "start": day.at(10)}] * 10
    answers = await asyncio.gather(*(api.post("/bookings", json=wish) for wish in wishes))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert {code_of(answer) for answer in answers[10:]} == {"slot_taken"}
    assert superuser.execute("select state from booking_claims").fetchall() == [("confirmed",)]


async def test_trap_8_an_expiring_hold_goes_to_one(app, firm, superuser):
    """When it expires, the one who held it and those who waited for it try at the same moment."""
    async with sandboxed(app, firm) as api:
        day = await open_day(api)
        service = await new_service(api)
        wanted = {"service_id": service, "start": day.at(10)}
        hold = await api.post("/bookings/holds", json={**wanted, "ttl_seconds": 60})
        await api.put("/sandbox/clock", json={"advance_seconds": 60})
        wishes = [wanted] * 8 + [{"hold_id": hold.json()["id"]}] * 2
        answers = await asyncio.gather(*(api.post("/bookings", json=wish) for wish in wishes))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert {code_of(answer) for answer in answers[8:]} == {"hold_expired"}
    assert overlaps(superuser) == 0


async def test_many_cancel_and_one_books_the_freed_time(api, day, superuser):
    service = await new_service(api)
    booking = await booked(api, service_id=service, start=day.at(10))
    cancels = [api.post(f"/bookings/{booking['id']}/cancel") for _ in range(5)]
    answers = await asyncio.gather(*cancels)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 4}
    wanted = {"service_id": service, "start": day.at(10)}
    answers = await asyncio.gather(*(api.post("/bookings", json=wanted) for _ in range(5)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 4}
    assert overlaps(superuser) == 0


async def test_trap_13_every_host_is_booked_before_anybody_is_refused(api, day, superuser):
    for name in ("Eva", "Leo", "Mar"):
        await new_member(api, name)
    wanted = {"service_id": await new_service(api), "start": day.at(10)}
    answers = await asyncio.gather(*(api.post("/bookings", json=wanted) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 4, 409: 6}
    hosts = [answer.json()["provider_id"] for answer in answers if answer.status_code == 201]
    assert len(set(hosts)) == 4
    assert overlaps(superuser) == 0


async def test_trap_13_a_member_who_left_since_the_list_is_not_booked(api, day):
    eva = await new_member(api, "Eva")
    service = await new_service(api)
    slots = (
        await api.get("/availability/slots", params={"service_id": service, "date": str(day.date)})
    ).json()
    assert eva in slots["data"][0]["provider_ids"]
    assert (await api.patch(f"/users/{eva}", json={"active": False})).status_code == 200
    wanted = {"service_id": service, "start": day.at(10), "provider_id": eva}
    answer = await api.post("/bookings", json=wanted)
    assert answer.status_code == 422, answer.text
    await booked(api, service_id=service, start=day.at(10))


async def test_one_room_is_given_to_one(api, day, superuser):
    await new_member(api, "Eva")
    room = (await api.post("/rooms", json={"name": "Sala 1"})).json()["id"]
    service = await new_service(api, room_ids=[room])
    wanted = {"service_id": service, "start": day.at(10)}
    answers = await asyncio.gather(*(api.post("/bookings", json=wanted) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    (booking,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert booking["room_id"] == room
    resources = superuser.execute("select resource_id from booking_claims order by 1").fetchall()
    assert resources == sorted([(room,), (booking["provider_id"],)])


async def test_a_limit_a_day_is_exact_under_a_crowd(api, day):
    service = await new_service(api, max_per_day=3)
    wishes = [{"service_id": service, "start": day.at(hour)} for hour in range(6, 18)]
    answers = await asyncio.gather(*(api.post("/bookings", json=wish) for wish in wishes))
    assert sorted({answer.status_code for answer in answers}) == [201, 422]
    assert sum(answer.status_code == 201 for answer in answers) == 3
    assert {code_of(answer) for answer in answers if answer.status_code == 422} == {"limit_day"}


async def test_an_external_id_is_taken_by_one_and_the_others_hear_of_whom(api, day):
    service = await new_service(api)
    wishes = [
        {"service_id": service, "start": day.at(hour), "external_id": "crm-4711"} for hour in range(8, 16)
    ]
    answers = await asyncio.gather(*(api.post("/bookings", json=wish) for wish in wishes))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    (booking,) = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(body["code"], body["existing_id"]) for body in refused} == {("duplicate_booking", booking)}


async def test_many_changes_at_once_never_wait_crosswise(api, day, superuser):
    """Cancelling, moving, holding and releasing touch the same host and room in whatever order they like."""
    room = (await api.post("/rooms", json={"name": "Sala 1"})).json()["id"]
    service = await new_service(api, room_ids=[room])
    made = [await booked(api, service_id=service, start=day.at(hour)) for hour in range(6, 14)]
    held = await api.post("/bookings/holds", json={"service_id": service, "start": day.at(14)})
    before = superuser.execute("select deadlocks from pg_stat_database where datname = current_database()")
    deadlocks = before.fetchone()
    paths = [(f"/bookings/{one['id']}/cancel", {}) for one in made[:4]]
    paths += [(f"/bookings/{one['id']}/reschedule", {"start": day.at(16)}) for one in made[4:]]
    paths += [("/bookings", {"service_id": service, "start": day.at(hour)}) for hour in (18, 19, 20)]
    answers = await asyncio.gather(
        *(api.post(path, json=body) for path, body in paths),
        api.delete(f"/bookings/holds/{held.json()['id']}"),
    )
    assert Counter(answer.status_code for answer in answers) == {200: 5, 409: 3, 201: 3, 204: 1}
    superuser.execute("select pg_stat_force_next_flush()")
    after = superuser.execute("select deadlocks from pg_stat_database where datname = current_database()")
    assert after.fetchone() == deadlocks
    assert overlaps(superuser) == 0
