"""Reminders: once each, moved with the booking, and none to who needs none."""

import asyncio
from datetime import timedelta

from conecta.kit import background
from tests.booking_messages.arrange import (
    ANA,
    act,
    book,
    consulta,
    day_at,
    invitation,
    link_in,
    messages,
    wait_until,
)

DAY, TWO_HOURS = timedelta(days=1), timedelta(hours=2)


async def reminded(api, to=ANA["email"]):
    return [mail for mail in await messages(api, to) if "recordatorio" in mail["subject"]]


async def test_a_day_and_two_hours_before(sandbox, reminders):
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    assert await reminders.send_due() == 0
    await wait_until(sandbox, start - DAY - timedelta(minutes=1))
    assert await reminders.send_due() == 0
    await wait_until(sandbox, start - DAY)
    assert await reminders.send_due() == 1
    await wait_until(sandbox, start - TWO_HOURS)
    assert await reminders.send_due() == 1
    await wait_until(sandbox, start)
    assert await reminders.send_due() == 0
    first, second = await reminded(sandbox)
    assert "12:00 a 12:30 (hora de Madrid)" in first["text"]
    assert link_in(first) != link_in(second)
    assert invitation(first).method == "REQUEST"


async def test_trap_20_a_reminder_goes_once_whoever_sends_it(app, sandbox, reminders):
    """Several workers at the same moment, and one that starts anew afterwards."""
    start = await day_at(sandbox, 5, 12)
    await consulta(sandbox, capacity=5)
    guests = [{"name": f"G{i}", "email": f"g{i}@example.com"} for i in range(5)]
    await book(sandbox, start, attendees=guests)
    await wait_until(sandbox, start - DAY)
    sent = await asyncio.gather(*(reminders.send_due() for _ in range(4)))
    assert sum(sent) == 5
    again = type(reminders)(app.state.database, app.state.keyring, base_url="http://testserver")
    assert await again.send_due() == 0
    for guest in guests:
        assert len(await reminded(sandbox, to=guest["email"])) == 1


async def test_one_that_cannot_be_written_keeps_no_other_waiting(sandbox, reminders, superuser):
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await book(sandbox, start + timedelta(minutes=30), attendees=[ANA | {"email": "eva@cliente.example"}])
    await wait_until(sandbox, start - DAY + timedelta(minutes=30))
    fault = "alter table messages add constraint fault check (recipient <> 'ana@cliente.example') not valid"
    superuser.execute(fault)
    try:
        assert await reminders.send_due() == 1
    finally:
        superuser.execute("alter table messages drop constraint fault")
    assert await reminders.send_due() == 0
    assert await reminded(sandbox) == []
    assert len(await reminded(sandbox, "eva@cliente.example")) == 1


async def test_trap_20_none_for_a_cancelled_booking(sandbox, reminders, superuser):
    start = await day_at(sandbox, 5, 12)
    booking = await book(sandbox, start)
    await act(sandbox, booking, "cancel")
    await wait_until(sandbox, start - TWO_HOURS)
    assert await reminders.send_due() == 0
    assert await reminded(sandbox) == []
    states = superuser.execute("select distinct state from booking_reminders").fetchall()
    assert states == [("dropped",)]


async def test_reminders_move_with_the_booking_and_come_back_with_it(sandbox, reminders):
    start = await day_at(sandbox, 5, 12)
    later = start + 2 * DAY
    booking = await book(sandbox, start)
    await act(sandbox, booking, "reschedule", start=later.isoformat(), bypass_rules=True)
    await wait_until(sandbox, start - DAY)
    assert await reminders.send_due() == 0
    await act(sandbox, booking, "reschedule", start=(start + TWO_HOURS).isoformat(), bypass_rules=True)
    await act(sandbox, booking, "reschedule", start=later.isoformat(), bypass_rules=True)
    await wait_until(sandbox, later - DAY)
    assert await reminders.send_due() == 1
    await wait_until(sandbox, later - TWO_HOURS)
    assert await reminders.send_due() == 1
    assert len(await reminded(sandbox)) == 2


