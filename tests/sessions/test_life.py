"""Sessions: how long they live, what ends them at once, where they act, and who the server sees."""

import asyncio
from datetime import timedelta

import pytest

from conecta.auth.scopes import Scope
from conecta.kit.errors import NotFound
from conecta.sessions import service as sessions


@pytest.fixture
def person_id(firm, superuser) -> str:
    (found,) = superuser.execute("select person_id from users where id = %s", [firm.owner_id]).fetchone()
    return found


async def opened(app, person_id: str, tenant_id: str, *, strong: bool = False):
    async with app.state.database.transaction(system=True) as session:
        return await sessions.open_for_person(
            session, app.state.keyring, person_id=person_id, tenant_id=tenant_id, strong=strong
        )


async def found(app, new):
    return await sessions.find(app.state.database, app.state.keyring, new.secret)


async def switched(app, signed_in, tenant_id: str):
    async with app.state.database.transaction(system=True) as session:
        return await sessions.switch_firm(session, signed_in=signed_in, tenant_id=tenant_id)


async def make_client(api, **more) -> str:
    answer = await api.post("/clients", json={"name": "Ana Gil", "email": "ana@example.com", **more})
    return answer.json()["id"]


async def opened_for_client(app, tenant_id: str, client_id: str):
    async with app.state.database.transaction(system=True) as session:
        return await sessions.open_for_client(
            session, app.state.keyring, tenant_id=tenant_id, client_id=client_id
        )


# --- who it is ----------------------------------------------------------------------------------------


async def test_session_knows_who_and_where(app, firm, person_id):
    new = await opened(app, person_id, firm.id, strong=True)
    me = await found(app, new)
    assert (me.session_id, me.kind, me.person_id, me.user_id) == (new.id, "person", person_id, firm.owner_id)
    assert (me.tenant_id, me.firm_id, me.sandbox) == (firm.id, firm.id, False)
    assert (me.role, me.strong, me.client_id) == ("owner", True, None)
    assert (me.plan, me.limits) == ("enterprise", (1000, 100_000))
    assert (me.name, me.email) == ("Núria Íñiguez", "owner-bufete-prueba@example.com")
    assert me.is_fresh


async def test_caller_has_the_scopes_of_the_role(app, api, firm, superuser):
    wanted = {"name": "Luis", "email": "luis@example.com", "role": "assistant"}
    luis = (await api.post("/users", json=wanted)).json()["id"]
    (person,) = superuser.execute("select person_id from users where id = %s", [luis]).fetchone()
    caller = sessions.caller_of(await found(app, await opened(app, person, firm.id)))
    assert (caller.kind, caller.user_id, caller.tenant_id) == ("user", luis, firm.id)
    assert Scope.CASES_WRITE in caller.scopes
    assert not {Scope.ADMIN, Scope.WEBHOOKS} & caller.scopes


async def test_firm_with_limits_of_its_own_and_an_expired_trial(app, firm, person_id, superuser):
    new = await opened(app, person_id, firm.id)
    superuser.execute(
        "update tenants set per_minute_override = 7, trial_until = now() - interval '1 day' where id = %s",
        [firm.id],
    )
    me = await found(app, new)
    assert (me.plan, me.limits) == ("free", (7, 1000))


@pytest.mark.parametrize("secret", ["", "x", "A" * 43, "A" * 1000, "ñ", "\x00"])
async def test_secrets_nobody_was_given(app, firm, secret):
    assert await sessions.find(app.state.database, app.state.keyring, secret) is None


async def test_secret_is_stored_as_a_keyed_hash_only(app, firm, person_id, superuser):
    new = await opened(app, person_id, firm.id)
    assert new.secret not in str(superuser.execute("select s::text from sessions s").fetchall())
    (stored,) = superuser.execute("select hash from sessions").fetchone()
    assert bytes(stored) == app.state.keyring.hashes("sessions", new.secret)[0]


# --- how long it lives --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        ("last_seen_at = now() - interval '11 hours 50 minutes'", True),
        ("last_seen_at = now() - interval '12 hours 1 minute'", False),
        ("expires_at = now() - interval '1 second'", False),
        ("revoked_at = now()", False),
    ],
)
async def test_end_of_a_session(app, firm, person_id, superuser, change, alive):
    new = await opened(app, person_id, firm.id)
    superuser.execute(f"update sessions set {change}")
    assert (await found(app, new) is not None) is alive


async def test_session_lives_two_weeks_at_most(app, firm, person_id, superuser):
    new = await opened(app, person_id, firm.id)
    await found(app, new)
    lifetime = superuser.execute("select expires_at - created_at from sessions").fetchone()
    assert lifetime == (timedelta(days=14),)


