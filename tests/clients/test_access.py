"""Inviting a client, shutting one out, and what the firm's rule says, by the API."""

import pytest

from conecta.auth.scopes import Scope
from conecta.clients.access import queries
from tests.clients.access import EMAIL, come_in, invited, links_in, mails, new_client, session_lives, set_rule
from tests.firms import make_key
from tests.oauth.browserless import Browser, in_process


@pytest.fixture
async def browser(app):
    async with in_process(app) as http:
        yield Browser(http)


def stored(superuser) -> dict[str, list]:
    tables = ("client_access", "messages", "one_time_links", "sessions", "audit_entries")
    return {table: superuser.execute(f"select * from {table} order by 1, 2").fetchall() for table in tables}


async def test_a_client_starts_without_access(api, firm):
    client = await new_client(api)
    answer = await api.get(f"/clients/{client}/access")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "client_id": client,
        "status": "none",
        "can_sign_in": False,
        "sign_in_url": f"http://testserver/portal/{firm.id}/sign-in",
        "invited_at": None,
        "last_signed_in_at": None,
        "revoked_at": None,
    }


async def test_an_invitation_mails_a_link_that_lets_in_once(api, firm, browser):
    client = await new_client(api)
    answer = await api.post(f"/clients/{client}/access")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["status"], answer.json()["can_sign_in"]) == ("invited", True)
    assert answer.json()["invited_at"]
    (mail,) = await mails(api)
    assert mail["subject"] == "Bufete Prueba: tu acceso al portal de clientes"
    assert "Ana Gil" in mail["text"]
    (link,) = links_in(mail)
    seen = await come_in(browser, link)
    assert (seen.status, seen.url) == (200, "http://testserver/portal")
    now = (await api.get(f"/clients/{client}/access")).json()
    assert now["status"] == "active"
    assert now["last_signed_in_at"]
    again = await browser.open(link)
    assert again.status == 410


async def test_the_link_is_stored_nowhere(api, superuser):
    client = await new_client(api)
    secret = (await invited(api, client)).rpartition("/")[2]
    for table in ("one_time_links", "messages", "audit_entries", "client_access"):
        rows = superuser.execute(f"select t::text from {table} t").fetchall()
        assert rows, table
        assert not [row for row in rows if secret in row[0]], table


async def test_opening_the_link_uses_nothing_up(api, browser):
    """Programs that look at mail open every link; only the button signs in."""
    client = await new_client(api)
    link = await invited(api, client)
    for _ in range(3):
        assert (await browser.open(link)).status == 200
    assert (await api.get(f"/clients/{client}/access")).json()["status"] == "invited"
    assert not await session_lives(None, browser)
    assert (await come_in(browser, link)).status == 200


async def test_inviting_again_mails_another_link(api, browser):
    client = await new_client(api)
    first = await invited(api, client)
    second = await invited(api, client)
    assert first != second
    assert (await come_in(browser, first)).status == 200
    # What else lies in the mailbox has done its work.
    assert (await browser.open(second)).status == 410
    third = await api.post(f"/clients/{client}/access")
    assert (third.status_code, third.json()["status"]) == (201, "active")


async def test_a_company_comes_in_too(api, browser):
    client = await new_client(api, "Construcciones Ejemplo, S.L.", kind="company")
    seen = await come_in(browser, await invited(api, client))
    assert "Construcciones Ejemplo, S.L." in seen.text


async def test_the_mail_speaks_the_clients_language(api):
    client = await new_client(api, language="en")
    await invited(api, client)
    assert (await mails(api))[0]["subject"] == "Bufete Prueba: your access to the client portal"


@pytest.mark.parametrize(
    ("arrange", "code"),
    [("no_address", "client_without_email"), ("archived", "client_archived"), ("off", "client_access_off")],
)
async def test_who_cannot_be_invited(api, superuser, arrange, code):
    client = await new_client(api, **({"email": None} if arrange == "no_address" else {}))
    if arrange == "archived":
        await api.post(f"/clients/{client}/archive")
    if arrange == "off":
        await set_rule(api, "off")
    before = stored(superuser)
    answer = await api.post(f"/clients/{client}/access")
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert stored(superuser) == before


async def test_an_unknown_client_is_not_found(api, superuser):
    before = stored(superuser)
    for client in ("cli_01m7wbgc28efz8dbeq636vqtdj", "nobody", "usr_01m7wbgc28efz8dbeq636vqtdj"):
        for method in ("GET", "POST", "DELETE"):
            assert (await api.request(method, f"/clients/{client}/access")).status_code == 404
    assert stored(superuser) == before


async def test_another_firm_neither_sees_nor_touches_it(app, api, firm, other_firm, superuser):
    client = await new_client(api)
    await invited(api, client)
    before = stored(superuser)
    async with other_firm.client(app) as thief:
        for method in ("GET", "POST", "DELETE"):
            answer = await thief.request(method, f"/clients/{client}/access")
            assert answer.status_code == 404
    assert stored(superuser) == before


async def test_scopes(app, api, firm):
    client = await new_client(api)
    reader = await make_key(app, firm.id, [Scope.CLIENTS_READ])
    async with firm.client(app, reader) as caller:
        assert (await caller.get(f"/clients/{client}/access")).status_code == 200
        assert (await caller.post(f"/clients/{client}/access")).status_code == 403
        assert (await caller.delete(f"/clients/{client}/access")).status_code == 403
    assert (await api.get(f"/clients/{client}/access")).json()["status"] == "none"


