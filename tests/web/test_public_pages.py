"""The public page: anybody sees what can be booked, books it, or asks the firm something."""

import re
from html import unescape

import pytest

from tests.pages.conftest import forms_of
from tests.web.visiting import ORIGIN, publishable_key, solve

GUEST = {"name": "Ana Gil", "email": "ana@cliente.example"}


def worked(html: str, **values: str) -> dict[str, str]:
    """Return the page's form filled in, its work done as the script does it."""
    (form,) = [form for form in forms_of(html) if "challenge" in form.values]
    challenge = form.values["challenge"]
    bits = int(re.search(r'data-proof="(\d+)"', html)[1])
    return {**form.values, "solution": solve(challenge, bits), **values}


async def first_time(people, page: str, service: str = "consulta") -> str:
    """Return the address of the first free time."""
    answer = await people.get(f"{page}/{service}")
    assert answer.status_code == 200, answer.text
    return unescape(re.search(r'href="([^"]+start=[^"]+)"', answer.text)[1])


async def book(people, page: str, **values: str):
    at = await first_time(people, page)
    form = await people.get(at)
    return await people.post(at.partition("?")[0], data=worked(form.text, **{**GUEST, **values}))


async def test_page_shows_the_firm_and_its_services(people, page):
    answer = await people.get(page)
    assert answer.status_code == 200
    assert "Bufete Prueba" in answer.text
    assert "Familia &amp; herencias." in answer.text
    assert f'href="{page}/consulta"' in answer.text
    assert "30 min / 1 h" in answer.text
    assert "noindex" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/b/nadie", "/b/BUFETE", "/b/bufete/nada", "/b/bufete/done/x", "/b/bufete/done/ñ"]
)
async def test_what_is_not_there_is_a_404_page(people, page, path):
    answer = await people.get(path)
    assert answer.status_code == 404
    assert "<html" in answer.text


async def test_a_closed_page_is_not_there(api, people, page):
    await api.put("/public-site", json={"slug": "bufete", "active": False})
    assert (await people.get(page)).status_code == 404
    assert (await people.get(f"{page}/contact")).status_code == 404


async def test_what_is_not_public_is_not_shown(api, people, page):
    (service,) = (await api.get("/booking-services")).json()["data"]
    await api.patch(f"/booking-services/{service['id']}", json={"public": False})
    assert f"{page}/consulta" not in (await people.get(page)).text
    assert (await people.get(f"{page}/consulta")).status_code == 404


async def test_a_visitor_books(api, people, page):
    answer = await book(people, page, phone="600111222", notes="Traigo el testamento.")
    assert answer.status_code == 303, answer.text
    done = await people.get(answer.headers["location"])
    assert done.status_code == 200
    assert "¡Reservada, Ana!" in done.text
    (made,) = (await api.get("/bookings")).json()["data"]
    assert (made["status"], made["source"], made["notes"]) == ("confirmed", "web", "Traigo el testamento.")
    client = (await api.get(f"/clients/{made['client_id']}")).json()
    assert [client[name] for name in ("name", "email", "phone")] == [
        "Ana Gil",
        GUEST["email"],
        "+34600111222",
    ]
    assert [guest["email"] for guest in made["attendees"]] == [GUEST["email"]]
    mails = (await api.get("/messages", params={"to": GUEST["email"]})).json()["data"]
    assert len(mails) == 1


async def test_pressing_twice_books_once_and_shows_the_same(api, people, page):
    at = await first_time(people, page)
    values = worked((await people.get(at)).text, **GUEST)
    path = at.partition("?")[0]
    first, second = await people.post(path, data=values), await people.post(path, data=values)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert len((await api.get("/bookings")).json()["data"]) == 1


async def test_whoever_is_a_client_already_stays_one_and_is_not_renamed(api, people, page):
    client = (await api.post("/clients", json={"name": "Ana Gil Mas", "email": "ANA@cliente.example"})).json()
    assert (await book(people, page, name="Otra Persona")).status_code == 303
    (made,) = (await api.get("/bookings")).json()["data"]
    assert made["client_id"] == client["id"]
    assert (await api.get(f"/clients/{client['id']}")).json() == client


