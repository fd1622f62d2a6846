"""API keys on pages: a secret is seen once, mistakes stay in the form, and what is revoked stops working."""

import re
from datetime import UTC, datetime

import pytest

from conecta.api import PREFIX
from conecta.auth.scopes import SEED_SCOPES, Scope
from tests.webhooks.dispatching import until

SECRET = re.compile(r"sk_(?:live|test)_cnt_[0-9A-Za-z]{36}")
KEY = {"name": "CRM", "scopes": ["read:cases"]}


async def new_key(owner, **values) -> tuple[str, str]:
    """Create a key on its page; return its address there, and its secret."""
    answer = await owner.send("/panel/keys/new", {**KEY, **values})
    assert answer.status_code == 200, answer.text
    listed = await owner.get("/panel/keys")
    return re.search(r'href="(/panel/keys/key_\w+)"', listed.text)[1], SECRET.search(answer.text)[0]


async def works(anonymous, secret: str, **more) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return (await anonymous.get(f"{PREFIX}/cases", headers=headers, **more)).status_code


async def test_a_new_key_is_shown_once_and_works(owner, anonymous):
    answer = await owner.send("/panel/keys/new", KEY)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    secret = SECRET.search(answer.text)[0]
    assert f'data-copy="{"new-key"}"' in answer.text
    assert await works(anonymous, secret) == 200
    listed = await owner.get("/panel/keys")
    assert "CRM" in listed.text
    for page in (listed, await owner.get(re.search(r"/panel/keys/key_\w+", listed.text)[0])):
        assert SECRET.search(page.text) is None


async def test_its_limits_are_kept(owner, superuser, firm):
    await new_key(
        owner,
        scopes=["read:cases", "write:cases", "admin"],
        allowed_addresses="203.0.113.0/24\n 2001:db8::1 ,10.0.0.7\n\n",
        expires_on="2027-07-31",
    )
    row = superuser.execute(
        "select scopes, allowed_addresses::text[], expires_at from api_keys where name = 'CRM'"
    ).fetchone()
    assert row[0] == ["read:cases", "write:cases", "admin"]
    assert sorted(row[1]) == ["10.0.0.7/32", "2001:db8::1/128", "203.0.113.0/24"]
    assert row[2] == datetime(2027, 7, 31, 21, 59, 59, tzinfo=UTC)  # the day ends in the firm's zone


async def test_every_scope_can_be_chosen(owner):
    page = await owner.get("/panel/keys/new")
    offered = re.findall(r'name="scopes" value="([^"]+)"', page.text)
    assert sorted(offered) == sorted([*SEED_SCOPES, Scope.ADMIN])


async def test_a_test_key_made_in_the_firm_belongs_to_the_sandbox(owner, in_sandbox, superuser, firm):
    answer = await owner.send("/panel/keys/new", {**KEY, "mode": "test"})
    assert SECRET.search(answer.text)[0].startswith("sk_test_")
    assert "entorno de pruebas" in answer.text
    assert "CRM" not in (await owner.get("/panel/keys")).text
    assert "CRM" in (await in_sandbox.get("/panel/keys")).text


