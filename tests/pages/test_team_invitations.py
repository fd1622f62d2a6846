"""Invitations from the panel: one mail each, to read on the page what went wrong, and to take back."""

import asyncio
import re

import pytest

from tests.pages.conftest import Browser, forms_of, new_browser, sign_in

PATH = "/panel/team/invite"
IRIS = {"name": "Iris Coll", "email": "iris@example.com", "role": "assistant"}


async def links(api, to="iris@example.com"):
    """Return the links of the mails to an address, the newest first."""
    listed = (await api.get("/messages", params={"to": to})).json()["data"]
    found = []
    for message in listed:
        detail = (await api.get(f"/messages/{message['id']}")).json()
        found.append(re.search(r"/invitations/[\w-]+", str(detail))[0])
    return found


async def invitations(api):
    return (await api.get("/invitations")).json()["data"]


async def test_somebody_is_invited_and_finds_the_link_in_their_mail(owner, visitor, api):
    answer = await owner.send(PATH, IRIS, action=PATH)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/panel/team"
    page = await owner.get("/panel/team")
    assert "Iris Coll" in page.text
    assert "Pendiente" in page.text
    (link,) = await links(api)
    asked = await visitor.get(link)
    assert asked.status_code == 200
    assert "iris@example.com" in asked.text
    (found,) = await invitations(api)
    assert (found["role"], found["status"]) == ("assistant", "pending")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"email": "no-es-correo"}, "email"), ({"name": ""}, "name"), ({"role": "boss"}, "role")],
)
async def test_a_mistake_keeps_what_was_typed(owner, api, wrong, field):
    answer = await owner.send(PATH, {**IRIS, **wrong}, action=PATH)
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    kept = next(form for form in forms_of(answer.text) if form.action == PATH).values
    assert kept["name"] == {**IRIS, **wrong}["name"]
    assert kept["email"] == {**IRIS, **wrong}["email"]
    assert await invitations(api) == []
    assert await links(api) == []


async def test_who_is_a_member_is_not_invited(owner, api):
    answer = await owner.send(PATH, {**IRIS, "email": "OWNER-bufete-prueba@example.com"}, action=PATH)
    assert answer.status_code == 409
    assert "Ya es miembro de la firma." in answer.text
    assert await invitations(api) == []


async def test_a_form_sent_five_times_at_once_sends_one_mail(owner, api):
    page = await owner.get(PATH)
    answers = await asyncio.gather(*(owner.send_from(page, IRIS, action=PATH) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {303, 409}
    assert 303 in {answer.status_code for answer in answers}
    assert len(await links(api)) == 1
    again = await owner.send_from(page, IRIS, action=PATH)
    assert again.status_code == 303
    assert len(await links(api)) == 1


async def test_a_second_mail_takes_the_place_of_the_first(owner, visitor, api):
    await owner.send(PATH, IRIS, action=PATH)
    (first,) = await links(api)
    (invitation,) = await invitations(api)
    action = f"/panel/team/invitations/{invitation['id']}/resend"
    answer = await owner.send("/panel/team", action=action)
    assert answer.status_code == 303
    found = await links(api)
    assert len(found) == 2
    fresh = next(link for link in found if link != first)
    assert (await visitor.get(fresh)).status_code == 200
    assert (await visitor.get(first)).status_code != 200


async def test_one_that_was_taken_back_opens_nothing(owner, visitor, api):
    await owner.send(PATH, IRIS, action=PATH)
    (link,) = await links(api)
    (invitation,) = await invitations(api)
    action = f"/panel/team/invitations/{invitation['id']}/revoke"
    asked = await owner.get(action)
    assert "iris@example.com" in asked.text
    assert (await invitations(api))[0]["status"] == "pending"
    answer = await owner.send_from(asked, action=action)
    assert answer.status_code == 303
    assert (await invitations(api))[0]["status"] == "revoked"
    assert (await visitor.get(link)).status_code != 200
    page = await owner.get("/panel/team/invitations")
    assert "Retirada" in page.text


async def test_an_admin_invites_no_owner(app, firm, api):
    new = await api.post("/users", json={"name": "Ada", "email": "ada@example.com", "role": "admin"})
    async with new_browser(app, await sign_in(app, firm.id, new.json()["id"])) as client:
        admin = Browser(client)
        page = await admin.get(PATH)
        assert 'value="owner"' not in page.text
        answer = await admin.send_from(page, {**IRIS, "role": "owner"}, action=PATH)
    assert answer.status_code == 422
    assert "Solo una persona titular" in answer.text
    assert await invitations(api) == []


async def test_invitations_of_another_firm_do_not_exist_here(owner, app, other_firm):
    async with new_browser(app, await sign_in(app, other_firm.id, other_firm.owner_id)) as client:
        await Browser(client).send(PATH, IRIS, action=PATH)
    async with other_firm.client(app) as theirs:
        (invitation,) = (await theirs.get("/invitations")).json()["data"]
        path = f"/panel/team/invitations/{invitation['id']}"
        assert (await owner.get(f"{path}/revoke")).status_code == 404
        token = forms_of((await owner.get(PATH)).text)[0].values["csrf_token"]
        for action in ("revoke", "resend"):
            answer = await owner.post(f"{path}/{action}", {"csrf_token": token, "once": "x"})
            assert answer.status_code == 404
        assert (await theirs.get("/invitations")).json()["data"] == [invitation]
    assert "iris@example.com" not in (await owner.get("/panel/team/invitations")).text


async def test_a_sandbox_invites_into_itself_alone(in_sandbox, app, firm, api):
    page = await in_sandbox.get(PATH)
    assert "solo podrá entrar en el entorno de pruebas" in page.text
    await in_sandbox.send_from(page, IRIS, action=PATH)
    assert await invitations(api) == []
    async with firm.client(app, firm.sandbox_key) as sandbox:
        assert [row["email"] for row in await invitations(sandbox)] == ["iris@example.com"]
