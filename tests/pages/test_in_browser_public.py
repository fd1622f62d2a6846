"""Anybody books in Chromium: on a telephone, in a frame on the firm's website, and with no script at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import FrameLocator

from tests.pages.browsing import CHROMIUM, DESK, PHONE, Product, Tab, faults, picture
from tests.pages.furnished import booked, until
from tests.pages.test_in_browser_flows import sound_on_both

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


async def bookings(product: Product) -> list[dict[str, Any]]:
    async with product.api() as api:
        return list((await api.get("/bookings", params={"sort": "-created_at"})).json()["data"])


async def test_a_person_books_on_a_telephone(furnished):
    async with furnished.tab(width=PHONE) as tab:
        await tab.open("/b/demo-despacho")
        await tab.page.locator(".service").first.click()
        await tab.page.get_by_role("link", name="1 h", exact=True).click()
        await tab.page.locator(".slots a").nth(1).click()
        await sound_on_both(tab, "flow_public_details")
        await tab.fill(name="Marta Soler Ibáñez", email="marta@cliente.example", phone="600111222")
        await tab.page.get_by_label("He leído y acepto el aviso de privacidad").check()
        await tab.press("Reservar")
        assert "¡Reservada, Marta!" in await tab.text()
        await sound_on_both(tab, "flow_public_booked")
    (made, *_) = await bookings(furnished)
    assert (made["source"], made["attendees"][0]["name"]) == ("web", "Marta Soler Ibáñez")
    (link,) = [link for link in await furnished.links_to("marta@cliente.example") if "/c/" in link]
    async with furnished.tab(width=PHONE) as tab:
        await tab.open(link)
        await tab.press("Cancelar la cita")
        await tab.press("Sí, cancelar la cita")
        assert "La cita está cancelada" in await tab.text()


async def test_two_people_at_one_time_and_the_second_is_helped(furnished):
    async with furnished.tab(width=PHONE) as first, furnished.tab(width=PHONE) as second:
        for tab, name in ((first, "Pau Riera"), (second, "Laia Font")):
            await tab.open("/b/demo-despacho/firma-en-notaria")
            await tab.page.locator(".slots a").nth(5).click()
            await tab.fill(name=name, email=f"{name.split()[0].lower()}@cliente.example")
            await tab.page.get_by_label("He leído y acepto el aviso de privacidad").check()
        await first.press("Reservar")
        second.expected.add(409)
        await second.press("Reservar")
        assert "Estas horas sí están libres" in await second.text()
        await sound_on_both(second, "flow_public_taken")
        await second.page.locator(".others a").first.click()
        assert "Tus datos" in await second.text()


async def test_a_mistake_keeps_what_was_typed(furnished):
    async with furnished.tab(width=PHONE) as tab:
        await tab.open("/b/demo-despacho/contact")
        tab.expected.add(422)
        await tab.fill(name="Marta", message="¿Cuánto cuesta una herencia?")
        await tab.page.get_by_label("He leído y acepto el aviso de privacidad").check()
        await tab.press("Enviar la consulta")
        assert "Falta un correo o un teléfono." in await tab.text()
        await sound_on_both(tab, "flow_public_contact_wrong")
        assert await tab.page.input_value("[name=message]") == "¿Cuánto cuesta una herencia?"
        await tab.fill(email="marta@cliente.example")
        await tab.press("Enviar la consulta")
        assert "La tenemos" in await tab.text()


async def test_without_scripts_it_can_be_booked_too(furnished):
    async with furnished.tab(width=PHONE, java_script_enabled=False) as tab:
        await tab.open("/b/demo-despacho/consulta")
        await tab.page.locator(".slots a").nth(8).click()
        await tab.fill(name="Joan Pla", email="joan@cliente.example")
        await tab.page.get_by_label("He leído y acepto el aviso de privacidad").check()
        await tab.press("Reservar")
        assert "¡Reservada, Joan!" in await tab.text()
        assert tab.complaints == []


async def test_a_review_is_written_by_keyboard(furnished):
    async with furnished.tab(width=PHONE) as tab:
        await tab.open(f"/reviews/{furnished.things['review']}")
        await tab.page.focus("[name=rating]")
        await tab.page.keyboard.press("ArrowDown")
        assert await tab.page.locator("[name=rating][value='4']").is_checked()
        await tab.open(f"/reviews/{furnished.things['review']}")


async def test_another_guest_answers_on_a_telephone(furnished):
    guests = [{"name": "Rosa Ibáñez"}, {"name": "Bartolomé " + "Fernández-Villaverde" * 3}]
    async with furnished.api() as api:
        made = await booked(furnished, api, "", days=30, attendees=guests)
        links = (await api.post(f"/bookings/{made['id']}/links")).json()["data"]
    async with furnished.tab(width=PHONE) as tab:
        await tab.open(links[1]["url"].removeprefix(furnished.origin))
        await sound_on_both(tab, "flow_guest")
        await tab.press("No puedo ir")
        assert "Has dicho que no vienes." in await tab.text()
        await sound_on_both(tab, "flow_guest_declined")


@asynccontextmanager
async def on_website(product: Product, width: int, *, known: bool) -> AsyncIterator[tuple[Tab, FrameLocator]]:
    """Open a page of a website that carries the widget's tag and nothing else of ours.

    Its origin is one of the key's, when `known`.
    """
    html = ""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = html.encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, product.api() as api:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        wanted = {"name": "Web", "origins": [origin if known else "https://otra.example"]}
        key = (await api.post("/publishable-keys", json=wanted)).json()["key"]
        html = (
            '<!doctype html><html lang="es"><title>Bufete</title><link rel="icon" href="data:,">'
            f'<h1>Bufete</h1><script src="{product.origin}/widget.js" data-key="{key}" async></script>'
        )
        async with product.tab(width=width) as tab:
            await tab.page.goto(f"{origin}/")
            yield tab, tab.page.frame_locator("iframe")


@pytest.mark.parametrize("width", [PHONE, DESK])
async def test_one_tag_puts_booking_into_the_firms_website(furnished, width):
    async with on_website(furnished, width, known=True) as (tab, frame):
        await frame.locator(".service").first.click()
        await frame.locator(".slots a").nth(11 + (width == PHONE)).click()
        await frame.locator("main [name=name]").fill("Nora Vidal")
        await frame.locator("main [name=email]").fill(f"nora{width}@cliente.example")
        await frame.get_by_label("He leído y acepto el aviso de privacidad").check()
        await picture(tab.page, f"flow_widget-{width}")
        await frame.get_by_role("button", name="Reservar").click()
        await frame.get_by_text("¡Reservada, Nora!").wait_for()
        await picture(tab.page, f"flow_widget_booked-{width}")
        await tab.page.wait_for_function("document.querySelector('iframe').style.height !== '640px'")
        inner = await frame.locator("body").evaluate("(body) => body.getBoundingClientRect().height")
        outer = await tab.page.locator("iframe").bounding_box()
        assert outer is not None
        assert abs(inner - outer["height"]) <= 2, "the frame is as tall as what it shows"
        assert tab.complaints == []
        assert [fault for fault in await faults(tab.page) if "iframe" in fault] == []


async def test_another_website_cannot_frame_it(furnished):
    async with on_website(furnished, DESK, known=False) as (tab, frame):
        await tab.page.locator("iframe").wait_for()

        async def refused() -> bool:
            return any("frame-ancestors" in said for said in tab.complaints)

        await until(refused, what="the browser's refusal", seconds=20)
        assert await frame.locator(".service").count() == 0
