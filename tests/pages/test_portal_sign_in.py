"""A client asks for a link at the firm's portal: who gets one, and that nobody learns who is a client."""

import pytest

from tests.clients.access import (
    EMAIL,
    ask_for_link,
    come_in,
    invited,
    links_in,
    mails,
    new_client,
    session_lives,
    set_rule,
)
from tests.oauth.browserless import Browser, in_process

STRANGER = "nadie@cliente.example"


@pytest.fixture
async def browser(app):
    async with in_process(app) as http:
        yield Browser(http)


@pytest.fixture
async def open_firm(api, firm):
    """The firm, whose clients may all sign in."""
    await set_rule(api, "self_service")
    return firm


async def test_whoever_is_a_client_gets_a_link(api, open_firm, browser):
    client = await new_client(api)
    seen = await ask_for_link(browser, open_firm.id)
    assert seen.status == 200
    assert EMAIL in seen.text
    (mail,) = await mails(api)
    assert mail["subject"] == "Bufete Prueba: tu enlace para entrar"
    (link,) = links_in(mail)
    seen = await come_in(browser, link)
    assert seen.url == "http://testserver/portal"
    assert (await api.get(f"/clients/{client}/access")).json()["status"] == "active"


async def test_the_case_of_the_address_does_not_matter(api, open_firm, browser):
    await new_client(api, email="Ana.Gil@Cliente.example")
    await ask_for_link(browser, open_firm.id, "ANA.gil@cliente.EXAMPLE")
    assert len(await mails(api, "Ana.Gil@cliente.example")) == 1


async def test_everybody_gets_the_same_answer(api, open_firm, browser):
    await new_client(api)
    archived = await new_client(api, "Archivada", email="archivada@cliente.example")
    await api.post(f"/clients/{archived}/archive")
    revoked = await new_client(api, "Retirada", email="retirada@cliente.example")
    await api.delete(f"/clients/{revoked}/access")
    pages = {}
    for email in (EMAIL, STRANGER, "archivada@cliente.example", "retirada@cliente.example"):
        seen = await ask_for_link(browser, open_firm.id, email)
        named = seen.source.replace(email, "X")
        pages[email] = (seen.status, seen.url, _without_secrets(named), _shape(seen.headers))
    assert len(set(pages.values())) == 1
    sent = (await api.get("/messages")).json()["data"]
    assert [mail["to"] for mail in sent] == [EMAIL]


def _without_secrets(source: str) -> str:
    import re

    source = re.sub(r'name="csrf_token" value="[^"]+"', "", source)
    return re.sub(r"req_\w+", "", source)


def _shape(headers) -> tuple:
    return tuple(sorted(name for name in headers if name not in {"x-request-id", "content-length"}))


