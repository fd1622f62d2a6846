"""The team: who may do what, whom that is done to, and that the last owner cannot be locked out."""

import pytest

from tests.pages.conftest import Browser, forms_of, new_browser, sign_in

PATH = "/panel/team"


@pytest.fixture
async def luis(api):
    """A provider of the firm."""
    answer = await api.post(
        "/users", json={"name": "Luis Pla", "email": "luis@example.com", "role": "provider"}
    )
    return answer.json()["id"]


@pytest.fixture
async def admin(app, firm, api):
    """An administrator of the firm, signed in."""
    wanted = {"name": "Ada Admin", "email": "ada@example.com", "role": "admin"}
    new = (await api.post("/users", json=wanted)).json()
    async with new_browser(app, await sign_in(app, firm.id, new["id"])) as client:
        yield Browser(client)


async def member(api, user_id):
    return (await api.get(f"/users/{user_id}")).json()


async def test_the_team_is_listed_with_roles(owner, luis):
    page = await owner.get(PATH)
    assert page.status_code == 200
    for words in ("Núria Íñiguez", "Titular", "Luis Pla", "Profesional", "luis@example.com"):
        assert words in page.text


async def test_name_and_role_change(owner, api, luis):
    answer = await owner.send(
        f"{PATH}/{luis}", {"name": "Luis Plà", "role": "admin"}, action=f"{PATH}/{luis}"
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == PATH
    found = await member(api, luis)
    assert (found["name"], found["role"]) == ("Luis Plà", "admin")


async def test_a_role_that_does_not_exist_is_refused_at_its_field(owner, api, luis):
    answer = await owner.send(f"{PATH}/{luis}", {"name": "Otro", "role": "boss"}, action=f"{PATH}/{luis}")
    assert answer.status_code == 422
    assert 'id="e-role"' in answer.text
    assert (await member(api, luis))["name"] == "Luis Pla"


async def test_an_empty_name_keeps_the_form(owner, api, luis):
    answer = await owner.send(f"{PATH}/{luis}", {"name": " ", "role": "assistant"}, action=f"{PATH}/{luis}")
    assert answer.status_code == 422
    assert "No puede estar vacío." in answer.text
    sent = next(form for form in forms_of(answer.text) if form.action == f"{PATH}/{luis}")
    assert sent.values["role"] == "assistant"
    assert (await member(api, luis))["role"] == "provider"


async def test_what_somebody_else_changed_is_not_overwritten_unseen(owner, api, luis):
    opened = await owner.get(f"{PATH}/{luis}")
    await api.patch(f"/users/{luis}", json={"role": "assistant"})
    answer = await owner.send_from(opened, {"role": "admin"}, action=f"{PATH}/{luis}")
    assert answer.status_code == 412
    assert "mientras tanto" in answer.text
    assert (await member(api, luis))["role"] == "assistant"


async def test_who_is_deactivated_is_out_at_once_and_may_come_back(app, owner, firm, api, luis):
    async with new_browser(app, await sign_in(app, firm.id, luis)) as client:
        theirs = Browser(client)
        assert (await theirs.get("/panel")).status_code == 200
        asked = await owner.get(f"{PATH}/{luis}/deactivate")
        assert "Luis Pla" in asked.text
        assert (await member(api, luis))["active"] is True
        answer = await owner.send_from(asked, action=f"{PATH}/{luis}/deactivate")
        assert answer.status_code == 303
        assert (await member(api, luis))["active"] is False
        assert (await theirs.get("/panel")).headers["location"].startswith("/sign-in")
        await owner.send(f"{PATH}/{luis}", action=f"{PATH}/{luis}/activate")
        assert (await member(api, luis))["active"] is True


async def test_the_last_owner_stays(owner, firm, api):
    path = f"{PATH}/{firm.owner_id}"
    answer = await owner.send(f"{path}/deactivate", action=f"{path}/deactivate")
    assert answer.status_code == 409
    assert "única persona titular" in answer.text
    answer = await owner.send(path, {"role": "admin"}, action=path)
    assert answer.status_code == 409
    found = await member(api, firm.owner_id)
    assert (found["role"], found["active"]) == ("owner", True)


async def test_an_admin_makes_no_owner_and_unmakes_none(admin, api, firm, luis):
    answer = await admin.send(f"{PATH}/{luis}", {"role": "owner"}, action=f"{PATH}/{luis}")
    assert answer.status_code == 422
    assert "Solo una persona titular" in answer.text
    assert (await member(api, luis))["role"] == "provider"
    path = f"{PATH}/{firm.owner_id}"
    for answer in (
        await admin.send(path, {"role": "admin"}, action=path),
        await admin.send(path, {"name": "Otra"}, action=path),
        await admin.send(f"{path}/deactivate", action=f"{path}/deactivate"),
    ):
        assert answer.status_code == 422
    found = await member(api, firm.owner_id)
    assert (found["role"], found["active"], found["name"]) == ("owner", True, "Núria Íñiguez")


async def test_an_admin_changes_the_others(admin, api, luis):
    answer = await admin.send(f"{PATH}/{luis}", {"role": "assistant"}, action=f"{PATH}/{luis}")
    assert answer.status_code == 303
    assert (await member(api, luis))["role"] == "assistant"


async def test_a_change_is_written_in_the_log(owner, firm, luis, superuser):
    await owner.send(f"{PATH}/{luis}", {"role": "admin"}, action=f"{PATH}/{luis}")
    row = superuser.execute(
        "select actor_kind, actor_id, target, details from audit_entries where action = 'member.changed'"
    ).fetchone()
    assert row[:3] == ("user", firm.owner_id, luis)
    assert row[3]["after"] == {"role": "admin"}


@pytest.mark.parametrize("role", ["provider", "assistant"])
async def test_others_do_not_administer_the_team(app, firm, api, luis, role):
    await api.patch(f"/users/{luis}", json={"role": role})
    async with new_browser(app, await sign_in(app, firm.id, luis)) as client:
        theirs = Browser(client)
        for path in ("", "/invite", "/invitations", f"/{firm.owner_id}", f"/{luis}/deactivate"):
            assert (await theirs.get(PATH + path)).status_code == 403, path
        for path in ("/invite", f"/{luis}", f"/{luis}/activate", f"/{firm.owner_id}/deactivate"):
            assert (await theirs.post(PATH + path)).status_code == 403, path
    assert (await member(api, firm.owner_id))["active"] is True


async def test_members_of_another_firm_do_not_exist_here(owner, other_firm, app):
    other = f"{PATH}/{other_firm.owner_id}"
    assert (await owner.get(other)).status_code == 404
    assert (await owner.get(f"{other}/deactivate")).status_code == 404
    token = forms_of((await owner.get(PATH)).text)[0].values["csrf_token"]
    for path in (other, f"{other}/deactivate", f"{other}/activate"):
        answer = await owner.post(path, {"csrf_token": token, "name": "Robada", "role": "admin"})
        assert answer.status_code == 404
    async with other_firm.client(app) as theirs:
        found = (await theirs.get(f"/users/{other_firm.owner_id}")).json()
    assert (found["name"], found["active"]) == ("Núria Íñiguez", True)


async def test_a_long_team_has_pages(owner, firm, superuser):
    superuser.execute(
        "insert into people (id, email, name, created_at, updated_at, version)"
        " select 'per_' || i, 'p' || i || '@example.com', 'P', now(), now(), 1 from generate_series(1, 40) i"
    )
    superuser.execute(
        "insert into users (tenant_id, id, person_id, name, email, role, active, created_at, updated_at,"
        " version) select %s, 'usr_' || i, 'per_' || i, 'Persona ' || i || '.', 'p' || i || '@example.com',"
        " 'provider', true, now() + i * interval '1 second', now(), 1 from generate_series(1, 40) i",
        [firm.id],
    )
    first = await owner.get(PATH)
    assert "Persona 24." in first.text
    assert "Persona 25." not in first.text
    onwards = first.text.partition('class="pager"')[2].partition('href="')[2].partition('"')[0]
    second = await owner.get(onwards.replace("&amp;", "&"))
    assert "Persona 25." in second.text
    assert "Persona 40." in second.text
    assert 'href="/panel/team"' in second.text.partition('class="pager"')[2]
