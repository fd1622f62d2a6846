"""What people come for, from the first click to the last, in Chromium: and the pages that only flows show."""

import asyncio
import re
from typing import Any

import httpx
import pyotp
import pytest
from standardwebhooks import Webhook

from tests.pages.browsing import CHROMIUM, DESK, MEMBER_PASSWORD, PHONE, Product, Tab, answer_as_app
from tests.pages.furnished import CLIENT, booked, until
from tests.webhooks.receiver import receiving

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


async def sound_on_both(tab: Tab, name: str) -> None:
    """Check a page that cannot be opened anew, as narrow and as wide as it will be."""
    for width, height in ((PHONE, 844), (DESK, 900)):
        await tab.page.set_viewport_size({"width": width, "height": height})
        await tab.is_sound(name)


async def status_of(product: Product, credential: str, path: str = "/cases") -> int:
    async with product.api(credential) as api:
        return (await api.get(path)).status_code


async def let_in(product: Product, tab: Tab, email: str, name: str, role: str = "assistant") -> None:
    """Invite somebody by the API, and let them accept in this tab."""
    async with product.api() as api:
        answer = await api.post("/invitations", json={"name": name, "email": email, "role": role})
        assert answer.status_code == 201, answer.text
    (link,) = await product.links_to(email)
    await tab.open(link)
    await tab.fill(password=MEMBER_PASSWORD)
    await tab.press("Aceptar y entrar")


async def test_a_key_is_made_used_found_in_the_log_and_revoked(furnished):
    async with furnished.tab("owner") as tab:
        await tab.open("/panel/keys")
        await tab.press("Crear clave")
        await tab.fill(name="CRM del despacho")
        await tab.page.get_by_label("Leer expedientes y su actividad").check()
        await tab.press("Crear clave")
        await sound_on_both(tab, "flow_key_created")
        key = await tab.page.inner_text("#new-key")
        assert await status_of(furnished, key) == 200
        assert await status_of(furnished, key, "/clients") == 403
        await tab.press("Ya la he guardado")
        assert key not in await tab.page.content()
        await tab.press("CRM del despacho")
        path = tab.page.url.removeprefix(tab.origin)

        async def logged() -> bool:
            await tab.open(f"/panel/requests?credential_id={path.rpartition('/')[2]}&status=4xx")
            return await tab.page.locator("tbody tr").count() == 1

        await until(logged, what="the refused call in the log")
        await tab.page.click("tbody .row-title")
        await tab.page.wait_for_url("**/panel/requests/req_*")
        assert "insufficient_scope" in await tab.text()
        assert "curl -X GET" in await tab.page.inner_text("#curl")
        await tab.open(f"{path}/revoke")
        await tab.press("Revocar la clave")
        assert "La clave está revocada" in await tab.text()
    assert await status_of(furnished, key) == 401


async def test_a_mistake_takes_the_focus_and_keeps_what_was_typed(furnished):
    async with furnished.tab("owner", PHONE) as tab:
        await tab.open("/panel/apps/new", status=200)
        tab.expected.add(422)
        await tab.fill(name="App con errores", redirect_uris="http://crm.example.com/vuelta")
        await tab.press("Registrar aplicación")
        assert await tab.page.evaluate("document.activeElement.className") == "error-summary"
        assert await tab.page.input_value("[name=name]") == "App con errores"
        assert await tab.page.input_value("[name=redirect_uris]") == "http://crm.example.com/vuelta"
        await sound_on_both(tab, "flow_form_errors")
        await tab.page.click(".error-summary a >> nth=0")
        focused = await tab.page.evaluate("document.activeElement.id")
        assert focused.startswith("f-")


async def test_somebody_is_invited_comes_in_and_is_let_go(furnished):
    async with furnished.tab("owner") as tab, furnished.tab(None, PHONE) as theirs:
        await tab.open("/panel/team")
        await tab.press("Invitar a alguien")
        await tab.fill(name="Rosa Vidal", email="rosa@demo.example")
        await tab.page.get_by_label("Asistencia").check()
        await tab.press("Enviar la invitación")
        assert "La invitación a rosa@demo.example" in await tab.text()
        assert tab.complaints == []

        (link,) = await furnished.links_to("rosa@demo.example")
        theirs.expected.add(422)
        await theirs.open(link)
        await theirs.fill(password="rosa-rosa-rosa")
        await theirs.press("Aceptar y entrar")
        await sound_on_both(theirs, "flow_invitation_weak_password")
        await theirs.fill(password=MEMBER_PASSWORD)
        await theirs.press("Aceptar y entrar")
        await theirs.page.wait_for_url("**/panel")
        await sound_on_both(theirs, "flow_panel_of_assistant")
        assert await theirs.page.locator('a[href="/panel/keys"]').count() == 0
        again = await theirs.page.context.new_page()
        assert (await again.goto(tab.origin + link)).status != 200  # type: ignore[union-attr]
        await again.close()

        await tab.open("/panel/team")
        await tab.press("Rosa Vidal")
        await tab.press("Dar de baja…")
        await tab.press("Dar de baja")
        assert "Rosa Vidal está de baja" in await tab.text()
        await theirs.page.goto(tab.origin + "/panel")
        assert "/sign-in" in theirs.page.url


