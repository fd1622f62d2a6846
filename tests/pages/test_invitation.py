"""The link of an invitation: who is new sets a password and joins, who is known signs in to join."""

import asyncio

import pytest

from tests.people.arrange import (
    ANOTHER,
    PASSWORD,
    audited,
    fill,
    give_password,
    link_in,
    mails_to,
    new_browser,
    whoami,
)

LUIS = {"name": "Luis Pla", "email": "luis@example.com", "role": "provider"}


@pytest.fixture
async def browser(app):
    made = new_browser(app)
    yield made
    await made.http.aclose()


async def a_link(app, api, superuser, **more) -> str:
    answer = await api.post("/invitations", json={**LUIS, **more})
    assert answer.status_code == 201, answer.text
    return link_in(mails_to(app, superuser, more.get("email", LUIS["email"]))[-1])


async def member_elsewhere(app, other_firm, superuser):
    """Somebody who can sign in and is a member of another firm."""
    async with other_firm.client(app) as other:
        made = (await other.post("/users", json={**LUIS, "name": "L. Pla Roig"})).json()
    return await give_password(app, superuser, made["id"])


def members(superuser, tenant_id: str) -> list[tuple]:
    return superuser.execute(
        "select name, email, role, active from users where tenant_id = %s order by id", [tenant_id]
    ).fetchall()


async def closed(browser, path: str) -> None:
    seen = await browser.open(path)
    assert (seen.status, "La invitación ya no vale" in seen.text) == (410, True)


# --- who is new ---------------------------------------------------------------------------------------


async def test_new_person_sets_a_password_and_is_in(app, api, browser, firm, superuser):
    link = await a_link(app, api, superuser)
    page = await browser.open(link)
    assert "Bufete Prueba" in page.text
    assert LUIS["email"] in page.text
    seen = await fill(browser, page, name="Lluís Pla", password=ANOTHER)
    assert seen.url == "http://testserver/panel"
    assert "Ya formas parte de Bufete Prueba." in seen.text
    me = await whoami(app, browser)
    assert (me.tenant_id, me.role, me.name, me.email) == (firm.id, "provider", "Lluís Pla", LUIS["email"])
    assert members(superuser, firm.id)[-1] == ("Lluís Pla", LUIS["email"], "provider", True)
    (row,) = (await api.get("/invitations")).json()["data"]
    assert (row["status"], row["user_id"]) == ("accepted", me.user_id)
    assert audited(superuser, firm.id) == ["member.invited", "member.joined", "sign_in.succeeded"]
    other = new_browser(app)
    await other.sign_in(LUIS["email"], ANOTHER)
    assert await whoami(app, other) is not None


async def test_new_person_may_enter_the_firms_sandbox(app, api, browser, firm, superuser):
    from conecta.sessions import service as sessions

    await fill(browser, await a_link(app, api, superuser), name="Luis", password=ANOTHER)
    me = await whoami(app, browser)
    async with app.state.database.transaction(system=True) as session:
        await sessions.switch_firm(session, signed_in=me, tenant_id=firm.sandbox_id)
    assert (await whoami(app, browser)).sandbox


async def test_link_works_once(app, api, browser, firm, superuser):
    link = await a_link(app, api, superuser)
    page = await browser.open(link)
    await fill(new_browser(app), link, name="Luis", password=ANOTHER)
    await closed(browser, link)
    seen = await fill(browser, page, name="Otro", password=ANOTHER)
    assert seen.status == 410
    assert len(members(superuser, firm.id)) == 2


async def test_of_many_who_accept_at_once_one_joins(app, api, firm, superuser):
    link = await a_link(app, api, superuser)
    seen = await asyncio.gather(
        *(fill(new_browser(app), link, name=f"L{n}", password=ANOTHER) for n in range(6))
    )
    assert sorted(page.status for page in seen).count(200) >= 1
    assert sum("/panel" in page.url for page in seen) == 1
    assert len(members(superuser, firm.id)) == 2
    assert superuser.execute("select count(*) from people where email = %s", [LUIS["email"]]).fetchone() == (
        1,
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"password": "corta"}, "al menos 10 caracteres"),
        ({"password": "bufeteprueba"}, "tu correo, tu nombre"),
        ({"password": "luispla1234"}, "tu correo, tu nombre"),
        ({"name": ""}, "Es obligatorio."),
        ({"name": "x" * 201}, "Máximo 200 caracteres"),
    ],
)
async def test_refusals_leave_the_link_good(app, api, browser, firm, superuser, values, reason):
    link = await a_link(app, api, superuser)
    seen = await fill(browser, link, **{"name": "Luis", "password": ANOTHER, **values})
    assert (seen.status, reason in seen.text) == (422, True), seen.text
    assert len(members(superuser, firm.id)) == 1
    await fill(browser, link, name="Luis", password=ANOTHER)
    assert await whoami(app, browser) is not None


async def test_address_and_role_are_not_for_the_invited_to_choose(app, api, browser, firm, superuser):
    link = await a_link(app, api, superuser)
    page = await browser.open(link)
    token = page.html.form("password", "csrf_token").all("csrf_token")[0].value
    forged = {
        "csrf_token": token,
        "name": "L",
        "password": ANOTHER,
        "email": "boss@example.com",
        "role": "owner",
    }
    await browser.post(link, forged, site="same-origin")
    assert members(superuser, firm.id)[-1] == ("L", LUIS["email"], "provider", True)