async def test_a_time_that_is_gone_is_answered_with_the_next_ones(api, people, page, app):
    at = await first_time(people, page)
    late = worked((await people.get(at)).text, **GUEST)
    assert (await book(people, page)).status_code == 303
    answer = await people.post(at.partition("?")[0], data={**late, "email": "ben@cliente.example"})
    assert answer.status_code == 409
    assert "Estas horas sí están libres" in answer.text
    assert "Alguien acaba de reservar esa hora." in answer.text
    assert "next_slots" not in answer.text
    others = re.findall(r'class="button secondary" href="([^"]+start=[^"]+)"', answer.text)
    assert len(others) == 3
    assert (await people.get(unescape(others[0]))).status_code == 200
    assert len((await api.get("/bookings")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [({"name": ""}, "name"), ({"email": "no"}, "email"), ({"phone": "12"}, "phone")],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_booked(api, people, page, values, field):
    answer = await book(people, page, **values)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert (await api.get("/bookings")).json()["data"] == []
    assert (await api.get("/clients")).json()["data"] == []


async def test_a_forged_proof_books_nothing(api, people, page):
    answer = await book(people, page, solution="1")
    assert answer.status_code == 422
    assert (await api.get("/bookings")).json()["data"] == []


async def test_the_hidden_field_books_nothing(api, people, page):
    answer = await book(people, page, website="https://spam.example")
    assert answer.status_code == 422
    assert (await api.get("/bookings")).json()["data"] == []


async def test_without_scripts_somebody_may_book_now_and_then(api, people, page):
    assert (await book(people, page, solution="")).status_code == 303
    again = await book(people, page, solution="", email="ben@cliente.example")
    assert again.status_code == 422
    assert len((await api.get("/bookings")).json()["data"]) == 1


async def test_times_are_shown_on_the_visitors_clock(people, page):
    here = await people.get(f"{page}/consulta")
    there = await people.get(f"{page}/consulta", params={"tz": "America/Bogota"})
    start = re.compile(r'start=([^"&]+)[^"]*">(\d\d:\d\d)<')
    shown_here, shown_there = start.search(here.text), start.search(there.text)
    assert shown_here[1] == shown_there[1]
    assert shown_here[2] != shown_there[2]
    assert "tz=America%2FBogota" in there.text
    assert (await people.get(f"{page}/consulta", params={"tz": "Mars/Base"})).status_code == 200


async def test_a_confirmed_booking_is_shown_only_by_our_own_link(people, page):
    answer = await book(people, page)
    location = answer.headers["location"]
    assert (await people.get(location[:-3] + "AAA")).status_code == 404


async def test_a_visitor_asks_by_the_contact_form(api, people, page):
    form = await people.get(f"{page}/contact")
    values = worked(form.text, **GUEST, subject="Herencia", message="¿Cuánto tarda?")
    answer = await people.post(f"{page}/contact", data=values)
    assert answer.status_code == 303
    assert "te responderá" in (await people.get(answer.headers["location"])).text
    (found,) = (await api.get("/inquiries")).json()["data"]
    assert (found["source"], found["subject"], found["message"]) == ("page", "Herencia", "¿Cuánto tarda?")
    assert len((await api.get("/events", params={"type": "inquiry.received"})).json()["data"]) == 1


async def test_a_question_without_an_answerable_author_is_refused(api, people, page):
    form = await people.get(f"{page}/contact")
    answer = await people.post(f"{page}/contact", data=worked(form.text, name="Ana", email="", message="¿?"))
    assert answer.status_code == 422
    assert "Falta un correo o un teléfono." in answer.text
    assert (await api.get("/inquiries")).json()["data"] == []


async def test_the_privacy_notice_is_accepted_first(api, people, page):
    await api.put("/public-site", json={"slug": "bufete", "privacy_url": "https://bufete.example/p"})
    refused = await book(people, page)
    assert refused.status_code == 422
    assert "privacidad" in refused.text
    assert (await book(people, page, privacy_accepted="yes")).status_code == 303


async def test_the_page_speaks_english_to_who_does(api, people, page):
    (service,) = (await api.get("/booking-services")).json()["data"]
    await api.patch(f"/booking-services/{service['id']}", json={"name_en": "Consultation"})
    answer = await people.get(page, headers={"Accept-Language": "en"})
    assert "Consultation" in answer.text
    assert "What do you need?" in answer.text
    spanish = await people.get(page, params={"lang": "es"}, headers={"Accept-Language": "en"})
    assert "¿Qué necesitas?" in spanish.text
    assert f'href="{page}/consulta?lang=es"' in spanish.text


async def test_the_frame_is_for_the_keys_origins_alone(api, people):
    key = await publishable_key(api, ORIGIN, "https://otra.example")
    for path in ("", "/consulta", "/contact"):
        answer = await people.get(f"/embed/{key['key']}{path}")
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert f"frame-ancestors {ORIGIN} https://otra.example" in policy
        assert "x-frame-options" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert 'class="visitor framed"' in answer.text
        assert "noindex" in answer.text
    await api.delete(f"/publishable-keys/{key['id']}")
    assert (await people.get(f"/embed/{key['key']}")).status_code == 404


async def test_somebody_books_in_the_frame(api, people):
    key = await publishable_key(api)
    answer = await book(people, f"/embed/{key['key']}")
    assert answer.status_code == 303, answer.text
    assert "x-frame-options" not in answer.headers
    done = await people.get(answer.headers["location"])
    assert "¡Reservada, Ana!" in done.text
    form = await people.get(f"/embed/{key['key']}/contact")
    await people.post(f"/embed/{key['key']}/contact", data=worked(form.text, **GUEST, message="¿?"))
    assert (await api.get("/inquiries")).json()["data"][0]["source"] == "widget"


async def test_the_widgets_script_may_be_loaded_from_anywhere(people):
    answer = await people.get("/widget.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "/embed/" in answer.text


async def test_the_sandbox_has_a_page_of_its_own(app, firm, people, page):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        await sandbox.put("/public-site", json={"slug": "bufete-pruebas"})
        await sandbox.put("/sandbox/clock", json={"advance_seconds": 86_400 * 30})
        answer = await people.get("/b/bufete-pruebas")
        assert "Página de pruebas" in answer.text
        assert "noindex" in answer.text
        assert (await book(people, "/b/bufete-pruebas")).status_code == 303
        assert len((await sandbox.get("/bookings")).json()["data"]) == 1
    async with firm.client(app) as live:
        assert (await live.get("/bookings")).json()["data"] == []


async def test_an_hour_that_comes_twice_says_which_it_is(app, firm, people):
    """Even when only one of the two is free."""
    async with firm.client(app, firm.sandbox_key) as sandbox:
        await sandbox.put("/public-site", json={"slug": "bufete-pruebas"})
        await sandbox.put("/sandbox/clock", json={"now": "2027-10-29T08:00:00Z"})
        (schedule,) = (await sandbox.get("/schedules")).json()["data"]
        spans = {"spans": [{"from": "01:30", "to": "04:00"}]}
        path = f"/schedules/{schedule['id']}/overrides/2027-10-31"
        assert (await sandbox.put(path, json=spans)).status_code in {200, 201}
        at = "/b/bufete-pruebas/consulta?from=2027-10-31"
        both = (await people.get(at)).text
        assert re.findall(r">(02:[^<]+)<", both) == [
            f"02:{minute} (UTC+{offset}00)" for offset in ("02", "01") for minute in ("00", "30")
        ]
        assert ">01:30<" in both
        wanted = {"start": "2027-10-31T00:30:00Z", "duration": 30, "bypass_rules": True}
        assert (await sandbox.post("/bookings", json=wanted)).status_code == 201
        one = (await people.get(at)).text
        assert re.findall(r">(02:30[^<]+)<", one) == ["02:30 (UTC+0100)"]
        form = (await people.get("/b/bufete-pruebas/consulta?start=2027-10-31T01:30:00Z")).text
        answer = await people.post("/b/bufete-pruebas/consulta", data=worked(form, **GUEST))
        assert "02:30 (UTC+0100)–03:00" in (await people.get(answer.headers["location"])).text
        (mail,) = (await sandbox.get("/messages", params={"to": GUEST["email"]})).json()["data"]
        assert "02:30 (UTC+0100)" in mail["subject"]