async def allow(tab: Tab, product: Product, app_id: str, **more: str) -> httpx.URL:
    """Let the person of a tab be asked by an app, and return the address they come back to it with."""
    arrived = await answer_as_app(tab)
    await tab.open(product.authorize_path(client_id=app_id, prompt="consent", **more))
    await tab.press("Permitir")
    await tab.page.wait_for_url("http://127.0.0.1:8765/**")
    return httpx.URL(arrived[-1])


async def tokens(product: Product, **fields: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=product.origin, timeout=30) as app:
        answer = await app.post("/oauth/token", data=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_app_is_registered_allowed_and_stopped(furnished):
    async with furnished.tab("owner") as tab:
        await tab.open("/panel/apps")
        await tab.press("Registrar aplicación")
        await tab.fill(name="Contabilidad", redirect_uris="http://127.0.0.1:8765/callback")
        await tab.page.get_by_label("Leer expedientes y su actividad").check()
        await tab.page.get_by_label("Crear, mover y cancelar citas").check()
        await tab.press("Registrar aplicación")
        await sound_on_both(tab, "flow_app_created")
        credentials = {
            "client_id": await tab.page.inner_text("#client-id"),
            "client_secret": await tab.page.inner_text("#client-secret"),
        }
        back = await allow(tab, furnished, credentials["client_id"])
        assert back.params["state"] == "xyz"
        given = await tokens(
            furnished,
            grant_type="authorization_code",
            code=back.params["code"],
            redirect_uri="http://127.0.0.1:8765/callback",
            **credentials,
        )
        assert await status_of(furnished, given["access_token"]) == 200
        assert await status_of(furnished, given["access_token"], "/clients") == 403

        await tab.open("/account/apps")
        section = tab.page.locator("section", has=tab.page.get_by_role("heading", name="Contabilidad"))
        await section.get_by_role("link", name="Retirar el permiso…").click()
        await tab.page.wait_for_url("**/revoke")
        await tab.page.click("main form button")
        await tab.page.wait_for_url("**/account/apps")
        assert "Contabilidad" not in await tab.page.inner_text("main .stack")

    async def stopped() -> bool:
        return await status_of(furnished, given["access_token"]) == 401

    await until(stopped, what="the token to stop", seconds=60)
    async with httpx.AsyncClient(base_url=furnished.origin) as app:
        refresh = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], **credentials}
        assert (await app.post("/oauth/token", data=refresh)).json()["error"] == "invalid_grant"


async def test_what_is_not_allowed_goes_back_empty_handed(furnished):
    async with furnished.tab("owner", PHONE) as tab:
        arrived = await answer_as_app(tab)
        await tab.open(furnished.authorize_path(prompt="consent"))
        await tab.press("No permitir")
        await tab.page.wait_for_url("http://127.0.0.1:8765/**")
        back = httpx.URL(arrived[-1]).params
        assert (back["error"], back["state"]) == ("access_denied", "xyz")
        assert "code" not in back


async def test_a_visitor_signs_in_on_the_way_to_the_consent(furnished):
    async with furnished.tab() as tab:
        await tab.page.goto(furnished.origin + furnished.authorize_path(prompt="consent"))
        assert "/sign-in" in tab.page.url
        user = furnished.demo["user"]
        await tab.fill(email=user["email"], password=user["password"])
        await tab.press("Iniciar sesión")
        assert "/oauth/authorize" in tab.page.url
        assert "¿Permites que Demo actúe por ti?" in await tab.text()