async def test_member_without_a_password_elsewhere_sets_one(app, api, browser, other_firm, firm, superuser):
    async with other_firm.client(app) as other:
        await other.post("/users", json=LUIS)
    await fill(browser, await a_link(app, api, superuser), name="Luis", password=ANOTHER)
    assert (await whoami(app, browser)).tenant_id == firm.id


@pytest.mark.parametrize("how", ["revoked", "expired", "replaced", "unknown", "rubbish"])
async def test_closed_links(app, api, browser, firm, superuser, how):
    link = await a_link(app, api, superuser)
    if how == "revoked":
        (row,) = (await api.get("/invitations")).json()["data"]
        await api.delete(f"/invitations/{row['id']}")
    elif how == "expired":
        superuser.execute("update invitations set expires_at = now() - interval '1 second'")
    elif how == "replaced":
        await a_link(app, api, superuser)
    else:
        link = "/invitations/" + ("A" * 43 if how == "unknown" else "%00ñ")
    await closed(browser, link)


# --- who is known -------------------------------------------------------------------------------------


async def test_known_person_signs_in_and_accepts(app, api, browser, firm, other_firm, superuser):
    luis = await member_elsewhere(app, other_firm, superuser)
    link = await a_link(app, api, superuser)
    page = await browser.open(link)
    assert "Ya tienes una cuenta con esta dirección" in page.text
    assert "password" not in {name for form in page.html.forms for name in form.names()}
    (entrance,) = [address for address in page.html.links if address.startswith("/sign-in")]
    page = await browser.sign_in(luis.email, PASSWORD, page=await browser.open(entrance))
    assert page.url == f"http://testserver{link}"
    seen = await browser.submit(page, next(f for f in page.html.forms if f.action == link))
    assert seen.url == "http://testserver/panel"
    me = await whoami(app, browser)
    assert (me.tenant_id, me.role, me.person_id) == (firm.id, "provider", luis.id)
    assert len(members(superuser, firm.id)) == 2


async def test_known_person_does_not_join_by_a_new_password(app, api, browser, firm, other_firm, superuser):
    luis = await member_elsewhere(app, other_firm, superuser)
    link = await a_link(app, api, superuser)
    page = await browser.open("/sign-in")
    token = page.html.form("password", "csrf_token").all("csrf_token")[0].value
    fields = {"csrf_token": token, "name": "Luis", "password": ANOTHER}
    seen = await browser.post(link, fields, site="same-origin")
    assert seen.url.startswith("http://testserver/sign-in?next=")
    assert len(members(superuser, firm.id)) == 1
    await browser.sign_in(luis.email, PASSWORD)
    assert await whoami(app, browser) is not None


async def test_somebody_else_who_is_signed_in_does_not_join(app, api, browser, firm, other_firm, superuser):
    await member_elsewhere(app, other_firm, superuser)
    other = await give_password(app, superuser, other_firm.owner_id)
    link = await a_link(app, api, superuser)
    await browser.sign_in(other.email, PASSWORD)
    page = await browser.open(link)
    assert "has entrado con otra cuenta" in page.text
    token = page.html.forms[0].all("csrf_token")[0].value
    seen = await browser.post(link, {"csrf_token": token}, site="same-origin")
    assert (seen.status, "La invitación es para otra dirección" in seen.text) == (403, True)
    assert len(members(superuser, firm.id)) == 1
    assert (await whoami(app, browser)).tenant_id == other_firm.id


async def test_known_person_of_no_firm_joins_by_signing_in(app, api, browser, firm, other_firm, superuser):
    luis = await member_elsewhere(app, other_firm, superuser)
    superuser.execute("update users set active = false where person_id = %s", [luis.id])
    link = await a_link(app, api, superuser)
    page = await browser.open(f"/sign-in?next={link}")
    seen = await browser.sign_in(luis.email, PASSWORD, page=page)
    assert seen.url == "http://testserver/panel"
    me = await whoami(app, browser)
    assert (me.tenant_id, me.role) == (firm.id, "provider")


async def test_person_of_no_firm_does_not_join_by_anothers_link(
    app, api, browser, firm, other_firm, superuser
):
    luis = await member_elsewhere(app, other_firm, superuser)
    superuser.execute("update users set active = false where person_id = %s", [luis.id])
    link = await a_link(app, api, superuser, email="eva@example.com")
    page = await browser.open(f"/sign-in?next={link}")
    seen = await browser.sign_in(luis.email, PASSWORD, page=page)
    assert (seen.status, "no pertenece ahora mismo a ninguna firma" in seen.text) == (422, True)
    assert len(members(superuser, firm.id)) == 1


async def test_who_was_added_meanwhile_keeps_their_role(app, api, browser, firm, superuser):
    link = await a_link(app, api, superuser)
    await api.post("/users", json={**LUIS, "role": "assistant"})
    await fill(browser, link, name="Luis", password=ANOTHER)
    assert (await whoami(app, browser)).role == "assistant"
    assert len(members(superuser, firm.id)) == 2


async def test_in_english(app, api, superuser):
    browser = new_browser(app, **{"Accept-Language": "en"})
    page = await browser.open(await a_link(app, api, superuser))
    assert "You are invited to Bufete Prueba" in page.text
    assert "Accept and sign in" in page.source
