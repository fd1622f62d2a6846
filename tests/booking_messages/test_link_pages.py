"""Without an account, by the link of a message: see, confirm, move and cancel a booking."""

from datetime import datetime, timedelta

from ical.calendar_stream import IcsCalendarStream

from tests.booking_messages.arrange import (
    ANA,
    MADRID,
    act,
    book,
    consulta,
    day_at,
    link_in,
    messages,
    now,
    wait_until,
)


async def booked(api, **wanted):
    """Book a time that the firm offers, and open its link."""
    start = await working_day(api)
    booking = await book(api, start, **wanted)
    return booking, link_in((await messages(api))[-1])


async def working_day(api, after=4):
    """Return ten o'clock in Madrid of the first day, so many days from now, on which the firm offers it."""
    today = (await now(api)).astimezone(MADRID).date()
    params = {
        "service_id": await consulta(api),
        "from": (today + timedelta(days=after)).isoformat(),
        "to": (today + timedelta(days=after + 20)).isoformat(),
    }
    slots = (await api.get("/availability/slots", params=params)).json()["data"]
    starts = [datetime.fromisoformat(slot["start"]) for slot in slots]
    return next(start for start in starts if start.astimezone(MADRID).strftime("%H:%M") == "10:00")


async def state_of(api, booking):
    return (await api.get(f"/bookings/{booking['id']}")).json()


async def test_the_page_says_what_when_and_where(sandbox, browser):
    _, link = await booked(sandbox, location={"kind": "office", "detail": "Calle Mayor 3 <2.º>"})
    page = await browser.open(link, site="cross-site")
    assert page.status == 200
    for words in (
        "Tu cita, Ana Gil",
        "Confirmada",
        "Consulta",
        "10:00 a 10:30 (hora de Madrid)",
        "Calle Mayor 3 <2.º>",
    ):
        assert words in page.text, words
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_it_speaks_the_language_of_whom_it_is_for(sandbox, browser):
    await book(
        sandbox,
        await day_at(sandbox, 5, 10),
        attendees=[ANA | {"language": "en", "time_zone": "Asia/Kathmandu"}],
    )
    page = await browser.open(link_in((await messages(sandbox))[-1]))
    assert "Your appointment, Ana Gil" in page.text
    assert "(Kathmandu time)" in page.text


async def test_the_client_confirms(sandbox, browser):
    await consulta(sandbox, confirmation="client")
    booking, link = await booked(sandbox)
    page = await browser.open(link)
    (form,) = [form for form in page.html.forms if form.action == f"{link}/confirm"]
    done = await browser.submit(page, form)
    assert "La cita está confirmada." in done.text
    assert (await state_of(sandbox, booking))["status"] == "confirmed"
    events = (await sandbox.get("/events?type=booking.confirmed")).json()["data"]
    assert [event["data"]["confirmed_by"] for event in events] == ["link"]
    assert not [form for form in done.html.forms if form.action.endswith("/confirm")]


async def test_the_client_cancels_with_a_reason(sandbox, browser):
    booking, link = await booked(sandbox)
    page = await browser.open(f"{link}/cancel")
    assert (await state_of(sandbox, booking))["status"] == "confirmed"  # a look changes nothing
    done = await browser.submit(page, page.html.form("reason", "csrf_token"), reason="Estoy de viaje")
    assert "La cita está cancelada." in done.text
    after = await state_of(sandbox, booking)
    assert (after["status"], after["status_reason"]) == ("cancelled", "Estoy de viaje")
    (history,) = [
        line
        for line in (await sandbox.get(f"/bookings/{booking['id']}/history")).json()["data"]
        if line["action"] == "cancelled"
    ]
    assert history["actor_type"] == "link"
    again = await browser.submit(page, page.html.form("reason", "csrf_token"))
    assert again.status == 409


async def test_the_client_moves_it_to_a_free_time(sandbox, browser):
    booking, link = await booked(sandbox)
    page = await browser.open(f"{link}/reschedule")
    times = [a for a in page.html.links if "start=" in a]
    assert times
    chosen = await browser.open(times[3])
    assert "¿Cambiar la cita?" in chosen.text
    done = await browser.submit(chosen, chosen.html.form("start", "csrf_token"))
    assert "La cita tiene una hora nueva." in done.text
    after = await state_of(sandbox, booking)
    assert after["start"] == times[3].partition("start=")[2].replace("%3A", ":")
    assert after["reschedule_count"] == 1
    assert "tu cita cambia" in (await messages(sandbox))[-1]["subject"]


