"""One booking in the panel: its facts and history, and what may be done with it, now and no later."""

import asyncio
import re

import pytest

from conecta.availability.holidays.models import KINDS as HOLIDAY_KINDS
from conecta.availability.time_off.models import KINDS as TIME_OFF_KINDS
from conecta.bookings import rules
from conecta.pages.panel import booking_words as words
from tests.bookings.arrange import booked, new_client, new_member, new_service, open_day, started
from tests.firms import make_firm
from tests.pages.conftest import Browser, forms_of, new_browser, sign_in
from tests.pages.test_doors import member

BUTTONS = {
    "Confirmar": "/confirm",
    "Se celebró": "/complete",
    "No se presentó": "/no-show",
    "Cambiar la hora": "/move",
    "Cancelar la cita": "/cancel",
}


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def service(api):
    return await new_service(api, confirmation="firm", price={"amount": 6000, "currency": "EUR"})


@pytest.fixture
async def pending(api, day, service, firm):
    """A booking at ten that waits for the firm, as one of the website's visitors would have made it."""
    ana = await new_client(api, "Ana Gil", email="ana@cliente.example", phone="+34600111222")
    return await booked(
        api,
        service_id=service,
        start=day.at(10),
        client_id=ana,
        provider_id=firm.owner_id,
        notes="Trae <b>el</b> contrato",
        time_zone="America/Bogota",
    )


@pytest.fixture
async def waiting(api, pending, superuser):
    superuser.execute("update bookings set status = 'pending' where id = %s", [pending["id"]])
    return f"/panel/bookings/{pending['id']}"


def words_of(page) -> str:
    main = page.text[page.text.index("<main") : page.text.index("</main>")]
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", main, flags=re.DOTALL).split())


def offered(page, path: str) -> set[str]:
    return {end for end in BUTTONS.values() if f'"{path}{end}"' in page.text}


async def status_of(api, path: str) -> str:
    return (await api.get(f"/bookings/{path.rpartition('/')[2]}")).json()["status"]


async def test_it_says_everything_about_a_booking(owner, waiting, pending):
    page = await owner.get(waiting)
    assert page.status_code == 200
    shown = words_of(page)
    for said in (
        "Primera consulta", "Sin confirmar", "10:00–11:00", "Núria Íñiguez", "En el despacho", "60,00",
        "Trae &lt;b&gt;el&lt;/b&gt; contrato", "Ana Gil", "Bogotá", "Reservada", pending["id"],
    ):  # fmt: skip
        assert said in shown, said
    assert 'href="tel:+34600111222"' in page.text
    assert 'href="mailto:ana@cliente.example"' in page.text
    assert offered(page, waiting) == {"/confirm", "/move", "/cancel"}


async def test_the_firm_confirms(owner, api, waiting, firm):
    answer = await owner.send(waiting, action=f"{waiting}/confirm")
    assert (answer.status_code, answer.headers["location"]) == (303, waiting)
    page = await owner.get(waiting)
    assert "La cita está confirmada." in page.text
    assert offered(page, waiting) == {"/move", "/cancel"}
    assert await status_of(api, waiting) == "confirmed"
    newest = (await api.get(f"/bookings/{waiting[16:]}/history", params={"sort": "-at"})).json()["data"][0]
    assert (newest["actor_type"], newest["actor_id"]) == ("user", firm.owner_id)


