"""The states of a booking: who brings it where, what is refused, and what is left behind."""

import pytest

from tests.bookings.arrange import booked, code_of, events_of, new_service, open_day, started


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def booking(api, day):
    return await booked(api, service_id=await new_service(api), start=day.at(10))


@pytest.fixture
async def pending(api, day):
    service = await new_service(api, confirmation="client")
    return await booked(api, service_id=service, start=day.at(10))


async def act(api, booking, action, **body):
    return await api.post(f"/bookings/{booking['id']}/{action}", json=body)


async def test_cancelling_frees_the_time_and_says_why(api, booking, superuser):
    answer = await act(api, booking, "cancel", reason="Viaje del cliente")
    assert answer.status_code == 200, answer.text
    cancelled = answer.json()
    assert (cancelled["status"], cancelled["status_reason"]) == ("cancelled", "Viaje del cliente")
    assert cancelled["cancelled_at"] == cancelled["updated_at"]
    assert superuser.execute("select state from booking_claims").fetchall() == [("released",)]
    created, event = await events_of(api, booking["id"])
    assert (created["type"], event["type"]) == ("booking.created", "booking.cancelled")
    assert (event["data"]["reason"], event["data"]["cancelled_by"]) == ("Viaje del cliente", "firm")
    lines = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"]
    assert [(line["action"], line["actor_type"]) for line in lines] == [
        ("created", "firm"),
        ("cancelled", "firm"),
    ]
    assert lines[1]["data"] == {"reason": "Viaje del cliente"}


async def test_trap_10_what_is_cancelled_can_be_booked_again_at_once(api, booking):
    wanted = {"service_id": booking["service_id"], "start": booking["start"]}
    for _ in range(3):
        assert (await act(api, booking, "cancel")).status_code == 200
        booking = await booked(api, **wanted)
    answer = await api.post("/bookings", json=wanted)
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")


async def test_cancelling_without_a_body_is_enough(api, booking):
    answer = await api.post(f"/bookings/{booking['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


async def test_what_is_cancelled_stays_cancelled(api, booking, superuser):
    await act(api, booking, "cancel")
    before = superuser.execute("select to_jsonb(b) from bookings b").fetchall()
    for action in ("cancel", "confirm", "complete", "no-show", "reschedule"):
        body = {"start": booking["start"]} if action == "reschedule" else {}
        answer = await act(api, booking, action, **body)
        assert (answer.status_code, code_of(answer)) == (409, "booking_state"), action
        assert (answer.json()["current_status"], answer.json()["allowed"]) == ("cancelled", [])
    assert superuser.execute("select to_jsonb(b) from bookings b").fetchall() == before


async def test_the_firm_confirms_what_waits(api, pending, superuser):
    assert (pending["status"], pending["confirmed_at"], pending["confirmation"]) == (
        "pending",
        None,
        "client",
    )
    assert superuser.execute("select state from booking_claims").fetchall() == [("pending",)]
    answer = await act(api, pending, "confirm")
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "confirmed"
    assert answer.json()["confirmed_at"] is not None
    assert superuser.execute("select state from booking_claims").fetchall() == [("confirmed",)]
    assert (await events_of(api, pending["id"]))[1]["data"]["confirmed_by"] == "firm"
    answer = await act(api, pending, "confirm")
    assert (answer.status_code, code_of(answer)) == (409, "booking_state")


async def test_trap_7_pending_bookings_keep_each_other_out(api, day, pending):
    wanted = {"service_id": pending["service_id"], "start": day.at(10, 30)}
    answer = await api.post("/bookings", json=wanted)
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")
    asked = {"service_id": pending["service_id"], "date": str(day.date)}
    slots = (await api.get("/availability/slots", params=asked)).json()["data"]
    offered = {slot["start"] for slot in slots} & {day.at(9, 30), day.at(10), day.at(10, 30), day.at(11)}
    assert offered == {day.at(11)}


async def test_a_booking_is_over_only_once_it_has_begun(api, booking, superuser):
    for action in ("complete", "no-show"):
        answer = await act(api, booking, action)
        assert (answer.status_code, code_of(answer)) == (409, "booking_not_started")
    await started(superuser, booking["id"])
    answer = await act(api, booking, "complete")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert answer.json()["completed_at"] is not None
    assert superuser.execute("select state from booking_claims").fetchall() == [("done",)]
    names = [event["type"] for event in await events_of(api, booking["id"])]
    assert names == ["booking.created", "booking.completed"]


async def test_a_mistaken_outcome_is_corrected(api, booking, superuser):
    await started(superuser, booking["id"])
    assert (await act(api, booking, "no-show", reason="Nadie")).json()["status_reason"] == "Nadie"
    answer = await act(api, booking, "complete")
    assert answer.json()["status"] == "completed"
    answer = await act(api, booking, "no-show")
    assert (answer.json()["status"], answer.json()["completed_at"]) == ("no_show", None)
    assert [guest["status"] for guest in answer.json()["attendees"]] == []
    assert (await act(api, booking, "cancel")).status_code == 409
    names = [event["type"] for event in await events_of(api, booking["id"])]
    assert names == ["booking.created", "booking.no_show", "booking.completed", "booking.no_show"]


async def test_a_change_of_an_outdated_version_is_a_412(api, booking, superuser):
    stale = (await api.get(f"/bookings/{booking['id']}")).headers["etag"]
    await act(api, booking, "reschedule", start=booking["end"])
    answer = await api.post(f"/bookings/{booking['id']}/cancel", headers={"If-Match": stale})
    assert answer.status_code == 412
    assert superuser.execute("select status from bookings").fetchall() == [("confirmed",)]
    fresh = (await api.get(f"/bookings/{booking['id']}")).headers["etag"]
    answer = await api.post(f"/bookings/{booking['id']}/cancel", headers={"If-Match": fresh})
    assert answer.status_code == 200


async def test_who_does_not_exist_is_not_found(api):
    for action in ("cancel", "confirm", "complete", "no-show", "reschedule"):
        body = {"start": "2027-01-15T10:00:00Z"} if action == "reschedule" else {}
        answer = await api.post(f"/bookings/bkg_nobody/{action}", json=body)
        assert answer.status_code == 404, action
    for path in ("/bookings/bkg_nobody", "/bookings/bkg_nobody/history"):
        assert (await api.get(path)).status_code == 404
