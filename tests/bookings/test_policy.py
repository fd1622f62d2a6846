"""What the policy lets a client do, to the very minute; it is the booking's own, and never binds the firm."""

from datetime import UTC, datetime, timedelta

import pytest

from conecta.bookings import service as bookings
from conecta.bookings.errors import BookingState, PolicyWindow, RescheduleLimit
from conecta.bookings.service import Actor, BookingChange, BookingReschedule, Sender
from conecta.kit import clock
from conecta.kit.errors import ValidationFailed
from conecta.kit.etags import Precondition
from tests.bookings.arrange import booked, new_service, open_day


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
def act(app, firm):
    """Act as whoever holds the link of a booking, at a moment before it begins."""

    async def run(name, booking, *, before=timedelta(days=5), **body):
        start = datetime.fromisoformat(booking["start"])
        clock.move_for_this_context(start - before - datetime.now(UTC))
        kind = BookingReschedule if name == "reschedule" else BookingChange
        try:
            async with app.state.database.transaction(tenant_id=firm.id) as session:
                return await getattr(bookings, name)(
                    session,
                    Sender(app.state.keyring, "http://testserver", notify=False),
                    actor=Actor(kind="link", tenant_id=firm.id, id="lnk_x", name="Ana Gil"),
                    booking_id=booking["id"],
                    wanted=kind.model_validate(body),
                    precondition=Precondition(None),
                )
        finally:
            clock.move_for_this_context(clock.STILL)

    return run


POLICY = {"free_cancel_minutes": 120, "reschedule_minutes": 60, "max_reschedules": 1, "reason_required": True}


async def test_trap_18_the_window_closes_after_its_very_last_moment(api, day, act):
    service = await new_service(api, policy=POLICY)
    late = await booked(api, service_id=service, start=day.at(10))
    for name, minutes, body in (
        ("cancel", 120, {"reason": "Viaje"}),
        ("reschedule", 60, {"start": day.at(18)}),
    ):
        with pytest.raises(PolicyWindow) as refusal:
            await act(name, late, before=timedelta(minutes=minutes, seconds=-1), **body)
        until = datetime.fromisoformat(late["start"]) - timedelta(minutes=minutes)
        assert refusal.value.extensions == {"until": clock.wire(until)}
    assert (await api.get(f"/bookings/{late['id']}")).json() == late
    # At the limit itself, give or take how long the call takes, it is still allowed.
    text, _ = await act("cancel", late, before=timedelta(minutes=120, seconds=5), reason="Viaje")
    assert '"status":"cancelled"' in text


async def test_trap_18_a_later_policy_does_not_bind_an_earlier_booking(api, day, act):
    service = await new_service(api, policy=POLICY | {"reason_required": False})
    booking = await booked(api, service_id=service, start=day.at(10))
    stricter = {"policy": {"free_cancel_minutes": 500_000, "reschedule_minutes": 500_000}}
    assert (await api.patch(f"/booking-services/{service}", json=stricter)).status_code == 200
    text, _ = await act("cancel", booking, before=timedelta(hours=3))
    assert '"status":"cancelled"' in text


async def test_trap_18_the_firm_is_not_bound(api, day, superuser):
    service = await new_service(api, policy=POLICY | {"free_cancel_minutes": 500_000, "max_reschedules": 0})
    booking = await booked(api, service_id=service, start=day.at(10))
    answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": day.at(12)})
    assert answer.status_code == 200, answer.text
    assert (await api.post(f"/bookings/{booking['id']}/cancel")).status_code == 200


async def test_a_reason_may_be_needed(api, day, act):
    service = await new_service(api, policy=POLICY)
    booking = await booked(api, service_id=service, start=day.at(10))
    with pytest.raises(ValidationFailed) as refusal:
        await act("cancel", booking)
    assert [(error.pointer, error.code) for error in refusal.value.errors] == [("/reason", "required")]
    text, _ = await act("cancel", booking, reason="Viaje")
    assert '"status":"cancelled"' in text


async def test_a_client_moves_as_often_as_the_policy_says(api, day, act):
    service = await new_service(api, policy=POLICY)
    booking = await booked(api, service_id=service, start=day.at(10))
    await act("reschedule", booking, start=day.at(12))
    with pytest.raises(RescheduleLimit):
        await act("reschedule", booking, start=day.at(14))
    assert (await api.get(f"/bookings/{booking['id']}")).json()["start"] == day.at(12)


async def test_who_has_the_link_confirms_what_waits_for_the_client(api, day, act, superuser):
    service = await new_service(api, confirmation="client")
    booking = await booked(api, service_id=service, start=day.at(10), attendees=[{"name": "Ana"}])
    text, _ = await act("confirm", booking)
    assert '"status":"confirmed"' in text
    assert (await api.get(f"/bookings/{booking['id']}")).json()["attendees"][0]["status"] == "confirmed"
    event = (await api.get("/events", params={"type": "booking.confirmed"})).json()["data"][0]
    assert event["data"]["confirmed_by"] == "link"
    with pytest.raises(BookingState):
        await act("confirm", booking)


async def test_what_the_firm_books_itself_it_has_accepted(api, day):
    service = await new_service(api, confirmation="firm")
    mine = await booked(api, service_id=service, start=day.at(12))
    assert mine["status"] == "confirmed"


async def test_a_link_cannot_bypass_anything(api, day, act):
    booking = await booked(api, service_id=await new_service(api), start=day.at(10))
    with pytest.raises(ValidationFailed) as refusal:
        await act("reschedule", booking, start=day.at(12), bypass_rules=True)
    assert refusal.value.errors[0].code == "firm_only"