async def test_it_is_cancelled_once_asked_with_a_reason(owner, api, waiting):
    asked = await owner.get(f"{waiting}/cancel")
    assert await status_of(api, waiting) == "pending"
    answer = await owner.send_from(asked, {"reason": "Juicio ese día"}, action=f"{waiting}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, waiting)
    page = await owner.get(waiting)
    assert "La cita está cancelada." in page.text
    assert "«Juicio ese día»" in words_of(page)
    assert offered(page, waiting) == set()
    booking = (await api.get(f"/bookings/{waiting[16:]}")).json()
    assert (booking["status"], booking["status_reason"]) == ("cancelled", "Juicio ese día")
    for gone in ("cancel", "move"):
        assert (await owner.get(f"{waiting}/{gone}")).headers["location"] == waiting


@pytest.mark.parametrize(("ticked", "told"), [(True, 1), (False, 0)])
async def test_who_was_to_come_is_told_unless_the_box_is_empty(owner, api, waiting, ticked, told):
    async def mails():
        return len((await api.get("/messages", params={"to": "ana@cliente.example"})).json()["data"])

    before = await mails()
    page = await owner.get(f"{waiting}/cancel")
    form = next(form for form in forms_of(page.text) if form.action == f"{waiting}/cancel")
    assert form.values["notify"] == "yes"
    values = form.values if ticked else {**form.values, "notify": ""}
    assert (await owner.post(f"{waiting}/cancel", values)).status_code == 303
    assert await mails() - before == told


async def test_a_reason_that_is_too_long_is_refused_at_its_field(owner, api, waiting):
    answer = await owner.send(f"{waiting}/cancel", {"reason": "x" * 1001}, action=f"{waiting}/cancel")
    assert answer.status_code == 422
    assert 'id="e-reason"' in answer.text
    assert await status_of(api, waiting) == "pending"


async def test_what_became_of_it_is_noted_once_it_has_begun(owner, api, waiting, superuser):
    assert (await api.post(f"/bookings/{waiting[16:]}/confirm")).status_code == 200
    page = await owner.get(waiting)
    early = {"csrf_token": forms_of(page.text)[0].values["csrf_token"]}
    early["version"] = re.search(r'"v(\d+)"', (await api.get(f"/bookings/{waiting[16:]}")).headers["etag"])[1]
    answer = await owner.post(f"{waiting}/complete", early)
    assert answer.headers["location"] == waiting
    assert "Empieza el" in (await owner.get(waiting)).text
    assert await status_of(api, waiting) == "confirmed"
    await started(superuser, waiting[16:])
    assert offered(await owner.get(waiting), waiting) == {"/complete", "/no-show", "/move", "/cancel"}
    await owner.send(waiting, action=f"{waiting}/complete")
    page = await owner.get(waiting)
    assert "La cita consta como celebrada." in page.text
    assert offered(page, waiting) == {"/no-show"}
    await owner.send(waiting, action=f"{waiting}/no-show")
    assert offered(await owner.get(waiting), waiting) == {"/complete"}
    assert await status_of(api, waiting) == "no_show"


async def test_it_moves_to_a_time_of_the_list(owner, api, waiting, day):
    page = await owner.get(f"{waiting}/move?from={day.date}")
    assert page.status_code == 200
    address = f"{waiting}/move?start={day.at(12, 30)}"
    assert f'href="{address}"' in page.text
    assert f"start={day.at(10)}" not in page.text, "its own time is no other time"
    asked = await owner.get(address)
    assert "12:30–13:30" in words_of(asked)
    assert (await api.get(f"/bookings/{waiting[16:]}")).json()["start"] == day.at(10)
    answer = await owner.send_from(asked, {"reason": "Juicio"}, action=f"{waiting}/move")
    assert (answer.status_code, answer.headers["location"]) == (303, waiting)
    shown = words_of(await owner.get(waiting))
    assert "La cita tiene una hora nueva." in shown
    assert "12:30–13:30" in shown
    assert "Antes era el" in shown
    assert (await api.get(f"/bookings/{waiting[16:]}")).json()["start"] == day.at(12, 30)


async def test_a_time_that_is_gone_is_answered_with_the_next_free_ones(
    owner, api, waiting, day, service, firm
):
    asked = await owner.get(f"{waiting}/move?start={day.at(12)}")
    await booked(api, service_id=service, start=day.at(12), provider_id=firm.owner_id)
    answer = await owner.send_from(asked, action=f"{waiting}/move")
    assert answer.status_code == 409
    shown = words_of(answer)
    assert "Esa hora ya está ocupada" in shown
    assert "next_slots" not in shown
    others = re.findall(r'<ul class="others">(.*?)</ul>', answer.text, re.DOTALL)[0]
    assert re.findall(r"start=([\w:-]+)", others) == [day.at(13), day.at(13, 30), day.at(14)]
    assert (await api.get(f"/bookings/{waiting[16:]}")).json()["start"] == day.at(10)
    moved = await owner.send(f"{waiting}/move?start={day.at(13)}", action=f"{waiting}/move")
    assert moved.status_code == 303


async def test_a_time_that_is_not_offered_says_why(owner, api, waiting, day):
    asked = await owner.get(f"{waiting}/move?start={day.at(12)}")
    answer = await owner.send_from(asked, {"start": day.at(12, 10)}, action=f"{waiting}/move")
    assert answer.status_code == 422
    assert "Las citas no empiezan a esa hora" in words_of(answer)
    for odd in ("", "x", "2026-01-01", "9999-12-31T00:00:00Z"):
        assert (await owner.get(f"{waiting}/move?start={odd}&from={odd}")).status_code == 200
    assert (await api.get(f"/bookings/{waiting[16:]}")).json()["start"] == day.at(10)


async def test_a_free_appointment_moves_within_its_members_free_time(owner, api, day, firm):
    own = await booked(api, start=day.at(10), duration=45, service="Firma", provider_id=firm.owner_id)
    path = f"/panel/bookings/{own['id']}"
    page = await owner.get(f"{path}/move?from={day.date}")
    assert page.status_code == 200
    start = re.search(rf'href="{path}/move\?start=([^"]+)"', page.text)[1]
    answer = await owner.send(f"{path}/move?start={start}", action=f"{path}/move")
    assert answer.headers["location"] == path
    assert (await api.get(f"/bookings/{own['id']}")).json()["start"] == start


async def test_who_saw_an_older_booking_does_nothing(owner, api, waiting, day):
    """Two members at once: the second is shown what the first did, and decides anew."""
    seen = await owner.get(waiting)
    asked = await owner.get(f"{waiting}/cancel")
    moving = await owner.get(f"{waiting}/move?start={day.at(12)}")
    await api.post(f"/bookings/{waiting[16:]}/reschedule", json={"start": day.at(15)})
    for page, action in ((seen, "confirm"), (asked, "cancel"), (moving, "move")):
        answer = await owner.send_from(page, action=f"{waiting}/{action}")
        assert (answer.status_code, answer.headers["location"]) == (303, waiting), action
        assert "ha cambiado mientras la mirabas" in (await owner.get(waiting)).text, action
    booking = (await api.get(f"/bookings/{waiting[16:]}")).json()
    assert (booking["status"], booking["start"]) == ("pending", day.at(15))


async def test_a_form_sent_five_times_at_once_confirms_once(owner, api, waiting):
    page = await owner.get(waiting)
    answers = await asyncio.gather(*(owner.send_from(page, action=f"{waiting}/confirm") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    found = (await api.get(f"/bookings/{waiting[16:]}/history")).json()["data"]
    assert [line["action"] for line in found] == ["created", "confirmed"]


async def test_its_service_may_be_gone(owner, api, waiting, service, day):
    assert (await api.patch(f"/booking-services/{service}", json={"active": False})).status_code == 200
    page = await owner.get(f"{waiting}/move?from={day.date}")
    assert page.status_code == 200
    assert f"{waiting}/move?start={day.at(12)}" in page.text


async def test_a_colleague_takes_over_at_the_same_time(owner, api, day, service, firm):
    """Berta has left: nothing is free with her any more, and somebody else gives her bookings."""
    berta = await new_member(api, "Berta")
    ana = await new_client(api, "Ana Gil")
    hers = await booked(api, service_id=service, start=day.at(10), client_id=ana, provider_id=berta)
    path = f"/panel/bookings/{hers['id']}"
    assert (await api.patch(f"/users/{berta}", json={"active": False})).status_code == 200
    page = await owner.get(f"{path}/move")
    assert page.status_code == 409
    assert "ya no atiende citas" in page.text
    assert "?start=" not in page.text
    address = f"{path}/move?start={day.at(10)}&amp;member={firm.owner_id}"
    listed = await owner.get(f"{path}/move?member={firm.owner_id}&from={day.date}")
    assert address in listed.text
    asked = await owner.get(address.replace("&amp;", "&"))
    assert "Núria Íñiguez" in words_of(asked)
    assert (await owner.send_from(asked, action=f"{path}/move")).headers["location"] == path
    booking = (await api.get(f"/bookings/{hers['id']}")).json()
    assert (booking["start"], booking["provider_ids"]) == (day.at(10), [firm.owner_id])


@pytest.mark.parametrize("role", ["provider", "assistant"])
async def test_whoever_works_in_the_firm_may_do_it(app, api, firm, waiting, role):
    user_id = await member(app, firm.id, role)
    async with new_browser(app, await sign_in(app, firm.id, user_id)) as client:
        answer = await Browser(client).send(waiting, action=f"{waiting}/confirm")
    assert answer.status_code == 303
    assert await status_of(api, waiting) == "confirmed"


async def test_another_firms_booking_does_not_exist(app, api, waiting):
    other = await make_firm(app, name="Otra Firma")
    async with new_browser(app, await sign_in(app, other.id, other.owner_id)) as client:
        stranger = Browser(client)
        token = forms_of((await stranger.get("/panel")).text)[0].values["csrf_token"]
        for path in ("", "/cancel", "/move"):
            assert (await stranger.get(f"{waiting}{path}")).status_code == 404, path
        for path in BUTTONS.values():
            values = {"csrf_token": token, "version": "1", "start": "2027-01-01T10:00:00Z"}
            assert (await stranger.post(f"{waiting}{path}", values)).status_code == 404, path
    assert await status_of(api, waiting) == "pending"


async def test_a_form_from_elsewhere_changes_nothing(owner, api, waiting):
    for path in BUTTONS.values():
        answer = await owner.post(f"{waiting}{path}", {"csrf_token": "x", "version": "1"})
        assert answer.status_code == 403, path
    assert await status_of(api, waiting) == "pending"


def test_there_are_words_for_everything_that_a_booking_may_be():
    assert set(words.BOOKING_STATUS) == set(rules.STATUSES)
    assert set(words.LOCATIONS) == set(rules.LOCATION_KINDS)
    assert {"automatic", *words.CONFIRMATIONS} == set(rules.CONFIRMATIONS)
    assert set(words.SOURCES) == set(rules.SOURCES)
    assert {"invited", *words.ATTENDANCE} == set(rules.ATTENDEE_STATUSES)
    assert set(words.ACTIONS) == set(rules.ACTIONS)
    assert set(words.ACTORS) == set(rules.ACTOR_TYPES)
    assert set(words.TIME_OFF) == set(TIME_OFF_KINDS)
    assert set(words.HOLIDAYS) == set(HOLIDAY_KINDS)