async def test_the_sandbox_makes_test_keys_only(in_sandbox):
    page = await in_sandbox.get("/panel/keys/new")
    assert 'name="mode"' not in page.text
    answer = await in_sandbox.send_from(page, KEY, action="/panel/keys")
    assert SECRET.search(answer.text)[0].startswith("sk_test_")
    forced = await in_sandbox.send("/panel/keys/new", {**KEY, "mode": "live"})
    assert forced.status_code == 422
    assert SECRET.search(forced.text) is None


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"name": ""}, "name", "Es obligatorio."),
        ({"name": "x" * 101}, "name", "Máximo 100 caracteres."),
        ({"scopes": []}, "scopes", "Es obligatorio."),
        ({"scopes": ["read:everything"]}, "scopes", "Valores admitidos"),
        ({"allowed_addresses": "10.0.0.0/8\nnada"}, "allowed_addresses", "Formato: 203.0.113.0/24"),
        ({"expires_on": "2020-01-01"}, "expires_on", "Ya ha pasado."),
        ({"expires_on": "mañana"}, "expires_on", "Formato: 2026-12-31."),
        ({"mode": "both"}, "mode", "Valores admitidos"),
    ],
)
async def test_a_mistake_is_shown_at_its_field_and_what_was_typed_stays(
    owner, superuser, values, field, sentence
):
    typed = {**KEY, "name": "Mi CRM", "allowed_addresses": "203.0.113.9", "expires_on": "2030-01-01"}
    answer = await owner.send("/panel/keys/new", {**typed, **values})
    assert answer.status_code == 422
    error = re.search(rf'id="e-{field}">(.*?)</p>', answer.text, re.DOTALL)
    assert sentence in error[1]
    assert f'href="#f-{field}"' in answer.text
    assert re.search(rf'id="f-{field}"[^>]*aria-describedby="e-{field} ', answer.text)
    for name in {"name", "expires_on"} - set(values):
        assert f'value="{typed[name]}"' in answer.text
    if "scopes" not in values:
        assert re.search(r'value="read:cases" checked', answer.text)
    assert superuser.execute("select count(*) from api_keys where name like %s", ["%CRM%"]).fetchone() == (0,)


async def test_a_key_is_replaced_with_grace(owner, anonymous):
    address, old = await new_key(owner)
    answer = await owner.send(address, {"grace_seconds": "3600"}, action=f"{address}/roll")
    assert answer.status_code == 200
    new = SECRET.search(answer.text)[0]
    assert new != old
    assert await works(anonymous, old) == await works(anonymous, new) == 200
    page = await owner.get(address)
    assert "Renovada" in page.text
    assert f"{address}/roll" not in page.text


async def test_a_key_is_replaced_at_once(owner, anonymous):
    address, old = await new_key(owner)
    answer = await owner.send(address, {"grace_seconds": "0"}, action=f"{address}/roll")
    assert await works(anonymous, SECRET.search(answer.text)[0]) == 200
    assert await works(anonymous, old) == 401


async def test_a_key_that_was_replaced_is_not_replaced_again(owner):
    address, _ = await new_key(owner)
    page = await owner.get(address)
    await owner.send_from(page, {"grace_seconds": "3600"}, action=f"{address}/roll")
    again = await owner.send_from(page, {"grace_seconds": "0"}, action=f"{address}/roll")
    assert (again.status_code, again.headers["location"]) == (303, address)
    assert "ya está revocada o sustituida" in (await owner.get(address)).text
    odd = await owner.send_from(page, {"grace_seconds": "a while"}, action=f"{address}/roll")
    assert odd.status_code == 422


async def test_a_key_is_revoked_after_a_second_question(owner, anonymous):
    address, secret = await new_key(owner)
    question = await owner.get(f"{address}/revoke")
    assert "CRM" in question.text
    assert await works(anonymous, secret) == 200
    answer = await owner.send_from(question)
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert await works(anonymous, secret) == 401
    page = await owner.get(address)
    assert "La clave está revocada" in page.text
    assert f"{address}/revoke" not in page.text


async def test_the_last_use_is_shown(owner, anonymous, superuser):
    address, secret = await new_key(owner)
    assert "Nadie la ha usado todavía." in (await owner.get(address)).text
    await works(anonymous, secret)
    used = "select from api_keys where name = 'CRM' and last_used_at is not null"
    await until(lambda: superuser.execute(used).fetchone() is not None)
    page = (await owner.get(address)).text
    assert f"GET {PREFIX}/cases" in page
    assert "127.0.0.1" in page


async def test_many_keys_have_pages(owner, app, firm, api):
    for number in range(30):
        await api.post("/api-keys", json={"name": f"Clave {number:02}", "scopes": ["read:cases"]})
    first = await owner.get("/panel/keys")
    assert "Clave 29" in first.text
    assert "Clave 01" not in first.text
    onwards = re.search(r'href="(/panel/keys\?cursor=[^"]+)"', first.text)[1]
    second = await owner.get(onwards)
    assert "Clave 01" in second.text
    assert "Clave 29" not in second.text
    assert 'href="/panel/keys"' in second.text