async def test_who_books_within_the_window_needs_no_reminder_of_it(sandbox, reminders, superuser):
    start = await day_at(sandbox, 1, 12)
    await wait_until(sandbox, start - timedelta(hours=3))
    await book(sandbox, start)
    minutes = superuser.execute("select minutes from booking_reminders").fetchall()
    assert minutes == [(120,)]
    await wait_until(sandbox, start - TWO_HOURS)
    assert await reminders.send_due() == 1


async def test_quiet_hours_of_the_recipient(sandbox, reminders, superuser):
    start = await day_at(sandbox, 5, 9)
    await book(sandbox, start)
    due = superuser.execute("select due_at from booking_reminders where minutes = 120").fetchone()[0]
    assert due == start - timedelta(hours=1)  # 08:00, not 07:00


async def test_after_an_outage_nobody_is_reminded_twice_at_once(sandbox, reminders):
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await wait_until(sandbox, start - TWO_HOURS)
    assert await reminders.send_due() == 1
    assert len(await reminded(sandbox)) == 1


async def test_what_an_outage_has_made_late_waits_for_the_end_of_quiet_hours(sandbox, reminders):
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await wait_until(sandbox, await day_at(sandbox, 5, 3))  # the day before's has been due for 15 hours
    assert await reminders.send_due() == 0
    assert await reminded(sandbox) == []
    await wait_until(sandbox, start - timedelta(hours=3))
    assert await reminders.send_due() == 1
    assert await reminders.send_due() == 0


async def test_what_is_over_before_the_quiet_hours_are_is_not_told_in_the_night(sandbox, reminders):
    start = await day_at(sandbox, 5, 7)
    await book(sandbox, start)
    await wait_until(sandbox, start - timedelta(hours=4))
    assert await reminders.send_due() == 0
    await wait_until(sandbox, start - timedelta(minutes=1))
    assert await reminders.send_due() == 0
    assert await reminded(sandbox) == []


async def test_the_firm_says_when_and_whether_by_text_message(sandbox, reminders):
    answer = await sandbox.patch("/booking-reminders", json={"minutes_before": [60], "sms": True})
    assert answer.status_code == 200, answer.text
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await wait_until(sandbox, start - timedelta(minutes=60))
    assert await reminders.send_due() == 2
    (text,) = await messages(sandbox, ANA["phone"])
    assert text["channel"] == "sms"
    assert "te esperamos el" in text["text"]
    assert len(await reminded(sandbox)) == 1


async def test_a_firm_that_wants_none_sends_none(sandbox, reminders):
    await sandbox.patch("/booking-reminders", json={"minutes_before": []})
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await wait_until(sandbox, start - TWO_HOURS)
    assert await reminders.send_due() == 0


async def test_one_that_the_client_has_to_confirm_is_asked_for_once_more(sandbox, reminders):
    await consulta(sandbox, confirmation="client")
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await wait_until(sandbox, start - DAY)
    assert await reminders.send_due() == 1
    told = await messages(sandbox)
    assert ["confirma tu cita" in mail["subject"] for mail in told] == [True, True]


async def test_the_clock_of_one_firm_is_not_that_of_another(sandbox, api, reminders):
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await book(api, start, attendees=[ANA | {"email": "viva@cliente.example"}])
    await wait_until(sandbox, start - DAY)
    assert await reminders.send_due() == 1
    assert await reminded(api, to="viva@cliente.example") == []


async def test_trap_20_once_after_a_worker_restart(app, sandbox, reminders):
    start = await day_at(sandbox, 5, 12)
    await book(sandbox, start)
    await wait_until(sandbox, start - DAY)
    for _ in range(2):
        running = asyncio.create_task(reminders.run())

        async def is_reminded():
            return len(await reminded(sandbox)) == 1

        deadline = asyncio.get_running_loop().time() + 20
        while not await is_reminded():
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.02)
        await background.stop(running)
    assert await reminders.send_due() == 0
    assert len(await reminded(sandbox)) == 1
