"""Whoever comes to a booking is told of each change, in their language and on their clock."""

import base64
from datetime import timedelta

from ical.calendar_stream import IcsCalendarStream

from tests.booking_messages.arrange import (
    ANA,
    HOST,
    MADRID,
    act,
    book,
    consulta,
    day_at,
    invitation,
    link_in,
    messages,
    now,
)


async def test_trap_17_one_uid_and_a_growing_sequence_from_booking_to_cancellation(sandbox):
    start = await day_at(sandbox, 5, 10)
    booking = await book(sandbox, start)
    moved = await act(
        sandbox, booking, "reschedule", start=(start + timedelta(hours=2)).isoformat(), bypass_rules=True
    )
    await act(sandbox, booking, "cancel", reason="Viaje; vuelve en enero, quizá")
    told = await messages(sandbox)
    calendars = [invitation(mail) for mail in told]
    events = [calendar.events[0] for calendar in calendars]
    assert [calendar.method for calendar in calendars] == ["REQUEST", "REQUEST", "CANCEL"]
    assert {event.uid for event in events} == {f"{booking['id']}@testserver"}
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert sequences[0] == 0
    assert [event.status for event in events] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [event.dtstart for event in events] == [
        start,
        start + timedelta(hours=2),
        start + timedelta(hours=2),
    ]
    assert events[1].dtend.isoformat().replace("+00:00", "Z") == moved["end"]
    assert [[guest.uri for guest in event.attendees] for event in events] == [
        ["mailto:ana@cliente.example"]
    ] * 3
    assert "Viaje; vuelve en enero, quizá" in told[2]["text"]


async def test_trap_17_commas_and_folds_in_the_mail_and_in_the_feed(sandbox, anonymous):
    """Lines are cut at 75 octets and between letters, and commas and semicolons stay what they are."""
    name = "Herencias, donaciones; y más " + "ñ" * 40 + "😀" * 20
    await consulta(sandbox, name=name)
    await book(sandbox, await day_at(sandbox, 5, 10), attendees=[ANA | {"name": "Gil, Ana"}])
    (mail,) = await messages(sandbox)
    made = await sandbox.post("/calendar-feeds", json={"name": "Despacho, todo", "privacy": "full"})
    assert made.status_code == 201, made.text
    feed = await anonymous.get(made.json()["url"].removeprefix("http://testserver"))
    for content in (base64.b64decode(mail["attachments"][0]["content"]), feed.content):
        lines = content.split(b"\r\n")
        assert b"\n" not in b"".join(lines)
        assert max(len(line) for line in lines) <= 75
        assert sum(line.startswith(b" ") for line in lines) >= 2
        assert [line.decode() for line in lines]  # a fold inside a letter could not be decoded
    (event,) = invitation(mail).events
    (listed,) = IcsCalendarStream.calendar_from_ics(feed.text).events
    assert event.summary.startswith(name)
    assert name in listed.summary
    assert [guest.common_name for guest in event.attendees] == ["Gil, Ana"]


async def test_a_confirmation_says_what_when_where_and_with_whom(sandbox):
    start = await day_at(sandbox, 5, 10)
    await book(sandbox, start, location={"kind": "video", "detail": "https://sala.example/7"})
    (mail,) = await messages(sandbox)
    day = start.astimezone(MADRID)
    assert mail["subject"].startswith("Bufete Prueba (pruebas): cita confirmada")
    assert "Hola, Ana Gil:" in mail["text"]
    assert "Qué: Consulta" in mail["text"]
    assert f" de {day.year}, de 10:00 a 10:30 (hora de Madrid)" in mail["text"]
    assert "Dónde: Por videollamada: https://sala.example/7" in mail["text"]
    assert "Con: Núria Íñiguez" in mail["text"]
    assert mail["link"].startswith("http://testserver/c/")


async def test_everybody_is_told_in_their_language_and_on_their_clock(sandbox):
    await consulta(sandbox, capacity=3)
    start = await day_at(sandbox, 5, 16)
    kiri = {"name": "Kiri", "email": "kiri@example.com", "language": "en", "time_zone": "Pacific/Auckland"}
    await book(sandbox, start, attendees=[ANA, kiri])
    (hers,) = await messages(sandbox, "kiri@example.com")
    (ours,) = await messages(sandbox)
    assert "Hello Kiri," in hers["text"]
    assert "(Auckland time)" in hers["text"]
    assert "16:00 a 16:30 (hora de Madrid)" in ours["text"]
    assert invitation(hers).events[0].dtstart == invitation(ours).events[0].dtstart == start
    # Nobody learns from a calendar who else comes, or gets another's link.
    assert [guest.uri for guest in invitation(hers).events[0].attendees] == ["mailto:kiri@example.com"]
    assert "Ana" not in hers["text"]
    assert link_in(hers) != link_in(ours)


