"""A client's own bookings in the portal: what there is, confirming and cancelling, and nobody else's."""

import pytest

from tests.bookings.arrange import booked, new_service, open_day
from tests.clients.access import come_in, invited, new_client
from tests.oauth.browserless import Browser, in_process


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def portal(app, api, day):
    """Ana, signed in to the portal of her firm; she and Ben have a booking each."""
    ana = await new_client(api, "Ana Gil")
    ben = await new_client(api, "Ben Otro", email="ben@cliente.example")
    service = await new_service(api, confirmation="client", location={"kind": "office", "detail": "Mayor 1"})
    own = await booked(
        api, service_id=service, start=day.at(10), client_id=ana, notes="Trae <b>el</b> contrato"
    )
    other = await booked(api, service_id=service, start=day.at(12), client_id=ben)
    async with in_process(app) as http:
        browser = Browser(http)
        await come_in(browser, await invited(api, ana))
        yield browser, own["id"], other["id"]


def form_to(page, path):
    (form,) = [form for form in page.html.forms if (form.action or "").endswith(path)]
    return form


async def test_the_list_has_what_comes_next_and_everything(portal, api):
    browser, own, other = portal
    seen = await browser.open("/portal/bookings")
    assert (seen.status, "Primera consulta" in seen.text, "Sin confirmar" in seen.text) == (200, True, True)
    assert own in seen.source
    assert other not in seen.source
    await api.post(f"/bookings/{own}/cancel")
    assert own not in (await browser.open("/portal/bookings")).source
    everything = await browser.open("/portal/bookings?show=all")
    assert own in everything.source
    assert "Cancelada" in everything.text
    assert other not in everything.source


async def test_a_booking_says_when_where_and_what_may_be_done(portal):
    browser, own, _ = portal
    seen = await browser.open(f"/portal/bookings/{own}")
    assert seen.status == 200
    for words in ("Sin confirmar", "En el despacho: Mayor 1", "10:00", "Trae <b>el</b> contrato", "hasta el"):
        assert words in seen.text, words
    assert "<b>el</b>" not in seen.source


async def test_the_client_confirms(portal, api):
    browser, own, _ = portal
    page = await browser.open(f"/portal/bookings/{own}")
    seen = await browser.submit(page, form_to(page, "/confirm"))
    assert (seen.status, "Tu cita está confirmada." in seen.text, "Confirmada" in seen.text) == (
        200,
        True,
        True,
    )
    assert (await api.get(f"/bookings/{own}")).json()["status"] == "confirmed"
    again = await browser.submit(page, form_to(page, "/confirm"))
    assert again.status == 409
    assert "La cita está en confirmed" in again.text


async def test_the_client_cancels_once_asked(portal, api):
    browser, own, _ = portal
    page = await browser.open(f"/portal/bookings/{own}/cancel")
    assert (await api.get(f"/bookings/{own}")).json()["status"] == "pending"
    form = page.html.form("reason", "csrf_token")
    seen = await browser.submit(page, form, reason="Me ha surgido un viaje")
    assert (seen.status, "Tu cita está cancelada." in seen.text) == (200, True)
    booking = (await api.get(f"/bookings/{own}")).json()
    assert (booking["status"], booking["status_reason"]) == ("cancelled", "Me ha surgido un viaje")
    assert "Confirmar la cita" not in seen.text
    assert "Cancelar la cita" not in seen.text


async def test_after_the_limit_there_is_no_button_and_no_way(portal, api, superuser):
    browser, own, _ = portal
    page = await browser.open(f"/portal/bookings/{own}/cancel")
    superuser.execute(
        "update bookings set policy = policy || '{\"free_cancel_minutes\": 500000}' where id = %s", [own]
    )
    assert "Cancelar la cita" not in (await browser.open(f"/portal/bookings/{own}")).text
    seen = await browser.submit(page, page.html.form("reason", "csrf_token"), reason="Tarde")
    assert seen.status == 422
    assert "Llama al despacho" in seen.text
    assert (await api.get(f"/bookings/{own}")).json()["status"] == "pending"


async def test_another_clients_booking_is_not_found(portal, api, superuser):
    browser, own, other = portal
    page = await browser.open(f"/portal/bookings/{own}/cancel")
    form = page.html.form("reason", "csrf_token")
    for path in (f"/portal/bookings/{other}", f"/portal/bookings/{other}/cancel", "/portal/bookings/bkg_x"):
        assert (await browser.open(path)).status == 404
    for action in ("cancel", "confirm"):
        form.action = f"/portal/bookings/{other}/{action}"
        assert (await browser.submit(page, form, reason="Robada")).status == 404
    assert (await api.get(f"/bookings/{other}")).json()["status"] == "pending"


async def test_a_form_from_elsewhere_changes_nothing(portal, api):
    browser, own, _ = portal
    for action in ("cancel", "confirm"):
        answer = await browser.http.post(f"/portal/bookings/{own}/{action}", data={"csrf_token": "x"})
        assert answer.status_code == 403
    assert (await api.get(f"/bookings/{own}")).json()["status"] == "pending"


async def test_the_client_moves_it_to_a_free_time(portal, api):
    browser, own, _ = portal
    before = (await api.get(f"/bookings/{own}")).json()
    assert "Puedes cambiarla" in (await browser.open(f"/portal/bookings/{own}")).text
    page = await browser.open(f"/portal/bookings/{own}/reschedule")
    free = [a for a in page.html.links if "start=" in a]
    assert free
    chosen = await browser.open(free[1])
    assert "¿Cambiar la cita?" in chosen.text
    assert (await api.get(f"/bookings/{own}")).json() == before  # a look changes nothing
    done = await browser.submit(chosen, chosen.html.form("start", "csrf_token"))
    assert (done.status, "La cita tiene una hora nueva." in done.text) == (200, True)
    after = (await api.get(f"/bookings/{own}")).json()
    assert after["start"] == free[1].partition("start=")[2].replace("%3A", ":")
    line = (await api.get(f"/bookings/{own}/history")).json()["data"][-1]
    assert (line["action"], line["actor_type"]) == ("rescheduled", "client")
    refused = await browser.submit(chosen, chosen.html.form("start", "csrf_token"))
    assert refused.status in {200, 409, 422}
    assert (await api.get(f"/bookings/{own}")).json()["start"] == after["start"]


async def test_only_ones_own_is_moved_and_only_in_time(portal, api, superuser):
    browser, own, other = portal
    page = await browser.open(f"/portal/bookings/{own}/reschedule")
    chosen = await browser.open(next(a for a in page.html.links if "start=" in a))
    form = chosen.html.form("start", "csrf_token")
    before = [(await api.get(f"/bookings/{key}")).json()["start"] for key in (own, other)]
    assert (await browser.open(f"/portal/bookings/{other}/reschedule")).status == 404
    form.action = f"/portal/bookings/{other}/reschedule"
    assert (await browser.submit(chosen, form)).status == 404
    superuser.execute(
        "update bookings set policy = policy || '{\"reschedule_minutes\": 500000}' where id = %s", [own]
    )
    assert "Cambiar la hora" not in (await browser.open(f"/portal/bookings/{own}")).text
    assert (await browser.open(f"/portal/bookings/{own}/reschedule")).url.endswith(own)
    form.action = f"/portal/bookings/{own}/reschedule"
    late = await browser.submit(chosen, form)
    assert late.status == 422
    assert [(await api.get(f"/bookings/{key}")).json()["start"] for key in (own, other)] == before