async def test_a_webhook_is_added_greeted_and_its_secret_changed(furnished):
    async with receiving() as sink, furnished.tab("owner") as tab:
        await tab.open("/panel/webhooks/new")
        await tab.fill(url=sink.url("/crm"))
        await tab.page.get_by_label("Todos, también los que añadamos más adelante").check()
        await tab.press("Añadir webhook")
        await sound_on_both(tab, "flow_webhook_created")
        first = await tab.page.inner_text("#new-secret")
        await tab.press("Ya lo he guardado: probar")
        endpoint = tab.page.url.removeprefix(tab.origin)
        await tab.page.locator("form[action$='/test'] button").click()
        (hit,) = await sink.until_hits(1, "/crm", seconds=60)
        Webhook(first).verify(hit.body, dict(hit.headers))

        await tab.open(f"{endpoint}/secret")
        await tab.press("Crear secreto nuevo")
        await sound_on_both(tab, "flow_webhook_rotating")
        second = await tab.page.inner_text("#new-secret")
        assert second != first
        await tab.open(f"{endpoint}/secret")
        assert second not in await tab.page.content()
        await sound_on_both(tab, "flow_webhook_rotating_later")
        await tab.press("Confirmar ya")
        async with furnished.api() as api:
            await api.post(f"/webhooks/{endpoint.rpartition('/')[2]}/test")
        hit = (await sink.until_hits(2, "/crm", seconds=60))[-1]
        Webhook(second).verify(hit.body, dict(hit.headers))
        await tab.open(f"{endpoint}/deliveries")
        await tab.is_sound("flow_webhook_deliveries")
        assert "Entregada" in await tab.text()


async def test_the_sandbox_is_entered_and_left_and_its_clock_moved(furnished):
    async with furnished.tab() as tab:
        user = furnished.demo["user"]
        await furnished.sign_in(tab, user["email"], user["password"])
        await tab.open("/panel/sandbox")
        await tab.press("Entrar en el entorno de pruebas")
        await sound_on_both(tab, "flow_sandbox")
        before = await tab.page.inner_text(".gauge-value")
        await tab.press("Adelantar")
        await tab.is_sound("flow_sandbox_moved")
        assert await tab.page.inner_text(".gauge-value") != before
        await tab.open("/panel/team")
        await sound_on_both(tab, "flow_team_in_sandbox")
        await tab.press("Volver a la firma")
        assert "Ahora trabajas en Bufete Demo." in await tab.text()
        assert await tab.page.locator(".sandbox-strip").count() == 0


async def test_two_steps_and_a_recovery_code(furnished):
    email = "teo@demo.example"
    async with furnished.tab() as tab:
        await let_in(furnished, tab, email, "Teo Roca")
        await tab.open("/account/totp")
        await tab.press("Empezar")
        await sound_on_both(tab, "flow_totp_enrolment")
        secret = (await tab.page.inner_text("#totp-secret")).replace(" ", "")
        await tab.fill(code=pyotp.TOTP(secret).now())
        await tab.press("Activar")
        await sound_on_both(tab, "flow_recovery_codes")
        codes = (await tab.page.inner_text("#recovery-codes")).split()
        assert len(codes) == 10
        await tab.open("/account/totp")
        await sound_on_both(tab, "flow_totp_active")

        await tab.open("/sign-out")
        await tab.page.click("main form button")
        await tab.page.wait_for_url("**/sign-in")
        await furnished.sign_in(tab, email, MEMBER_PASSWORD)
        await sound_on_both(tab, "flow_second_factor")
        tab.expected.add(422)
        await tab.fill(code="000000")
        await tab.press("Iniciar sesión")
        await sound_on_both(tab, "flow_second_factor_wrong")
        await tab.press("No tengo la aplicación: usar un código de recuperación")
        await sound_on_both(tab, "flow_recovery_code")
        await tab.fill(code=codes[0])
        await tab.press("Iniciar sesión")
        await tab.page.wait_for_url("**/panel")


async def test_a_wrong_password_says_no_more_than_an_unknown_address(furnished):
    said = []
    for email in ("marta@demo.example", "nobody@demo.example"):
        async with furnished.tab(None, PHONE) as tab:
            tab.expected.add(422)
            await furnished.sign_in(tab, email, "esta-no-es-la-buena-9")
            said.append(await tab.page.inner_text("main .error-summary"))
            await tab.is_sound("flow_sign_in_wrong")
            assert await tab.page.input_value("[name=email]") == email
            assert await tab.page.input_value("[name=password]") == ""
    assert said[0] == said[1]


async def test_a_client_sees_their_case_and_nothing_of_the_firm(furnished):
    async with furnished.tab("client", PHONE) as tab:
        await tab.open("/portal")
        assert "Reclamación de cantidad" in await tab.text()
        for path in ("/panel", "/panel/keys", "/account"):
            await tab.page.goto(tab.origin + path)
            assert tab.page.url == tab.origin + "/portal"
        await tab.page.goto(tab.origin + f"/portal/{furnished.things['tenant']}/sign-in")
        await tab.is_sound("flow_portal_door_signed_in")


