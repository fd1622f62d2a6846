"""The keys that sign access tokens: made once, announced before they sign, kept while their tokens live."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from conecta.kit.crypto import KeyRing
from conecta.oauth import cleanup, signing_keys
from conecta.oauth.signing_keys import NOTICE, SigningKeys

from .arrange import parts_of

_COLUMNS = "id, private_key, public_key, created_at, signs_from"


@pytest.fixture
def no_keys(app, superuser) -> Iterator[None]:
    """An installation that has no key yet; the running application keeps its own."""
    kept = superuser.execute(f"delete from oauth_signing_keys returning {_COLUMNS}").fetchall()
    yield
    superuser.execute("delete from oauth_signing_keys")
    for kid, private, public, created_at, signs_from in kept:
        superuser.execute(
            f"insert into oauth_signing_keys ({_COLUMNS}) values (%s, %s, %s, %s, %s)",
            [kid, private, json.dumps(public), created_at, signs_from],
        )


@pytest.fixture
def copy(app, no_keys):
    """Make what one server process knows of the keys."""

    def made(keyring: KeyRing = app.state.keyring) -> SigningKeys:
        return SigningKeys(app.state.database, keyring)

    return made


def ids(superuser: psycopg.Connection) -> list[str]:
    return [
        row[0]
        for row in superuser.execute("select id from oauth_signing_keys order by created_at").fetchall()
    ]


def later(superuser: psycopg.Connection, by: timedelta) -> None:
    """Let time go by: everything happened so much earlier."""
    superuser.execute(
        "update oauth_signing_keys set created_at = created_at - %s, signs_from = signs_from - %s", [by, by]
    )


async def test_processes_that_start_together_make_one_key(copy, superuser):
    found = await asyncio.gather(*(copy().current() for _ in range(6)))
    assert {key.kid for key in found} == set(ids(superuser))
    assert len(ids(superuser)) == 1


async def test_no_private_half_is_stored_in_the_clear_or_published(copy, superuser):
    keys = copy()
    key = await keys.current()
    secret = key.key.as_dict(private=True)
    (row,) = superuser.execute(
        "select row_to_json(k)::text, private_key from oauth_signing_keys k"
    ).fetchall()
    for member in ("d", "p", "q", "dp", "dq", "qi"):
        assert secret[member] not in row[0]
        assert secret[member].encode() not in row[1]
    (published,) = await keys.published()
    assert published == {
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid, "n": secret["n"], "e": secret["e"],
    }  # fmt: skip


async def test_a_new_key_is_published_before_it_signs(app, copy, superuser):
    first = (await copy().current()).kid
    new = await signing_keys.rotate(app.state.database, app.state.keyring)
    keys = copy()
    assert (await keys.current()).kid == first
    assert {key["kid"] for key in await keys.published()} == {first, new}
    later(superuser, NOTICE)
    assert (await copy().current()).kid == new
    # Copies of our key set are kept for five minutes: every one of them has the key before it signs.
    assert timedelta(seconds=signing_keys.PUBLISHED_FOR) < NOTICE


async def test_rotating_again_while_a_key_waits_makes_no_other(app, copy, superuser):
    await copy().current()
    results = await asyncio.gather(
        *(signing_keys.rotate(app.state.database, app.state.keyring) for _ in range(4))
    )
    assert sum(kid is not None for kid in results) == 1
    assert len(ids(superuser)) == 2


async def test_an_old_key_stays_until_its_last_token_is_dead(app, copy, superuser):
    first = (await copy().current()).kid
    new = await signing_keys.rotate(app.state.database, app.state.keyring)
    database = app.state.database
    # It signs until the new one does; a token lives for an hour after that.
    later(superuser, NOTICE + timedelta(minutes=59))
    await cleanup.delete_expired(database)
    assert ids(superuser) == [first, new]
    later(superuser, timedelta(minutes=15))
    await cleanup.delete_expired(database)
    assert ids(superuser) == [new]
    later(superuser, timedelta(days=400))
    await cleanup.delete_expired(database)
    assert ids(superuser) == [new], "the key that signs never goes"


async def test_a_leaked_key_is_dropped_at_once_with_all_others(app, copy, superuser):
    await copy().current()
    await signing_keys.rotate(app.state.database, app.state.keyring)
    new = await signing_keys.rotate(app.state.database, app.state.keyring, drop_others=True)
    assert ids(superuser) == [new]
    keys = copy()
    assert (await keys.current()).kid == new
    assert [key["kid"] for key in await keys.published()] == [new]


async def test_keys_survive_a_new_root_secret_while_the_old_one_is_kept(copy):
    old, both = KeyRing("old"), KeyRing("new", "old")
    kid = (await copy(old).current()).kid
    assert (await copy(both).current()).kid == kid


async def test_without_the_old_root_secret_a_new_key_signs_and_old_tokens_are_still_checked(copy, superuser):
    kid = (await copy(KeyRing("lost")).current()).kid
    keys = copy(KeyRing("new"))
    assert (await keys.current()).kid != kid
    assert kid in await keys.public()
    assert len(ids(superuser)) == 2


async def test_a_process_that_sees_only_damage_makes_a_key(copy, superuser):
    await copy().current()
    superuser.execute(
        "update oauth_signing_keys set private_key = 'damaged', signs_from = now() + interval '1 hour'"
    )
    assert (await copy().current()).kid in ids(superuser)


async def test_made_up_names_of_keys_do_not_cost_a_query_each(copy, superuser):
    keys = copy()
    await keys.current()
    for _ in range(10):
        await keys.look_again()
    superuser.execute("delete from oauth_signing_keys")
    # Enough was read within ten seconds: what is known is believed.
    assert await keys.look_again()


async def test_a_token_names_its_key_and_lives_an_hour(browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    header, claims = parts_of(tokens["access_token"])
    published = (await vendor.http.get("/oauth/jwks")).json()["keys"]
    assert header["kid"] in {key["kid"] for key in published}
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - datetime.now(UTC).timestamp()) < 60
