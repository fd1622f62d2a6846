"""The audit log: what is recorded, who reads it, and that nobody can change it."""

import asyncio

import psycopg
import pytest

from conecta.audit import service as audit
from conecta.audit.actions import ACTIONS
from conecta.audit.service import Actor
from conecta.kit.ids import new_id

ANA = Actor("user", "usr_ana", "Ana Gil")


async def record(app, tenant_id: str, action: str = "tenant.changed", client_id: str = "", **more) -> None:
    async with app.state.database.transaction(tenant_id=tenant_id, client_id=client_id) as session:
        await audit.record(session, tenant_id=tenant_id, action=action, **{"actor": ANA, **more})


async def entries(client, query: str = "") -> list[dict]:
    answer = await client.get(f"/audit-log{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.fixture
async def fresh(firm, superuser) -> None:
    """Forget that the firm's keys were made."""
    superuser.execute("delete from audit_entries")


@pytest.mark.usefixtures("fresh")
async def test_an_entry_says_who_did_what_from_where(app, api):
    made = await api.post(
        "/api-keys", json={"name": "CRM", "scopes": ["read:cases"]}, headers={"User-Agent": "Panel/1.0"}
    )
    (entry,) = await entries(api)
    own = (await api.get("/api-keys?sort=created_at")).json()["data"][0]
    assert entry == {
        "id": entry["id"],
        "action": "api_key.created",
        "description": "Clave de API creada",
        "actor_type": "firm",
        "actor_id": own["id"],
        "actor_name": "Pruebas",
        "target": made.json()["id"],
        "details": {"name": "CRM", "scopes": ["read:cases"]},
        "address": "203.0.113.7",
        "user_agent": "Panel/1.0",
        "created_at": entry["created_at"],
    }
    assert (await api.get(f"/audit-log/{entry['id']}")).json() == entry
    english = await api.get(f"/audit-log/{entry['id']}", headers={"Accept-Language": "en"})
    assert english.json()["description"] == "API key created"


@pytest.mark.usefixtures("fresh")
async def test_what_is_rolled_back_was_not_done(app, api, firm):
    taken = await api.post(
        "/users", json={"name": "X", "email": "owner-bufete-prueba@example.com", "role": "admin"}
    )
    assert taken.status_code == 409
    async with app.state.database.transaction(tenant_id=firm.id) as session:
        nested = await session.begin_nested()
        await audit.record(session, tenant_id=firm.id, action="tenant.changed", actor=ANA)
        await nested.rollback()
    assert await entries(api) == []


async def test_an_act_that_nobody_declared_is_a_fault(app, firm):
    with pytest.raises(ValueError, match="Declare"):
        await record(app, firm.id, "tenant.eaten")


def test_acts_read_well_in_both_languages():
    for name, text in ACTIONS.items():
        assert name == name.lower()
        assert text.es
        assert text.en
        assert text.es != text.en


async def test_nobody_of_the_firm_can_change_or_delete_an_entry(app, firm):
    await record(app, firm.id)
    for statement in ("update audit_entries set actor_name = 'x'", "delete from audit_entries"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await app.state.database.read(statement, {}, tenant_id=firm.id)


@pytest.mark.usefixtures("fresh")
async def test_outside_of_a_request_there_is_no_origin(app, api, firm):
    await record(app, firm.id)
    (entry,) = await entries(api)
    assert (entry["address"], entry["user_agent"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["member.added", "clock.moved", "api_key.revoked", "api_key.created"]),
        ("?action=clock.moved", ["clock.moved"]),
        ("?action=api_key.*", ["api_key.revoked", "api_key.created"]),
        ("?actor_id=usr_ana", ["member.added", "clock.moved"]),
        ("?actor_id=usr_ana&action=member.added", ["member.added"]),
        ("?target=key_1", ["api_key.revoked", "api_key.created"]),
        ("?created_before=2020-01-01T00:00:00Z", []),
        ("?created_after=2020-01-01T00:00:00Z&limit=1", ["member.added"]),
        ("?sort=created_at&limit=2", ["api_key.created", "api_key.revoked"]),
    ],
)
@pytest.mark.usefixtures("fresh")
async def test_list_is_narrowed(app, api, firm, query, expected):
    luis = Actor("user", "usr_luis", "Luis")
    await record(app, firm.id, "api_key.created", actor=luis, target="key_1")
    await record(app, firm.id, "api_key.revoked", actor=luis, target="key_1")
    await record(app, firm.id, "clock.moved")
    await record(app, firm.id, "member.added")
    assert [entry["action"] for entry in await entries(api, query)] == expected


@pytest.mark.parametrize("action", ["nothing", "api_key", "api_key.creatd", "*", ".*", "api_*"])
async def test_an_act_that_does_not_exist_is_refused(api, action):
    answer = await api.get("/audit-log", params={"action": action})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("action", "unknown_action")


@pytest.mark.usefixtures("fresh")
async def test_list_goes_on_where_it_ended(app, api, firm):
    for number in range(5):
        await record(app, firm.id, target=f"t{number}")
    seen, url = [], "/audit-log?limit=2"
    while url:
        answer = await api.get(url)
        seen += [entry["target"] for entry in answer.json()["data"]]
        url = answer.links.get("next", {}).get("url")
    assert seen == ["t4", "t3", "t2", "t1", "t0"]
    assert (await api.get("/audit-log?include=total")).json()["total"] == 5


async def test_other_firms_see_nothing(app, api, firm, other_firm):
    await record(app, firm.id)
    (entry,) = await entries(api, "?action=tenant.changed")
    async with other_firm.client(app) as thief, firm.client(app, firm.sandbox_key) as sandbox:
        for client in (thief, sandbox):
            assert await entries(client, "?action=tenant.changed") == []
            assert (await client.get(f"/audit-log/{entry['id']}")).status_code == 404


@pytest.mark.usefixtures("fresh")
async def test_a_client_records_their_own_acts_and_no_others(app, api, firm):
    client = Actor("client", "cli_1", "Clienta")
    await record(app, firm.id, "client.signed_in", client_id="cli_1", actor=client)
    with pytest.raises(Exception, match="row-level security"):
        await record(app, firm.id, "client.signed_in", client_id="cli_2", actor=client)
    assert [entry["actor_id"] for entry in await entries(api)] == ["cli_1"]


async def test_an_act_of_a_person_is_in_the_log_of_each_of_their_firms(app, api, firm, other_firm, superuser):
    """Active memberships only, firms and not their sandboxes, and whatever the caller rolls back."""
    superuser.execute("delete from audit_entries")
    person = superuser.execute("select person_id from users where id = %s", [firm.owner_id]).fetchone()[0]
    superuser.execute(
        "insert into users (tenant_id, id, person_id, name, email, role, active, created_at, updated_at,"
        " version) values (%s, %s, %s, 'N', 'n@example.com', 'provider', true, now(), now(), 1)",
        [other_firm.id, new_id("usr"), person],
    )
    actor = Actor("person", person, "Núria")
    database = app.state.database
    with pytest.raises(ZeroDivisionError):
        await _recorded_and_rolled_back(database, person, actor)
    async with other_firm.client(app) as other:
        for client in (api, other):
            (entry,) = await entries(client)
            assert (entry["action"], entry["actor_id"], entry["details"]) == (
                "sign_in.failed", person, {"reason": "password"},
            )  # fmt: skip
        superuser.execute("update users set active = false where tenant_id = %s", [other_firm.id])
        await audit.record_for_person(database, person_id=person, action="sign_out", actor=actor)
        assert len(await entries(other)) == 1
        assert len(await entries(api)) == 2
    assert superuser.execute("select count(*) from audit_entries").fetchone() == (3,)
    await audit.record_for_person(database, person_id="per_nobody", action="sign_out", actor=actor)


async def _recorded_and_rolled_back(database, person: str, actor: Actor) -> None:
    async with database.transaction(system=True):
        await audit.record_for_person(
            database, person_id=person, action="sign_in.failed", actor=actor, details={"reason": "password"}
        )
        raise ZeroDivisionError


async def test_many_at_once_who_hold_a_session_do_not_wait_for_each_other(app, firm, superuser):
    """Whoever signs in holds a system's connection while their failure is recorded."""
    person = superuser.execute("select person_id from users where id = %s", [firm.owner_id]).fetchone()[0]
    database = app.state.database

    async def sign_in() -> None:
        async with database.transaction(system=True) as session:
            await session.connection()
            await audit.record_for_person(
                database, person_id=person, action="sign_in.failed", actor=Actor("person", person, "N")
            )

    async with asyncio.timeout(10):
        await asyncio.gather(*(sign_in() for _ in range(30)))
    found = superuser.execute("select count(*) from audit_entries where action = 'sign_in.failed'").fetchone()
    assert found == (30,)