async def test_who_asks_for_a_clients_link_learns_nothing(furnished):
    said = []
    for email in (CLIENT, "nobody@demo.example"):
        async with furnished.tab(None, PHONE) as tab:
            await tab.open(f"/portal/{furnished.things['tenant']}/sign-in")
            await tab.fill(email=email)
            await tab.press("Enviarme el enlace")
            await tab.is_sound("flow_portal_check_mail")
            said.append((await tab.text()).replace(email, "…"))
    assert said[0] == said[1]


async def test_the_audit_log_is_taken_away_as_csv(furnished):
    async with furnished.tab("owner") as tab:
        await tab.open("/panel/audit?action=invitation.*")
        async with tab.page.expect_download() as waiting:
            await tab.page.get_by_role("link", name="Exportar CSV").click()
        download = await waiting.value
        assert re.fullmatch(r"auditoria-\d{4}-\d\d-\d\d\.csv", download.suggested_filename)
        path = await download.path()
        assert (await asyncio.to_thread(path.read_bytes)).startswith(b"\xef\xbb\xbf")


async def test_copying_puts_the_text_where_it_can_be_pasted(furnished):
    async with furnished.tab("owner", permissions=["clipboard-read", "clipboard-write"]) as tab:
        await tab.open("/panel/settings")
        await tab.page.click("[data-copy=tenant-id]")
        # A locator, since a condition given as a text would be evaluated, which the pages' policy forbids.
        await tab.page.locator("[data-copy=tenant-id]", has_text="Copiado").wait_for()
        pasted = await tab.page.evaluate("navigator.clipboard.readText()")
        assert pasted == furnished.things["tenant"]


async def test_going_back_does_not_lock_a_form(furnished):
    """A form is sent once, but whoever comes back to it by the browser's button may send it again."""
    async with furnished.tab("owner") as tab:
        for _ in range(2):
            await tab.open("/panel/settings")
            await tab.press("Guardar ajustes")
            assert "Los ajustes están guardados." in await tab.text()
        await tab.page.go_back()
        assert await tab.page.get_attribute("main form", "aria-busy") is None


async def test_a_booking_is_moved_and_cancelled_by_its_link(furnished):
    """On a phone, without an account."""
    async with furnished.api() as api:
        booking = await booked(furnished, api, "Rosa Ibáñez", days=9)
        made = (await api.post(f"/bookings/{booking['id']}/links")).json()

        async def now() -> dict[str, Any]:
            return dict((await api.get(f"/bookings/{booking['id']}")).json())

        async with furnished.tab(width=PHONE) as tab:
            await tab.open(made["data"][0]["url"].removeprefix(tab.origin))
            await tab.press("Cambiar la hora")
            await tab.page.locator(".slots a").nth(2).click()
            await sound_on_both(tab, "flow_booking_move")
            await tab.press("Cambiar a esta hora")
            assert "La cita tiene una hora nueva" in await tab.text()
            await sound_on_both(tab, "flow_booking_moved")
            assert (await now())["start"] != booking["start"]
            await tab.press("Cancelar la cita")
            await tab.fill(reason="Ya no me hace falta")
            await tab.press("Sí, cancelar la cita")
            assert "La cita está cancelada" in await tab.text()
            await sound_on_both(tab, "flow_booking_cancelled")
        after = await now()
    assert (after["status"], after["status_reason"]) == ("cancelled", "Ya no me hace falta")


async def test_a_member_moves_a_booking_on_a_telephone(furnished):
    """From the agenda to the booking, to a time that somebody takes meanwhile, and to another one."""
    async with furnished.api() as api:
        made = await booked(furnished, api, "Joana Mas Ferrer", days=15)
        async with furnished.tab("assistant", PHONE) as tab:
            await tab.open(f"/panel/agenda?day={made['start'][:10]}")
            await tab.page.click(f"a[href='/panel/bookings/{made['id']}']")
            await tab.press("Cambiar la hora")
            await tab.page.locator(".slots a").nth(2).click()
            await sound_on_both(tab, "flow_panel_moving")
            start = await tab.page.input_value("[name=start]")
            taken = {"service_id": made["service_id"], "start": start, "provider_id": made["provider_id"]}
            answer = await api.post("/bookings", json=taken)
            assert answer.status_code == 201, answer.text
            tab.expected.add(409)
            await tab.press("Cambiar la hora")
            assert "Estas horas sí están libres" in await tab.text()
            await sound_on_both(tab, "flow_panel_taken")
            await tab.page.locator(".others a").first.click()
            await tab.press("Cambiar la hora")
            assert "La cita tiene una hora nueva." in await tab.text()
        moved = (await api.get(f"/bookings/{made['id']}")).json()
        assert moved["start"] not in {made["start"], start}
