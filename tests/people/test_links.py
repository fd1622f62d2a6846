"""One-time links: a secret that opens once, of one purpose, for as long as it was meant to."""

import asyncio
from datetime import timedelta

import pytest

from conecta.people import service as people

LONG = timedelta(hours=1)


@pytest.fixture
def in_system(app):
    """Run one of the service's functions in a system transaction of its own."""

    async def run(work, **arguments):
        async with app.state.database.transaction(system=True) as session:
            return await work(session, app.state.keyring, **arguments)

    return run


async def test_link_opens_once(in_system, person):
    secret = await in_system(
        people.make_link, purpose="p", lifetime=LONG, person_id=person.id, email="a@b.es", data={"n": 1}
    )
    for _ in range(2):
        seen = await in_system(people.peek_link, purpose="p", secret=secret)
        assert (seen.person_id, seen.email, seen.data) == (person.id, "a@b.es", {"n": 1})
    used = await in_system(people.use_link, purpose="p", secret=secret)
    assert used == seen
    assert await in_system(people.use_link, purpose="p", secret=secret) is None
    assert await in_system(people.peek_link, purpose="p", secret=secret) is None


async def test_of_many_at_once_one_gets_it(in_system):
    secret = await in_system(people.make_link, purpose="p", lifetime=LONG)
    found = await asyncio.gather(*(in_system(people.use_link, purpose="p", secret=secret) for _ in range(20)))
    assert sum(link is not None for link in found) == 1


async def test_rollback_opens_it_again(app, in_system):
    secret = await in_system(people.make_link, purpose="p", lifetime=LONG)

    async def fail() -> None:
        async with app.state.database.transaction(system=True) as session:
            assert await people.use_link(session, app.state.keyring, purpose="p", secret=secret)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await in_system(people.use_link, purpose="p", secret=secret) is not None


async def test_link_of_another_purpose_opens_nothing(in_system):
    secret = await in_system(people.make_link, purpose="p", lifetime=LONG)
    assert await in_system(people.use_link, purpose="q", secret=secret) is None
    assert await in_system(people.use_link, purpose="p", secret=secret) is not None


async def test_link_that_expired(in_system, superuser):
    secret = await in_system(people.make_link, purpose="p", lifetime=timedelta(seconds=-1))
    assert await in_system(people.use_link, purpose="p", secret=secret) is None


@pytest.mark.parametrize("secret", ["", "x", "A" * 43, "A" * 10_000, "ñ", "\x00"])
async def test_secrets_nobody_was_given(in_system, secret):
    await in_system(people.make_link, purpose="p", lifetime=LONG)
    assert await in_system(people.use_link, purpose="p", secret=secret) is None
    assert await in_system(people.peek_link, purpose="p", secret=secret) is None


async def test_secret_is_stored_as_a_keyed_hash_only(app, in_system, superuser):
    secret = await in_system(people.make_link, purpose="p", lifetime=LONG)
    assert secret not in str(superuser.execute("select l::text from one_time_links l").fetchall())
    (stored,) = superuser.execute("select hash from one_time_links").fetchone()
    assert bytes(stored) == app.state.keyring.hashes("one-time links", secret)[0]


async def test_closing_leaves_those_of_others_and_of_other_purposes(app, api, in_system, person, firm):
    client = (await api.post("/clients", json={"name": "Ana"})).json()["id"]
    other = (await api.post("/clients", json={"name": "Eva"})).json()["id"]
    made = {
        name: await in_system(people.make_link, lifetime=LONG, **of)
        for name, of in {
            "mine": {"purpose": "p", "person_id": person.id},
            "other purpose": {"purpose": "q", "person_id": person.id},
            "of nobody": {"purpose": "p"},
            "of a client": {"purpose": "p", "tenant_id": firm.id, "client_id": client},
            "of another client": {"purpose": "p", "tenant_id": firm.id, "client_id": other},
        }.items()
    }
    async with app.state.database.transaction(system=True) as session:
        await people.close_links(session, purpose="p", person_id=person.id)
        await people.close_links(session, purpose="p", tenant_id=firm.id, client_id=client)
        await people.close_links(session, purpose="p", tenant_id=firm.id)
        await people.close_links(session, purpose="p")
    still_open = {
        name
        for name, secret in made.items()
        if await in_system(people.peek_link, purpose="q" if "purpose" in name else "p", secret=secret)
    }
    assert still_open == {"other purpose", "of nobody", "of another client"}


async def test_expired_links_are_deleted_in_the_end(app, in_system, superuser):
    await in_system(people.make_link, purpose="p", lifetime=timedelta(days=-2))
    await in_system(people.make_link, purpose="p", lifetime=timedelta(hours=-2))
    assert await people.delete_expired_links(app.state.database) == 1
    assert superuser.execute("select count(*) from one_time_links").fetchone() == (1,)
