"""Invitations by the API: mailed, listed, replaced, taken back; and what the answer must not tell."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_key
from tests.people.arrange import audited, link_in, mails_to

LUIS = {"name": "Luis Pla", "email": "luis@example.com", "role": "provider"}
MEMBERS = {"id", "name", "email", "role", "status", "invited_by", "user_id", "expires_at", "accepted_at",
           "revoked_at", "created_at"}  # fmt: skip


def count(superuser, table: str) -> int:
    return superuser.execute(f'select count(*) from "{table}"').fetchone()[0]


async def test_new_invitation(app, api, firm, superuser):
    answer = await api.post("/invitations", json=LUIS)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert set(body) == MEMBERS
    assert body["id"].startswith("ivt_")
    assert body.items() >= {**LUIS, "status": "pending", "user_id": None, "accepted_at": None}.items()
    assert body["invited_by"].startswith("key_")
    left = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert answer.headers["location"] == f"/v1/servicios/invitations/{body['id']}"
    assert (await api.get(f"/invitations/{body['id']}")).json() == body
    (mail,) = mails_to(app, superuser, LUIS["email"])
    assert "Bufete Prueba" in mail.text
    assert link_in(mail).startswith("/invitations/")
    assert audited(superuser, firm.id) == ["member.invited"]
    assert (count(superuser, "users"), count(superuser, "people")) == (2, 1)


async def test_link_is_in_the_mail_alone(app, api, superuser):
    answer = await api.post("/invitations", json=LUIS)
    secret = link_in(mails_to(app, superuser, LUIS["email"])[0]).rpartition("/")[2]
    assert secret not in answer.text
    for table in ("invitations", "messages", "audit_entries", "one_time_links"):
        assert secret not in str(superuser.execute(f"select t::text from {table} t").fetchall()), table


async def test_answer_does_not_tell_whether_somebody_has_an_account(app, api, other_firm, superuser):
    async with other_firm.client(app) as other:
        await other.post("/users", json={**LUIS, "name": "L. Pla Roig"})
    known = (await api.post("/invitations", json=LUIS)).json()
    unknown = (await api.post("/invitations", json={**LUIS, "email": "nobody@example.com"})).json()
    of_each = {"id", "email", "created_at", "expires_at"}
    assert {k: v for k, v in known.items() if k not in of_each} == {
        k: v for k, v in unknown.items() if k not in of_each
    }


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"email": "nobody"}, "/email"),
        ({"email": None}, "/email"),
        ({"role": "boss"}, "/role"),
        ({"message": "Hola"}, "/message"),
    ],
)
async def test_refusals(api, superuser, change, pointer):
    answer = await api.post("/invitations", json=LUIS | change)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (count(superuser, "invitations"), count(superuser, "messages")) == (0, 0)


@pytest.mark.parametrize("active", [True, False])
async def test_member_cannot_be_invited(api, superuser, active):
    member = (await api.post("/users", json=LUIS)).json()["id"]
    await api.patch(f"/users/{member}", json={"active": active})
    answer = await api.post("/invitations", json={**LUIS, "email": "LUIS@Example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_user")
    assert answer.json()["existing_id"] == member
    assert (count(superuser, "invitations"), count(superuser, "messages")) == (0, 0)


async def test_newer_invitation_takes_the_place_of_the_older(app, api, anonymous, superuser):
    first = (await api.post("/invitations", json=LUIS)).json()
    second = (
        await api.post("/invitations", json={**LUIS, "email": "LUIS@example.com", "role": "admin"})
    ).json()
    assert (await api.get(f"/invitations/{first['id']}")).json()["status"] == "revoked"
    assert second["status"] == "pending"
    old = link_in(mails_to(app, superuser, "luis@example.com")[0])
    new = link_in(mails_to(app, superuser, second["email"])[-1])
    assert (await anonymous.get(old)).status_code == 410
    assert (await anonymous.get(new)).status_code == 200


async def test_of_many_invitations_at_once_one_is_open(api, superuser):
    answers = await asyncio.gather(*(api.post("/invitations", json=LUIS) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    pending = (await api.get("/invitations?status=pending")).json()["data"]
    assert len(pending) == 1


async def test_retry_with_the_same_key_mails_once(api, superuser):
    headers = {"Idempotency-Key": "invite-luis"}
    first = await api.post("/invitations", json=LUIS, headers=headers)
    again = await api.post("/invitations", json=LUIS, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert count(superuser, "messages") == 1


async def test_list_and_filters(api, superuser):
    for name in ("a", "b", "c", "d"):
        await api.post("/invitations", json={**LUIS, "name": name, "email": f"{name}@example.com"})
    rows = (await api.get("/invitations")).json()["data"]
    assert [row["name"] for row in rows] == ["d", "c", "b", "a"]
    by_name = {row["name"]: row["id"] for row in rows}
    await api.delete(f"/invitations/{by_name['a']}")
    superuser.execute(
        "update invitations set expires_at = now() - interval '1 second' where id = %s", [by_name["b"]]
    )
    superuser.execute("update invitations set accepted_at = now() where id = %s", [by_name["c"]])
    for status, name in (("revoked", "a"), ("expired", "b"), ("accepted", "c"), ("pending", "d")):
        found = (await api.get("/invitations", params={"status": status})).json()["data"]
        assert [(row["name"], row["status"]) for row in found] == [(name, status)]
    page = (await api.get("/invitations?limit=3&sort=created_at")).json()
    assert [row["name"] for row in page["data"]] == ["a", "b", "c"]
    rest = (
        await api.get(
            "/invitations", params={"limit": 3, "sort": "created_at", "cursor": page["next_cursor"]}
        )
    ).json()
    assert [row["name"] for row in rest["data"]] == ["d"]
    assert (await api.get("/invitations?status=open")).status_code == 400


async def test_revoking(app, api, anonymous, firm, superuser):
    made = (await api.post("/invitations", json=LUIS)).json()
    link = link_in(mails_to(app, superuser, LUIS["email"])[0])
    assert (await anonymous.get(link)).status_code == 200
    for _ in range(2):
        assert (await api.delete(f"/invitations/{made['id']}")).status_code == 204
    assert (await anonymous.get(link)).status_code == 410
    shown = (await api.get(f"/invitations/{made['id']}")).json()
    assert shown["status"] == "revoked"
    assert audited(superuser, firm.id) == ["member.invited", "invitation.revoked"]


async def test_accepted_invitation_is_not_taken_back(api, superuser):
    made = (await api.post("/invitations", json=LUIS)).json()
    superuser.execute("update invitations set accepted_at = now()")
    answer = await api.delete(f"/invitations/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "invitation_accepted")
    assert (await api.get(f"/invitations/{made['id']}")).json()["status"] == "accepted"


async def test_pending_ones_have_a_limit(api, firm, superuser):
    superuser.execute(
        "insert into invitations (tenant_id, id, email, name, role, hash, created_at, expires_at,"
        " updated_at, version)"
        " select %s, 'ivt_' || n, n || '@example.com', 'N', 'provider', n::text::bytea, now(),"
        " now() + interval '1 day', now(), 1"
        " from generate_series(1, 100) n",
        [firm.id],
    )
    answer = await api.post("/invitations", json=LUIS)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_invitations")
    superuser.execute("update invitations set expires_at = now() - interval '1 second' where id = 'ivt_7'")
    assert (await api.post("/invitations", json=LUIS)).status_code == 201


async def test_invitations_of_another_firm_are_nobodys(app, api, other_firm, superuser):
    made = (await api.post("/invitations", json=LUIS)).json()
    async with other_firm.client(app) as other:
        assert (await other.get("/invitations")).json()["data"] == []
        for method in ("GET", "DELETE"):
            answer = await other.request(method, f"/invitations/{made['id']}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await api.get(f"/invitations/{made['id']}")).json()["status"] == "pending"


async def test_invitations_need_the_admin_scope(app, firm, superuser):
    key = await make_key(app, firm.id, [scope for scope in Scope if scope is not Scope.ADMIN])
    async with firm.client(app, key) as api:
        assert (await api.get("/invitations")).status_code == 403
        assert (await api.post("/invitations", json=LUIS)).status_code == 403
    assert count(superuser, "invitations") == 0


@pytest.mark.parametrize("invitation", ["ivt_nobody", "00000000-0000-7000-8000-000000000000", "x"])
async def test_invitations_that_are_not_there(api, invitation):
    for method in ("GET", "DELETE"):
        answer = await api.request(method, f"/invitations/{invitation}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
