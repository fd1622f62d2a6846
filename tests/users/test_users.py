"""Members of the firm: added, listed, changed; and the firm is never left without an owner."""

import asyncio

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_key

LUIS = {"name": "Luis Pla", "email": "luis@example.com", "role": "provider"}


def count(superuser, table: str) -> int:
    return superuser.execute(f'select count(*) from "{table}"').fetchone()[0]


async def names(api, **params) -> list[str]:
    answer = await api.get("/users", params=params)
    assert answer.status_code == 200, answer.text
    return [user["name"] for user in answer.json()["data"]]


async def test_new_member(api):
    answer = await api.post("/users", json=LUIS)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["id"].startswith("usr_")
    assert body.items() >= {**LUIS, "active": True}.items()
    assert answer.headers["location"] == f"/v1/servicios/users/{body['id']}"
    read = await api.get(f"/users/{body['id']}")
    assert (read.json(), read.headers["etag"]) == (body, '"v1"')


async def test_list_and_filters(api, firm):
    for role in ("provider", "assistant", "admin"):
        await api.post("/users", json={"name": role.title(), "email": f"{role}@example.com", "role": role})
    gone = (await api.post("/users", json={**LUIS, "name": "Ex"})).json()
    await api.patch(f"/users/{gone['id']}", json={"active": False})
    assert await names(api) == ["Núria Íñiguez", "Provider", "Assistant", "Admin", "Ex"]
    assert await names(api, sort="-created_at", limit=1) == ["Ex"]
    assert await names(api, role="provider") == ["Provider", "Ex"]
    assert await names(api, role="provider", active="true") == ["Provider"]
    assert await names(api, active="false") == ["Ex"]
    assert (await api.get("/users", params={"role": "boss"})).status_code == 400
    assert (await api.get("/users", params={"active": "perhaps"})).status_code == 400


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"email": "nobody"}, "/email"),
        ({"email": None}, "/email"),
        ({"role": "boss"}, "/role"),
        ({"active": False}, "/active"),
    ],
)
async def test_refusals_of_a_new_member(api, superuser, change, pointer):
    answer = await api.post("/users", json=LUIS | change)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (count(superuser, "users"), count(superuser, "people")) == (2, 1)


@pytest.mark.parametrize("email", ["luis@example.com", "LUIS@EXAMPLE.COM"])
async def test_member_twice(api, superuser, email):
    first = (await api.post("/users", json=LUIS)).json()
    second = await api.post("/users", json={**LUIS, "email": email})
    assert (second.status_code, second.json()["code"]) == (409, "duplicate_user")
    assert second.json()["existing_id"] == first["id"]
    assert count(superuser, "people") == 2


async def test_person_of_two_firms_is_one_person_with_a_name_in_each(api, app, other_firm, superuser):
    mine = (await api.post("/users", json=LUIS)).json()
    async with other_firm.client(app) as other:
        theirs = (await other.post("/users", json={**LUIS, "name": "L. Pla Roig"})).json()
        assert (await other.get(f"/users/{mine['id']}")).status_code == 404
    assert mine["id"] != theirs["id"]
    assert (mine["name"], theirs["name"]) == ("Luis Pla", "L. Pla Roig")
    people = superuser.execute("select person_id from users where name like 'L%%Pla%%'").fetchall()
    assert len(set(people)) == 1


async def test_many_members_at_once_with_keys_of_their_own(api, superuser):
    """More parallel calls than connections: none may wait for a second connection while it holds one."""
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            *(
                api.post(
                    "/users",
                    json={**LUIS, "email": f"user{i}@example.com"},
                    headers={"Idempotency-Key": f"key-{i}"},
                )
                for i in range(15)
            )
        )
    assert [answer.status_code for answer in answers] == [201] * 15
    assert count(superuser, "people") == 16


async def test_the_same_member_at_once_is_added_once(api, superuser):
    answers = await asyncio.gather(*(api.post("/users", json=LUIS) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert (count(superuser, "users"), count(superuser, "people")) == (3, 2)


async def test_change(api):
    user = (await api.post("/users", json=LUIS)).json()
    path = f"/users/{user['id']}"
    body = (await api.patch(path, json={"role": "admin"})).json()
    assert body == user | {"role": "admin", "updated_at": body["updated_at"]}
    stale = await api.patch(path, json={"role": "assistant"}, headers={"If-Match": '"v1"'})
    assert stale.status_code == 412
    for change in (
        {"name": None},
        {"role": None},
        {"active": None},
        {"email": "x@example.com"},
        {"role": "x"},
    ):
        assert (await api.patch(path, json=change)).status_code == 422, change
    assert (await api.get(path)).json() == body


async def test_last_owner_stays(api, firm):
    path = f"/users/{firm.owner_id}"
    before = (await api.get(path)).json()
    for change in ({"role": "admin"}, {"active": False}):
        answer = await api.patch(path, json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")
    assert (await api.get(path)).json() == before
    assert (await api.patch(path, json={"name": "Núria"})).status_code == 200


async def test_of_two_owners_who_leave_at_once_one_stays(api, firm):
    second = (await api.post("/users", json={**LUIS, "role": "owner"})).json()["id"]
    answers = await asyncio.gather(
        *(api.patch(f"/users/{user_id}", json={"active": False}) for user_id in (firm.owner_id, second))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await names(api, role="owner", active="true")) == 1


async def test_members_need_the_admin_scope(app, firm, superuser):
    key = await make_key(app, firm.id, [scope for scope in Scope if scope is not Scope.ADMIN])
    async with firm.client(app, key) as api:
        assert (await api.get("/users")).status_code == 403
        assert (await api.post("/users", json=LUIS)).status_code == 403
    assert count(superuser, "users") == 2


async def test_another_firms_member_is_nobody(app, firm, other_firm, superuser):
    async with other_firm.client(app) as other:
        for answer in (
            await other.get(f"/users/{firm.owner_id}"),
            await other.patch(f"/users/{firm.owner_id}", json={"name": "Robado"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert await names(other) == ["Núria Íñiguez"]
    assert superuser.execute("select count(*) from users where name = 'Robado'").fetchone() == (0,)
