"""What a client sees in the portal: their own cases and data, what the firm shares, and nothing else."""

import pytest

from tests.cases.arrange import new_case
from tests.clients.access import come_in, invited, new_client
from tests.oauth.browserless import Browser, in_process
from tests.pages.conftest import new_browser, sign_in


@pytest.fixture
async def portal(app, api):
    """Ana, signed in to the portal of her firm; she and Ben have a case each."""
    ana = await new_client(
        api, "Ana Gil", tax_id="12345678Z", phone="600111222", custom_fields={"riesgo": "alto"}
    )
    ben = await new_client(api, "Ben Otro", email="ben@cliente.example")
    cases = {}
    for name, client in (("ana", ana), ("ben", ben)):
        case = await new_case(
            api,
            client,
            title=f"Herencia de {name}",
            tags=["interna"],
            parties=[{"name": "Contrario", "role": "opposing_party", "notes": "Nota reservada"}],
        )
        cases[name] = case["id"]
        for visibility in ("internal", "shared"):
            body = {"content": f"Nota {visibility} de {name}", "visibility": visibility}
            await api.post(f"/cases/{case['id']}/notes", json=body)
    async with in_process(app) as http:
        browser = Browser(http)
        await come_in(browser, await invited(api, ana))
        yield browser, cases


async def test_the_list_has_their_own_cases(portal, api):
    browser, cases = portal
    seen = await browser.open("/portal")
    assert (seen.status, "Herencia de ana" in seen.text, "Herencia de ben" in seen.text) == (200, True, False)
    assert "EXP-" in seen.text
    assert "Civil" in seen.text
    assert "En curso" in seen.text
    await api.post(f"/cases/{cases['ana']}/close")
    assert "Herencia de ana" not in (await browser.open("/portal")).text
    assert "Herencia de ana" in (await browser.open("/portal?show=finished")).text
    everything = await browser.open("/portal?show=all")
    assert "Herencia de ana" in everything.text
    assert "Cerrado" in everything.text


async def test_a_filter_of_the_address_opens_no_other_clients_cases(portal, api):
    browser, cases = portal
    for query in ("client_id=" + (await _client_of(api, cases["ben"])), "q=herencia", "show=nonsense"):
        assert "Herencia de ben" not in (await browser.open(f"/portal?{query}")).source


async def _client_of(api, case_id):
    return (await api.get(f"/cases/{case_id}")).json()["client_id"]


async def test_a_case_shows_what_the_firm_shares(portal, api):
    browser, cases = portal
    await api.patch(f"/cases/{cases['ana']}", json={"status": "on_hold"})
    seen = await browser.open(f"/portal/cases/{cases['ana']}")
    assert seen.status == 200
    for shown in (
        "Herencia de ana",
        "Nota shared de ana",
        "Expediente abierto",
        "Cambio de estado",
        "En espera",
    ):
        assert shown in seen.text, shown
    for hidden in ("Nota internal", "interna", "Nota reservada", "Contrario", "Nota añadida", "Pruebas"):
        assert hidden not in seen.source, hidden


async def test_a_note_of_the_firms_program_carries_the_firms_name(portal):
    browser, cases = portal
    seen = await browser.open(f"/portal/cases/{cases['ana']}/notes")
    assert "Bufete Prueba" in seen.text
    assert "Nota shared de ana" in seen.text
    assert "internal" not in seen.text


async def test_another_clients_case_is_not_found(portal):
    browser, cases = portal
    for path in (cases["ben"], f"{cases['ben']}/notes", f"{cases['ben']}/activity", "cas_nobody", "x"):
        seen = await browser.open(f"/portal/cases/{path}")
        assert seen.status == 404, path
        assert "ben" not in seen.text


async def test_what_the_firm_writes_is_text_and_never_markup(portal, api):
    browser, cases = portal
    evil = "<script>alert(1)</script>\n<b>línea</b>"
    await api.post(f"/cases/{cases['ana']}/notes", json={"content": evil, "visibility": "shared"})
    await api.patch(f"/cases/{cases['ana']}", json={"title": "<i>Título</i>"})
    seen = await browser.open(f"/portal/cases/{cases['ana']}")
    assert "<script>alert" not in seen.source
    assert "&lt;script&gt;alert(1)" in seen.source
    assert "&lt;i&gt;Título" in seen.source


async def test_many_notes_and_many_cases_come_in_pages(portal, api):
    browser, cases = portal
    for number in range(30):
        body = {"content": f"Aviso {number:02}.", "visibility": "shared"}
        await api.post(f"/cases/{cases['ana']}/notes", json=body)
    first = await browser.open(f"/portal/cases/{cases['ana']}")
    assert "Aviso 29." in first.text
    assert "Aviso 10." not in first.text
    assert f"/portal/cases/{cases['ana']}/notes" in first.html.links
    assert await _read_through(browser, f"/portal/cases/{cases['ana']}/notes", "Aviso ") == 30
    client = await _client_of(api, cases["ana"])
    for number in range(30):
        await new_case(api, client, title=f"Asunto {number:02}.")
    assert await _read_through(browser, "/portal?show=all", "Asunto ") == 30


async def _read_through(browser, path, mark):
    found = set()
    while path:
        seen = await browser.open(path)
        assert seen.status == 200
        found |= {mark + text[:3] for text in seen.text.split(mark)[1:]}
        path = next((link for link in seen.html.links if "cursor=" in link), None)
    return len(found)


async def test_their_own_details_without_what_the_firm_keeps_to_itself(portal):
    browser, _ = portal
    seen = await browser.open("/portal/details")
    for shown in ("Ana Gil", "12345678Z", "+34600111222", "ana.gil@cliente.example"):
        assert shown in seen.text, shown
    for hidden in ("riesgo", "alto", "Ben"):
        assert hidden not in seen.text, hidden


async def test_empty_pages_say_so(app, api):
    client = await new_client(api, "Nueva", email="nueva@cliente.example")
    async with in_process(app) as http:
        browser = Browser(http)
        seen = await come_in(browser, await invited(api, client, "nueva@cliente.example"))
        assert "No tienes expedientes en marcha" in seen.text
        assert "Todavía no tienes expedientes" in (await browser.open("/portal?show=all")).text
        assert "citas" in (await browser.open("/portal/bookings")).text
        for page in ("invoices", "documents"):
            assert (await browser.open(f"/portal/{page}")).status == 404


async def test_people_of_the_firm_have_no_portal_and_clients_no_panel(app, firm, portal):
    browser, _ = portal
    for path in ("/panel", "/panel/keys", "/panel/webhooks", "/account", "/account/apps"):
        seen = await browser.open(path)
        assert seen.url == "http://testserver/portal", path
    async with new_browser(app, await sign_in(app, firm.id, firm.owner_id)) as client:
        assert (await client.get("/portal")).status_code == 403
        assert (await client.get("/portal/details")).status_code == 403


async def test_pages_cannot_be_framed_or_kept(portal):
    browser, cases = portal
    for path in ("/portal", f"/portal/cases/{cases['ana']}", "/portal/details", "/portal/access"):
        headers = (await browser.open(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