async def test_that_it_was_seen_is_written_now_and_then(app, firm, person_id, superuser):
    new = await opened(app, person_id, firm.id)

    def seen_ago() -> timedelta:
        return superuser.execute("select now() - last_seen_at from sessions").fetchone()[0]

    superuser.execute("update sessions set last_seen_at = last_seen_at - interval '4 minutes'")
    await found(app, new)
    assert seen_ago() > timedelta(minutes=3)
    superuser.execute("update sessions set last_seen_at = last_seen_at - interval '2 minutes'")
    await found(app, new)
    assert seen_ago() < timedelta(minutes=1)


async def test_dead_session_does_not_come_back_by_being_used(app, firm, person_id, superuser):
    new = await opened(app, person_id, firm.id)
    superuser.execute("update sessions set last_seen_at = now() - interval '13 hours'")
    for _ in range(2):
        assert await found(app, new) is None


async def test_old_sessions_are_deleted(app, firm, person_id, superuser):
    await opened(app, person_id, firm.id)
    kept = await opened(app, person_id, firm.id)
    superuser.execute("update sessions set expires_at = now() - interval '8 days' where id <> %s", [kept.id])
    assert await sessions.delete_expired(app.state.database) == 1
    assert superuser.execute("select id from sessions").fetchall() == [(kept.id,)]


# --- what ends it at once -----------------------------------------------------------------------------


async def test_member_who_leaves_is_out_at_once_and_may_come_back(app, api, firm, superuser):
    wanted = {"name": "Luis", "email": "luis@example.com", "role": "provider"}
    luis = (await api.post("/users", json=wanted)).json()["id"]
    (person,) = superuser.execute("select person_id from users where id = %s", [luis]).fetchone()
    new = await opened(app, person, firm.id)
    in_sandbox = await opened(app, person, firm.sandbox_id)
    assert await found(app, in_sandbox) is not None
    await api.patch(f"/users/{luis}", json={"active": False})
    assert await found(app, new) is None
    assert await found(app, in_sandbox) is None
    assert await sessions.firms_of(app.state.database, person_id=person) == []
    assert await sessions.home_of(app.state.database, person_id=person) is None
    await api.patch(f"/users/{luis}", json={"active": True})
    assert await found(app, new) is not None


async def test_owner_who_leaves_loses_the_sandbox_too(app, api, firm, person_id):
    """Their own row in the sandbox stays; it must not let them in."""
    await api.post("/users", json={"name": "B", "email": "b@example.com", "role": "owner"})
    in_sandbox = await opened(app, person_id, firm.sandbox_id)
    await api.patch(f"/users/{firm.owner_id}", json={"active": False})
    assert await found(app, in_sandbox) is None


async def test_role_changes_at_once(app, api, firm, person_id):
    await api.post("/users", json={"name": "B", "email": "b@example.com", "role": "owner"})
    new = await opened(app, person_id, firm.id)
    await api.patch(f"/users/{firm.owner_id}", json={"role": "assistant"})
    me = await found(app, new)
    assert me.role == "assistant"
    assert Scope.ADMIN not in sessions.caller_of(me).scopes


async def test_revoking(app, firm, person_id):
    new, other = await opened(app, person_id, firm.id), await opened(app, person_id, firm.id)
    async with app.state.database.transaction(system=True) as session:
        assert not await sessions.revoke(session, session_id=new.id, person_id="per_other")
        assert await sessions.revoke(session, session_id=new.id, person_id=person_id)
        assert not await sessions.revoke(session, session_id=new.id)
    assert await found(app, new) is None
    assert await found(app, other) is not None
    async with app.state.database.transaction(system=True) as session:
        assert await sessions.revoke_others(session, person_id=person_id, keep=None) == 1
    assert await found(app, other) is None


# --- clients of the firm ------------------------------------------------------------------------------


async def test_session_of_a_client(app, api, firm):
    client = await make_client(api, language="en")
    me = await found(app, await opened_for_client(app, firm.id, client))
    assert (me.kind, me.client_id, me.person_id, me.user_id, me.role) == ("client", client, None, None, None)
    assert (me.name, me.email, me.language) == ("Ana Gil", "ana@example.com", "en")
    caller = sessions.caller_of(me)
    assert (caller.kind, caller.client_id, caller.tenant_id) == ("client", client, firm.id)
    assert Scope.CASES_WRITE not in caller.scopes


async def test_what_ends_a_clients_session(app, api, firm, superuser):
    client = await make_client(api)
    new = await opened_for_client(app, firm.id, client)
    await api.post(f"/clients/{client}/archive")
    assert await found(app, new) is None
    await api.post(f"/clients/{client}/restore")
    assert await found(app, new) is not None
    superuser.execute("update tenants set client_access = 'off' where id = %s", [firm.id])
    assert await found(app, new) is None
    superuser.execute("update tenants set client_access = 'invitation' where id = %s", [firm.id])
    async with app.state.database.transaction(system=True) as session:
        assert await sessions.revoke_of_client(session, tenant_id=firm.id, client_id=client) == 1
    assert await found(app, new) is None