async def test_a_retry_invites_once(api):
    client = await new_client(api)
    key = {"Idempotency-Key": "una-vez"}
    answers = [await api.post(f"/clients/{client}/access", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(await mails(api)) == 1


async def test_revoking_ends_sessions_and_links(api, browser, superuser):
    client = await new_client(api)
    await come_in(browser, await invited(api, client))
    link = await invited(api, client)
    assert await session_lives(None, browser)
    answer = await api.delete(f"/clients/{client}/access")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not await session_lives(None, browser)
    assert (await browser.open(link)).status == 410
    now = (await api.get(f"/clients/{client}/access")).json()
    assert (now["status"], now["can_sign_in"]) == ("revoked", False)
    assert now["revoked_at"]
    assert superuser.execute("select count(*) from sessions where revoked_at is null").fetchone() == (0,)
    assert (await api.delete(f"/clients/{client}/access")).status_code == 204


async def test_an_invitation_brings_back_whoever_was_shut_out_but_no_session(app, api, browser):
    client = await new_client(api)
    await come_in(browser, await invited(api, client))
    await api.delete(f"/clients/{client}/access")
    link = await invited(api, client)
    assert (await api.get(f"/clients/{client}/access")).json()["status"] == "invited"
    assert not await session_lives(app, browser)
    assert (await come_in(browser, link)).status == 200


async def test_an_archived_client_is_out_until_restored(app, api, browser):
    client = await new_client(api)
    await come_in(browser, await invited(api, client))
    await api.post(f"/clients/{client}/archive")
    assert not await session_lives(app, browser)
    assert (await api.get(f"/clients/{client}/access")).json()["can_sign_in"] is False
    await api.post(f"/clients/{client}/restore")
    assert await session_lives(app, browser)


async def test_switching_access_off_suspends_everybody(app, api, firm, browser):
    client = await new_client(api)
    await come_in(browser, await invited(api, client))
    link = await invited(api, client)
    await set_rule(api, "off")
    assert not await session_lives(app, browser)
    assert (await browser.open(link)).status == 404
    assert (await browser.open(f"/portal/{firm.id}/sign-in")).status == 404
    await set_rule(api, "invitation")
    assert await session_lives(app, browser)


async def test_a_new_address_makes_old_links_worthless(api, browser):
    client = await new_client(api)
    link = await invited(api, client)
    await api.patch(f"/clients/{client}", json={"email": "otra@cliente.example"})
    assert (await browser.open(link)).status == 410
    assert (await api.get(f"/clients/{client}/access")).json()["status"] == "invited"


async def test_the_rule_is_the_firms_own(app, api, other_firm):
    assert (await api.get("/tenant")).json()["client_access"] == "invitation"
    await set_rule(api, "self_service")
    assert (await api.get("/tenant")).json()["client_access"] == "self_service"
    async with other_firm.client(app) as others:
        assert (await others.get("/tenant")).json()["client_access"] == "invitation"
    answer = await api.patch("/tenant", json={"client_access": "anybody"})
    assert answer.status_code == 422
    assert (answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["code"]) == (
        "/client_access",
        "not_allowed",
    )
    answer = await api.patch("/tenant", json={"client_access": None})
    assert answer.json()["errors"][0]["code"] == "required"
    assert (await api.get("/tenant")).json()["client_access"] == "self_service"


async def test_what_was_done_is_in_the_audit_log(api, browser, superuser):
    client = await new_client(api)
    await come_in(browser, await invited(api, client))
    await api.delete(f"/clients/{client}/access")
    rows = superuser.execute(
        "select action, actor_kind, actor_id, target, address from audit_entries"
        " where action like 'client.%' order by created_at, id"
    ).fetchall()
    assert [(action, kind) for action, kind, *_ in rows] == [
        ("client.invited", "firm"),
        ("client.signed_in", "client"),
        ("client.access_revoked", "firm"),
    ]
    assert rows[1][2:] == (client, client, "203.0.113.9")
    assert {row[3] for row in rows} == {client}
    texts = superuser.execute("select a::text from audit_entries a").fetchall()
    assert not [text for (text,) in texts if EMAIL in text]


def test_looking_for_an_address_takes_the_index(firm, superuser):
    """However many clients a firm has: whoever asks for a link must not make us read them all."""
    many = (
        "insert into clients (tenant_id, id, kind, name, email, additional_emails, additional_phones,"
        " language, custom_fields, status, search_words, created_at, updated_at, version)"
        " select %s, 'cli_' || n, 'person', 'n', 'N' || n || '@x.example', '{}', '{}', 'es', '{}', 'active',"
        " 'n', now(), now(), 1 from generate_series(1, 5000) n"
    )
    looked_for = queries._OF_ADDRESS.replace("%(tenant)s", "$1").replace("%(email)s", "$2")
    with superuser.transaction(force_rollback=True):
        superuser.execute(many, [firm.id])
        superuser.execute("analyze clients")
        superuser.execute("set local role conecta_system; set local plan_cache_mode = force_generic_plan")
        superuser.execute(f"prepare looked_for (text, text) as {looked_for}")
        plan = str(superuser.execute("explain execute looked_for ('x', 'n7@x.example')").fetchall())
        superuser.execute("deallocate looked_for")
    assert "ix_clients_tenant_id_email_in_any_case" in plan, plan