async def test_the_answer_has_left_before_anybody_is_looked_up(app, api, open_firm, database, monkeypatch):
    """How long it takes must not tell who is a client: nothing that depends on it comes before the answer."""
    await new_client(api)
    order: list[str] = []

    class Watched:
        """The application, with a note of when its answer was complete."""

        async def __call__(self, scope, receive, send):
            async def noting(message):
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    found = await database.read("select count(*) from one_time_links", {}, system=True)
                    order.append(f"answer, {found[0][0]} links")
                await send(message)

            await app(scope, receive, noting)

    import httpx

    transport = httpx.ASGITransport(app=Watched(), client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        browser = Browser(http)
        page = await browser.open(f"/portal/{open_firm.id}/sign-in")
        order.clear()
        await browser.submit(page, page.html.form("email", "csrf_token"), email=EMAIL)
    assert order == ["answer, 0 links"]
    assert len(await mails(api)) == 1


async def test_by_invitation_only_the_invited_get_one(api, firm, browser):
    uninvited = await new_client(api)
    await ask_for_link(browser, firm.id)
    assert await mails(api) == []
    await invited(api, uninvited)
    await ask_for_link(browser, firm.id)
    (mail, _) = await mails(api)
    assert mail["subject"] == "Bufete Prueba: tu enlace para entrar"


async def test_another_firms_client_gets_nothing(app, api, firm, other_firm, browser):
    await set_rule(api, "self_service")
    async with other_firm.client(app) as others:
        await set_rule(others, "self_service")
        await new_client(others, email=STRANGER)
        await ask_for_link(browser, firm.id, STRANGER)
        assert await mails(others, STRANGER) == []
        assert await mails(api, STRANGER) == []


async def test_a_link_of_one_firm_opens_nothing_at_another(app, api, firm, other_firm, browser):
    link = await invited(api, await new_client(api))
    elsewhere = link.replace(firm.id, other_firm.id)
    assert (await browser.open(elsewhere)).status == 410
    assert (await browser.open(link)).status == 200


async def test_clients_who_share_an_address_never_mix(app, api, open_firm, browser, superuser):
    ana = await new_client(api, "Ana Gil")
    firm_of_ana = await new_client(api, "Gil Asesores, S.L.", kind="company")
    out = await new_client(api, "Benito Gil")
    await api.delete(f"/clients/{out}/access")
    await ask_for_link(browser, open_firm.id)
    (mail,) = await mails(api)
    assert "Entrar como Ana Gil" in mail["text"]
    assert "Entrar como Gil Asesores, S.L." in mail["text"]
    assert "Benito" not in mail["text"] + mail["html"]
    of_ana, of_firm = links_in(mail)
    assert all(link in mail["html"] for link in (of_ana, of_firm))
    seen = await browser.open(of_firm)
    assert "Gil Asesores, S.L." in seen.text
    assert "Ana Gil" not in seen.text
    await come_in(browser, of_firm)
    assert "Gil Asesores, S.L." in (await browser.open("/portal/details")).text
    assert superuser.execute("select client_id from sessions").fetchall() == [(firm_of_ana,)]
    # The other's link is still hers.
    async with in_process(app) as http:
        await come_in(Browser(http), of_ana)
    signed_in = superuser.execute("select client_id from sessions order by created_at").fetchall()
    assert signed_in == [(firm_of_ana,), (ana,)]


async def test_addresses_that_differ_in_case_get_mails_of_their_own(api, open_firm, browser):
    """To some servers they are two mailboxes: neither may read the other's link."""
    await new_client(api, "Ana Mayúscula", email="Ana@cliente.example")
    await new_client(api, "Ana Minúscula", email="ana@cliente.example")
    await ask_for_link(browser, open_firm.id, "ana@cliente.example")
    sent = {mail["to"]: mail for mail in await mails(api, "ana@cliente.example")}
    assert set(sent) == {"Ana@cliente.example", "ana@cliente.example"}
    assert "Ana Mayúscula" in sent["Ana@cliente.example"]["text"]
    assert "Ana Mayúscula" not in sent["ana@cliente.example"]["text"]


async def test_an_address_that_is_none_is_said_so(api, open_firm, browser):
    for wrong in ("", "ana", "ana@", "a" * 300 + "@x.example"):
        seen = await ask_for_link(browser, open_firm.id, wrong)
        assert seen.status == 422, wrong
        assert "aria-invalid" in seen.source
    assert (await api.get("/messages")).json()["data"] == []


async def test_too_many_links_to_one_address(api, open_firm, browser):
    await new_client(api)
    for email in (EMAIL, STRANGER):
        answers = [await ask_for_link(browser, open_firm.id, email) for _ in range(4)]
        assert [seen.status for seen in answers] == [200, 200, 200, 429], email
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert "Podrás volver a probar dentro de" in answers[-1].text
    assert len(await mails(api)) == 3


async def test_too_many_links_from_one_place(app, api, open_firm, browser, superuser):
    answers = [await ask_for_link(browser, open_firm.id, f"n{n}@x.example") for n in range(11)]
    assert [seen.status for seen in answers] == [200] * 10 + [429]
    async with in_process(app, address="198.51.100.20") as http:
        assert (await ask_for_link(Browser(http), open_firm.id)).status == 200
    subjects = superuser.execute("select subject from rate_windows").fetchall()
    assert not [subject for (subject,) in subjects if "x.example" in subject]


async def test_a_form_from_elsewhere_is_refused(api, open_firm, browser):
    await new_client(api)
    path = f"/portal/{open_firm.id}/sign-in"
    assert (await browser.post(path, {"email": EMAIL})).status == 403
    link = await invited(
        api, await new_client(api, "Otra", email="otra@cliente.example"), "otra@cliente.example"
    )
    assert (await browser.post(link, {})).status == 403
    assert await mails(api) == []
    assert (await browser.open(link)).status == 200


async def test_it_goes_on_to_where_the_client_was_going(api, open_firm, browser):
    await new_client(api)
    for wanted, reached in (
        ("/portal/access", "/portal/access"),
        ("/portal/access?x=1&y=%2F", "/portal/access?x=1&y=%2F"),
        ("https://evil.example/", "/portal"),
        ("//evil.example/", "/portal"),
        ("/\\evil.example/", "/portal"),
        ("/\t/evil.example", "/portal"),
        ("javascript:alert(1)", "/portal"),
        ("", "/portal"),
    ):
        await ask_for_link(browser, open_firm.id, next_path=wanted)
        seen = await come_in(browser, links_in((await mails(api))[0])[0])
        assert seen.url == f"http://testserver{reached}", wanted
        await _forget_throttle(browser)


async def _forget_throttle(browser: Browser) -> None:
    """Each try is another person's, elsewhere."""
    app = browser.http._transport.app
    await app.state.database.read("delete from rate_windows returning 1", {}, system=True)


async def test_no_portal_where_there_is_no_firm(browser, firm):
    for tenant in ("tenant_01m7wbgc28efz8dbeq636vqtdj", "nobody", "portal"):
        assert (await browser.open(f"/portal/{tenant}/sign-in")).status == 404
        assert (await browser.open(f"/portal/{tenant}/links/x")).status == 404


async def test_the_portal_without_a_session_leads_to_the_door_used_last(api, firm, browser):
    assert (await browser.open("/portal")).status == 403
    await browser.open(f"/portal/{firm.id}/sign-in")
    door = f"http://testserver/portal/{firm.id}/sign-in"
    assert (await browser.open("/portal")).url == door
    assert (await browser.open("/portal/access?x=1")).url == f"{door}?next=%2Fportal%2Faccess%3Fx%3D1"


async def test_whoever_is_in_already_may_go_on(api, firm, browser):
    await come_in(browser, await invited(api, await new_client(api)))
    seen = await browser.open(f"/portal/{firm.id}/sign-in?next=/portal/access")
    assert "Ya has entrado como Ana Gil" in seen.text
    assert "/portal/access" in seen.html.links


async def test_a_firms_sandbox_has_a_portal_of_its_own(app, firm, browser):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        link = await invited(sandbox, await new_client(sandbox))
        assert firm.sandbox_id in link
        seen = await come_in(browser, link)
    assert "Entorno de pruebas" in seen.text


async def test_signing_out_ends_the_session(api, firm, browser):
    seen = await come_in(browser, await invited(api, await new_client(api)))
    cookie = browser.http.cookies["conecta_session"]
    (form,) = [form for form in seen.html.forms if form.action == "/portal/sign-out"]
    seen = await browser.submit(seen, form)
    assert seen.url == f"http://testserver/portal/{firm.id}/sign-in"
    assert "conecta_session" not in browser.http.cookies
    browser.http.cookies["conecta_session"] = cookie
    assert not await session_lives(None, browser)


@pytest.mark.parametrize(("language", "spoken"), [("en", "en"), ("fr", "en"), ("ca", "es"), ("es", "es")])
async def test_the_portal_speaks_the_clients_language(app, api, firm, language, spoken):
    client = await new_client(api, language=language)
    link = await invited(api, client)
    title = {"es": "Tus expedientes", "en": "Your cases"}[spoken]
    async with in_process(app, **{"Accept-Language": "es" if spoken == "en" else "en"}) as http:
        browser = Browser(http)
        seen = await come_in(browser, link)
        assert title in seen.text
        assert f'<html lang="{spoken}">' in seen.source
        assert seen.headers["content-language"] == spoken
    assert (await mails(api))[0]["language"] == spoken


async def test_a_client_may_choose_the_other_language(app, api, firm, browser):
    seen = await come_in(browser, await invited(api, await new_client(api)))
    form = next(form for form in seen.html.forms if form.action == "/language")
    seen = await browser.submit(seen, form, button=("language", "en"))
    assert "Your cases" in seen.text