async def test_a_time_that_somebody_took_meanwhile_brings_fresh_ones(sandbox, browser):
    booking, link = await booked(sandbox)
    page = await browser.open(f"{link}/reschedule")
    taken = next(a for a in page.html.links if "start=" in a)
    chosen = await browser.open(taken)
    start = taken.partition("start=")[2].replace("%3A", ":")
    rival = await sandbox.post(
        "/bookings",
        json={
            "service_id": await consulta(sandbox),
            "start": start,
            "attendees": [{"name": "Rival"}],
            "bypass_rules": True,
        },
    )
    assert rival.status_code == 201, rival.text
    refused = await browser.submit(chosen, chosen.html.form("start", "csrf_token"))
    assert refused.status == 409
    assert taken not in refused.html.links
    assert [a for a in refused.html.links if "start=" in a]
    assert (await state_of(sandbox, booking))["start"] == booking["start"]


async def test_trap_18_the_policy_of_the_booking_binds_the_link(sandbox, browser):
    """It holds as it was when the booking was made, to the minute."""
    await consulta(
        sandbox,
        policy={
            "free_cancel_minutes": 60,
            "reschedule_minutes": 120,
            "max_reschedules": 1,
            "reason_required": True,
        },
    )
    start = await working_day(sandbox)
    booking = await book(sandbox, start)
    link = link_in((await messages(sandbox))[-1])
    await consulta(
        sandbox,
        policy={
            "free_cancel_minutes": 10_000,
            "reschedule_minutes": 10_000,
            "max_reschedules": 0,
            "reason_required": False,
        },
    )
    page = await browser.open(f"{link}/cancel")
    form = page.html.form("reason", "csrf_token")
    refused = await browser.submit(page, form)
    assert refused.status == 422
    await wait_until(sandbox, start - timedelta(minutes=120))
    assert "Cambiar la hora" not in (await browser.open(link)).text
    assert (await browser.open(f"{link}/reschedule")).url.endswith(link)
    assert "Cancelar la cita" in (await browser.open(link)).text
    await wait_until(sandbox, start - timedelta(minutes=60))
    refused = await browser.submit(page, form, reason="Tarde")
    assert refused.status == 422
    assert (await state_of(sandbox, booking))["status"] == "confirmed"
    assert "llama a Bufete Prueba" in (await browser.open(link)).text


async def test_a_cancelled_booking_can_only_be_looked_at(sandbox, browser):
    booking, link = await booked(sandbox)
    await act(sandbox, booking, "cancel", reason="Enfermedad")
    page = await browser.open(link)
    assert "Cancelada" in page.text
    assert "Enfermedad" in page.text
    assert [form for form in page.html.forms if "/c/" in (form.action or "")] == []


async def test_it_can_be_kept_in_a_calendar(sandbox, browser, anonymous):
    booking, link = await booked(sandbox)
    answer = await anonymous.get(f"{link}/calendar.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    (event,) = IcsCalendarStream.calendar_from_ics(answer.text).events
    assert event.uid == f"{booking['id']}@testserver"
    assert event.url == f"http://testserver{link}"


async def test_forms_of_others_change_nothing(sandbox, browser):
    booking, link = await booked(sandbox)
    for what in ("confirm", "cancel", "reschedule"):
        sent = await browser.post(f"{link}/{what}", {"reason": "x", "start": "2030-01-01T10:00:00Z"})
        assert sent.status == 403
    assert await state_of(sandbox, booking) == booking


async def test_nonsense_in_the_address_is_no_fault(sandbox, browser):
    _, link = await booked(sandbox)
    for query in (
        "from=x",
        "from=9999-12-31",
        "start=x",
        "start=2026-01-01T10:00",
        "start=0001-01-01T00:00:00Z",
        "from=1999-01-01",
    ):
        page = await browser.open(f"{link}/reschedule?{query}")
        assert page.status == 200, query
    chosen = await browser.open(f"{link}/reschedule?start=2026-01-01T10:00:00Z")
    refused = await browser.submit(chosen, chosen.html.form("start", "csrf_token"))
    assert refused.status == 422
