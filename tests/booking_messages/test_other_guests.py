"""Several come to a booking: whom it was made for decides for all, the others for themselves."""

from datetime import datetime, timedelta

from tests.booking_messages.arrange import ANA, HOST, act, book, consulta, link_in, messages, wait_until
from tests.booking_messages.test_link_pages import state_of, working_day

BEN = {"name": "Ben Otro", "email": "ben@cliente.example"}


async def invited(api, **wanted):
    """Book a time for Ana and Ben; return it with the link of each."""
    booking = await book(api, await working_day(api), attendees=[ANA, BEN], **wanted)
    links = [link_in((await messages(api, to=who["email"]))[-1]) for who in (ANA, BEN)]
    return booking, *links


async def statuses(api, booking):
    return [guest["status"] for guest in (await state_of(api, booking))["attendees"]]


async def answered(browser, link, comes):
    page = await browser.open(link)
    (form,) = [form for form in page.html.forms if form.action == f"{link}/attendance"]
    return await browser.submit(page, form, button=("comes", comes))


async def test_another_guest_changes_nothing_of_the_booking(sandbox, browser):
    await consulta(sandbox, confirmation="client")
    booking, hers, his = await invited(sandbox)
    page = await browser.open(his)
    for words in ("Cambiar la hora", "Cancelar la cita", "Confirmar mi cita"):
        assert words not in page.text
    assert "habla con quien la pidió o con Bufete Prueba" in page.text
    for what in ("cancel", "reschedule"):
        assert (await browser.open(f"{his}/{what}")).url.endswith(his)
    form = (await browser.open(f"{hers}/cancel")).html.form("reason", "csrf_token")
    for what in ("confirm", "cancel", "reschedule"):
        form.action = f"{his}/{what}"
        refused = await browser.submit(page, form, reason="No")
        assert refused.status == 403
        assert "Eso lo decide quien pidió la cita" in refused.text
    after = await state_of(sandbox, booking)
    assert after == booking


async def test_who_cannot_come_says_so_and_comes_after_all(sandbox, browser):
    booking, _, his = await invited(sandbox)
    seen = await answered(browser, his, "no")
    assert "Les hemos dicho que no vienes." in seen.text
    assert await statuses(sandbox, booking) == ["invited", "declined"]
    after = await state_of(sandbox, booking)
    assert (after["status"], after["start"]) == (booking["status"], booking["start"])
    (line,) = [
        line
        for line in (await sandbox.get(f"/bookings/{booking['id']}/history")).json()["data"]
        if line["action"] == "updated"
    ]
    ben = after["attendees"][1]["id"]
    assert (line["actor_type"], line["data"]) == (
        "link",
        {"attendee_id": ben, "attendee_status": "declined"},
    )
    assert (await messages(sandbox, to=HOST))[-1]["subject"].startswith("Ben Otro no vendrá: ")
    seen = await answered(browser, his, "yes")
    assert "Has dicho que vienes." in seen.text
    assert await statuses(sandbox, booking) == ["invited", "confirmed"]
    told = len(await messages(sandbox, to=HOST))
    again = await browser.open(his)
    (form,) = [form for form in again.html.forms if form.action == f"{his}/attendance"]
    await browser.submit(again, form, button=("comes", "yes"))
    assert len(await messages(sandbox, to=HOST)) == told


async def test_who_does_not_come_is_not_reminded_and_not_called_absent(sandbox, browser, reminders):
    booking, _, his = await invited(sandbox)
    await answered(browser, his, "no")
    start = datetime.fromisoformat(booking["start"])
    before = {who["email"]: len(await messages(sandbox, to=who["email"])) for who in (ANA, BEN)}
    await wait_until(sandbox, start - timedelta(hours=2))
    await reminders.send_due()
    assert len(await messages(sandbox, to=BEN["email"])) == before[BEN["email"]]
    assert len(await messages(sandbox)) > before[ANA["email"]]
    await wait_until(sandbox, start + timedelta(hours=2))
    await act(sandbox, booking, "no-show")
    assert await statuses(sandbox, booking) == ["no_show", "declined"]


async def test_another_time_is_told_to_whom_could_not_come(sandbox, browser):
    booking, _, his = await invited(sandbox)
    await answered(browser, his, "no")
    told = len(await messages(sandbox, to=BEN["email"]))
    later = await working_day(sandbox, after=8)
    await act(sandbox, booking, "reschedule", start=later.isoformat(), bypass_rules=True)
    assert len(await messages(sandbox, to=BEN["email"])) == told + 1
    await act(sandbox, booking, "cancel")
    assert len(await messages(sandbox, to=BEN["email"])) == told + 1


async def test_an_answer_that_does_not_say_whether_is_none(sandbox, browser):
    booking, _, his = await invited(sandbox)
    page = await browser.open(his)
    (form,) = [form for form in page.html.forms if form.action == f"{his}/attendance"]
    assert (await browser.submit(page, form)).status == 422
    assert (await browser.submit(page, form, button=("comes", "perhaps"))).status == 422
    assert await statuses(sandbox, booking) == ["invited", "invited"]


async def test_whom_it_was_made_for_cannot_stay_away_alone(sandbox, browser):
    booking, hers, his = await invited(sandbox)
    page = await browser.open(his)
    (form,) = [form for form in page.html.forms if form.action == f"{his}/attendance"]
    form.action = f"{hers}/attendance"
    assert (await browser.submit(page, form, button=("comes", "no"))).status == 403
    assert await statuses(sandbox, booking) == ["invited", "invited"]
    await act(sandbox, booking, "cancel")
    form.action = f"{his}/attendance"
    assert (await browser.submit(page, form, button=("comes", "no"))).status == 409
    assert "/attendance" not in (await browser.open(his)).source


async def test_each_is_written_what_they_can_do(sandbox):
    await consulta(sandbox, confirmation="client")
    await invited(sandbox)
    hers, his = [(await messages(sandbox, to=who["email"]))[-1] for who in (ANA, BEN)]
    assert "confirma tu cita" in hers["subject"]
    assert "cita por confirmar" in his["subject"]
    assert "Confirmar la cita" not in his["text"]
    assert "Ver la cita y decir si vienes" in his["text"]
    assert "quien lo tenga puede cambiar la cita" not in his["text"]


async def test_nobody_floods_the_hosts_by_changing_their_mind(sandbox, browser, superuser):
    booking, _, his = await invited(sandbox)
    page = await browser.open(his)
    (form,) = [form for form in page.html.forms if form.action == f"{his}/attendance"]
    told = len(await messages(sandbox, to=HOST))
    assert (await browser.submit(page, form, button=("comes", "no"))).status == 200
    superuser.execute("update rate_windows set day_used = 30 where subject like 'booking-link:%%'")
    assert (await browser.submit(page, form, button=("comes", "yes"))).status == 429
    assert len(await messages(sandbox, to=HOST)) == told + 1
    assert (await statuses(sandbox, booking))[1] == "declined"
