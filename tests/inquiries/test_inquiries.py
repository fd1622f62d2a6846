"""Inquiries at the firm: kept, listed, closed, converted into a client and a case."""

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_key

ASKED = {"name": "Ana Gil", "email": "ana@cliente.example", "message": "¿Llevan herencias?"}


async def new_inquiry(api, **more):
    answer = await api.post("/inquiries", json={**ASKED, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_program_of_the_firm_keeps_one(api):
    answer = await api.post(
        "/inquiries", json={**ASKED, "language": "en", "custom_fields": {"campaign": "q4"}}
    )
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/servicios/inquiries/{made['id']}"
    assert (made["source"], made["status"], made["language"]) == ("api", "new", "en")
    assert made["custom_fields"] == {"campaign": "q4"}
    assert (await api.get(f"/inquiries/{made['id']}")).json() == made
    (event,) = (await api.get("/events", params={"type": "inquiry.received"})).json()["data"]
    assert event["data"]["inquiry_id"] == made["id"]
    assert (await api.get("/messages")).json()["data"] == []


async def test_list_is_newest_first_in_pages_and_without_spam(api):
    made = [await new_inquiry(api, message=f"{n}") for n in range(3)]
    await api.patch(f"/inquiries/{made[1]['id']}", json={"status": "spam"})
    page = (await api.get("/inquiries", params={"limit": 1, "include": "total"})).json()
    assert [row["id"] for row in page["data"]] == [made[2]["id"]]
    assert (page["has_more"], page["total"]) == (True, 2)
    rest = (await api.get("/inquiries", params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [row["id"] for row in rest["data"]] == [made[0]["id"]]
    spam = (await api.get("/inquiries", params={"status": "spam"})).json()["data"]
    assert [row["id"] for row in spam] == [made[1]["id"]]
    assert len((await api.get("/inquiries", params={"status": "all"})).json()["data"]) == 3


async def test_filters(api):
    first = await new_inquiry(api)
    second = await new_inquiry(api, email="ben@cliente.example")
    converted = (await api.post(f"/inquiries/{second['id']}/convert")).json()

    async def ids(**filters):
        return [row["id"] for row in (await api.get("/inquiries", params=filters)).json()["data"]]

    assert await ids(email="ana@cliente.example") == [first["id"]]
    assert await ids(client_id=converted["client_id"]) == [second["id"]]
    assert await ids(status="converted") == [second["id"]]
    assert await ids(created_before=first["created_at"]) == []
    assert (await api.get("/inquiries", params={"q": "x"})).status_code == 400


async def test_states_go_back_and_forth_until_it_is_converted(api):
    made = await new_inquiry(api)
    path = f"/inquiries/{made['id']}"
    for status in ("closed", "new", "spam", "new"):
        answer = await api.patch(path, json={"status": status})
        assert answer.json()["status"] == status
    assert (await api.patch(path, json={"status": None})).json()["errors"][0]["code"] == "required"
    assert (await api.patch(path, json={"status": "converted"})).status_code == 422
    merged = await api.patch(path, json={"custom_fields": {"a": 1}})
    assert merged.json()["custom_fields"] == {"a": 1}
    await api.post(f"{path}/convert")
    refused = await api.patch(path, json={"status": "new"})
    assert (refused.status_code, refused.json()["code"]) == (409, "inquiry_converted")
    assert (await api.get(path)).json()["status"] == "converted"


async def test_it_becomes_a_new_client(api):
    made = await new_inquiry(api, phone="600111222", language="en")
    answer = await api.post(f"/inquiries/{made['id']}/convert")
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert (after["status"], after["case_id"]) == ("converted", None)
    assert after["converted_at"]
    client = (await api.get(f"/clients/{after['client_id']}")).json()
    names = ("name", "email", "phone", "language", "kind")
    assert [client[name] for name in names] == [
        "Ana Gil",
        "ana@cliente.example",
        "+34600111222",
        "en",
        "person",
    ]


async def test_it_becomes_a_client_and_a_case_at_once(api):
    made = await new_inquiry(api, subject="Herencia")
    wanted = {"client": {"tax_id": "12345678Z"}, "case": {"category": "civil"}}
    after = (await api.post(f"/inquiries/{made['id']}/convert", json=wanted)).json()
    client = (await api.get(f"/clients/{after['client_id']}")).json()
    case = (await api.get(f"/cases/{after['case_id']}")).json()
    assert client["tax_id"] == "12345678Z"
    assert (case["client_id"], case["title"]) == (after["client_id"], "Herencia")
    assert case["description"] == ASKED["message"]


async def test_it_is_attached_to_a_client_that_is_there(api):
    client = (await api.post("/clients", json={"name": "Ana Gil"})).json()
    made = await new_inquiry(api)
    after = (await api.post(f"/inquiries/{made['id']}/convert", json={"client_id": client["id"]})).json()
    assert after["client_id"] == client["id"]
    assert len((await api.get("/clients")).json()["data"]) == 1


async def test_twice_is_a_409_that_names_what_it_became(api):
    made = await new_inquiry(api)
    path = f"/inquiries/{made['id']}/convert"
    first = (await api.post(path)).json()
    again = await api.post(path)
    assert again.status_code == 409
    assert again.json()["code"] == "inquiry_converted"
    assert again.json()["client_id"] == first["client_id"]
    assert len((await api.get("/clients")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("wanted", "pointer", "code"),
    [
        ({"case": {"category": "astral"}}, "/case/category", "not_allowed"),
        ({"client": {"tax_id": "12345678A"}}, "/client/tax_id", "invalid_tax_id"),
        ({"client_id": "cli_01m7wbgc28efz8dbeq636vqtdj"}, "/client_id", "unknown_client"),
        ({"client_id": "cli_01m7wbgc28efz8dbeq636vqtdj", "client": {}}, "", "one_of"),
    ],
)
async def test_what_cannot_be_made_leaves_everything_as_it_was(api, superuser, wanted, pointer, code):
    made = await new_inquiry(api)
    answer = await api.post(f"/inquiries/{made['id']}/convert", json=wanted)
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert (await api.get(f"/inquiries/{made['id']}")).json() == made
    assert superuser.execute("select count(*) from clients").fetchone() == (0,)


async def test_a_case_needs_its_own_scope(app, api, firm, superuser):
    made = await new_inquiry(api)
    key = await make_key(app, firm.id, [Scope.CLIENTS_WRITE])
    async with firm.client(app, key) as clerk:
        path = f"/inquiries/{made['id']}/convert"
        refused = await clerk.post(path, json={"case": {"category": "civil"}})
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert superuser.execute("select count(*) from clients").fetchone() == (0,)
        assert (await clerk.post(path)).status_code == 200


async def test_a_stale_version_changes_nothing(api):
    made = await new_inquiry(api)
    path = f"/inquiries/{made['id']}"
    await api.patch(path, json={"status": "closed"})
    for answer in (
        await api.patch(path, json={"status": "spam"}, headers={"If-Match": '"v1"'}),
        await api.post(f"{path}/convert", headers={"If-Match": '"v1"'}),
    ):
        assert answer.status_code == 412
    assert (await api.get(path)).json()["status"] == "closed"


async def test_another_firm_finds_nothing(app, api, other_firm):
    made = await new_inquiry(api)
    async with other_firm.client(app) as thief:
        for answer in (
            await thief.get(f"/inquiries/{made['id']}"),
            await thief.patch(f"/inquiries/{made['id']}", json={"status": "spam"}),
            await thief.post(f"/inquiries/{made['id']}/convert"),
        ):
            assert answer.status_code == 404
        assert (await thief.get("/inquiries")).json()["data"] == []
    assert (await api.get(f"/inquiries/{made['id']}")).json() == made