async def test_who_has_only_a_phone_gets_a_text_message(sandbox):
    start = await day_at(sandbox, 5, 10)
    booking = await book(sandbox, start, attendees=[{"name": "Eva", "phone": "+34600999888"}])
    await act(sandbox, booking, "cancel")
    booked, cancelled = await messages(sandbox, "+34600999888")
    assert (booked["channel"], booked["subject"]) == ("sms", None)
    assert "cita confirmada" in booked["text"]
    assert link_in(booked).startswith("/c/")
    assert len(booked["text"]) <= 160
    assert "cita cancelada" in cancelled["text"]
    assert "/c/" not in cancelled["text"]


async def test_a_number_that_nobody_can_dial_is_left_alone(sandbox):
    await book(sandbox, await day_at(sandbox, 5, 10), attendees=[{"name": "Eva", "phone": "extensión 12"}])
    assert [row["to"] for row in await messages(sandbox, None)] == [HOST]


async def test_a_booking_that_the_client_confirms_asks_for_it(sandbox):
    await consulta(sandbox, confirmation="client")
    booking = await book(sandbox, await day_at(sandbox, 5, 10))
    assert booking["status"] == "pending"
    await act(sandbox, booking, "confirm")
    asked, confirmed = await messages(sandbox)
    assert "confirma tu cita" in asked["subject"]
    assert "Confirmar la cita:" in asked["text"]
    assert "cita confirmada" in confirmed["subject"]
    assert [invitation(mail).events[0].status for mail in (asked, confirmed)] == ["TENTATIVE", "CONFIRMED"]
    assert invitation(asked).events[0].sequence < invitation(confirmed).events[0].sequence


async def test_hosts_are_told_on_the_firms_clock_without_a_link(sandbox):
    booking = await book(
        sandbox, await day_at(sandbox, 5, 10), attendees=[ANA | {"time_zone": "Asia/Kathmandu"}]
    )
    await act(sandbox, booking, "cancel")
    booked, cancelled = await messages(sandbox, HOST)
    assert booked["subject"].startswith("Cita nueva: Ana Gil, ")
    assert "10:00 a 10:30 (hora de Madrid)" in booked["text"]
    assert cancelled["subject"].startswith("Cita cancelada: Ana Gil, ")
    assert booked["link"] is None
    assert "/c/" not in booked["text"]


async def test_nobody_is_told_what_the_firm_keeps_to_itself(sandbox):
    booking = await book(sandbox, await day_at(sandbox, 5, 10), notify=False)
    await act(sandbox, booking, "cancel", notify=False)
    assert await messages(sandbox, None) == []


async def test_what_is_over_is_told_to_nobody(sandbox):
    await book(sandbox, await now(sandbox) - timedelta(days=3))
    assert await messages(sandbox, None) == []


async def test_nobody_is_told_of_what_did_not_happen(sandbox):
    start = await day_at(sandbox, 5, 10)
    await book(sandbox, start)
    before = await messages(sandbox, None)
    refused = await sandbox.post(
        "/bookings",
        json={
            "service_id": await consulta(sandbox),
            "start": start.isoformat(),
            "attendees": [ANA],
            "bypass_rules": True,
        },
    )
    assert refused.status_code == 409, refused.text
    assert await messages(sandbox, None) == before


async def test_braces_and_lines_in_a_name_stay_what_they_are(sandbox):
    name = "Ana {when} {0}\r\nBcc: x@example.com"
    await sandbox.patch("/tenant", json={"name": "Bufete {who} <b>"})
    await book(sandbox, await day_at(sandbox, 5, 10), attendees=[{"name": name, "email": ANA["email"]}])
    (mail,) = await messages(sandbox)
    assert mail["subject"].startswith("Bufete {who} <b>: cita confirmada")
    assert "Hola, Ana {when} {0}" in mail["text"]
    assert "&lt;b&gt;" in mail["html"]
    (event,) = invitation(mail).events
    assert event.summary == "Consulta · Bufete {who} <b>"