async def test_client_of_another_firm_cannot_be_given_a_session(app, api, other_firm):
    from sqlalchemy.exc import IntegrityError

    client = await make_client(api)
    with pytest.raises(IntegrityError):
        await opened_for_client(app, other_firm.id, client)


async def test_client_switches_nowhere(app, api, firm):
    me = await found(app, await opened_for_client(app, firm.id, await make_client(api)))
    with pytest.raises(NotFound):
        await switched(app, me, firm.sandbox_id)


# --- several firms ------------------------------------------------------------------------------------


async def test_switching(app, firm, other_firm, person_id, superuser):
    async with other_firm.client(app) as other:
        wanted = {"name": "N. Íñiguez", "email": "owner-bufete-prueba@example.com", "role": "provider"}
        theirs = (await other.post("/users", json=wanted)).json()["id"]
    new = await opened(app, person_id, firm.id)
    await switched(app, await found(app, new), other_firm.id)
    me = await found(app, new)
    assert (me.tenant_id, me.user_id, me.role, me.name) == (other_firm.id, theirs, "provider", "N. Íñiguez")
    await switched(app, me, other_firm.sandbox_id)
    me = await found(app, new)
    assert (me.tenant_id, me.firm_id, me.sandbox) == (other_firm.sandbox_id, other_firm.id, True)
    assert (me.user_id, me.role) == (theirs, "provider")  # nobody made them a member of the sandbox
    actions = superuser.execute(
        "select tenant_id, actor_kind, actor_id from audit_entries"
        " where action = 'session.firm_switched' order by id"
    ).fetchall()
    assert actions == [(other_firm.id, "person", person_id), (other_firm.sandbox_id, "person", person_id)]


async def test_choices_of_firms(app, firm, other_firm, person_id):
    async with other_firm.client(app) as other:
        wanted = {"name": "N", "email": "owner-bufete-prueba@example.com", "role": "provider"}
        await other.post("/users", json=wanted)
    choices = await sessions.firms_of(app.state.database, person_id=person_id)
    assert [(c.tenant_id, c.name, c.role, c.sandbox_id) for c in choices] == [
        (firm.id, "Bufete Prueba", "owner", firm.sandbox_id),
        (other_firm.id, "Otra Firma", "provider", other_firm.sandbox_id),
    ]


@pytest.mark.parametrize("where", ["other firm", "other sandbox", "nowhere", "rubbish"])
async def test_nobody_switches_to_where_they_do_not_belong(app, firm, other_firm, person_id, where):
    wanted = {
        "other firm": other_firm.id,
        "other sandbox": other_firm.sandbox_id,
        "nowhere": "tenant_nobody",
        "rubbish": "a b",
    }[where]
    new = await opened(app, person_id, firm.id)
    with pytest.raises(NotFound):
        await switched(app, await found(app, new), wanted)
    assert (await found(app, new)).tenant_id == firm.id


async def test_switching_takes_both_forms_of_an_id(app, firm, person_id):
    import uuid

    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    number = 0
    for letter in firm.sandbox_id.removeprefix("tenant_"):
        number = number * 32 + alphabet.index(letter)
    new = await opened(app, person_id, firm.id)
    assert await switched(app, await found(app, new), str(uuid.UUID(int=number))) == firm.sandbox_id


async def test_somebody_of_the_sandbox_alone_acts_there_alone(app, firm, superuser):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        made = (
            await sandbox.post("/users", json={"name": "T", "email": "t@example.com", "role": "admin"})
        ).json()
    (person,) = superuser.execute("select person_id from users where id = %s", [made["id"]]).fetchone()
    new = await opened(app, person, firm.sandbox_id)
    me = await found(app, new)
    assert (me.role, me.sandbox, me.user_id) == ("admin", True, made["id"])
    with pytest.raises(NotFound):
        await switched(app, me, firm.id)
    choices = await sessions.firms_of(app.state.database, person_id=person)
    assert [(c.tenant_id, c.sandbox_id) for c in choices] == [(firm.sandbox_id, None)]


async def test_sandboxes_clock_goes_with_the_session(app, firm, person_id, superuser):
    superuser.execute("update tenants set clock_offset_seconds = 3600 where id = %s", [firm.sandbox_id])
    me = await found(app, await opened(app, person_id, firm.sandbox_id))
    assert me.clock_offset == timedelta(hours=1)
    assert sessions.caller_of(me).clock_offset == timedelta(hours=1)


async def test_many_pages_at_once(app, firm, person_id):
    new = await opened(app, person_id, firm.id)
    seen = await asyncio.gather(*(found(app, new) for _ in range(40)))
    assert {me.session_id for me in seen} == {new.id}
