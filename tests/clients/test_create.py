"""Creating clients: what is accepted, what is refused and how, and what becomes of it."""

import asyncio

import pytest


async def test_person_with_everything(api):
    answer = await api.post(
        "/clients",
        json={
            "first_name": "  Iñaki ",
            "last_name": "Etxeberría Ørsted",
            "tax_id": "12.345.678-z",
            "email": "inaki@example.com",
            "phone": "600 11 22 33",
            "additional_phones": ["+44 20 7946 0018"],
            "address": {"street": "Calle Mayor 1", "city": "València", "postal_code": "46001"},
            "language": "es",
            "external_id": "crm-1",
            "custom_fields": {"origen": "web", "puntos": 3, "vip": True},
        },
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["id"].startswith("cli_")
    assert answer.headers["location"] == f"/v1/servicios/clients/{body['id']}"
    assert answer.headers["etag"] == '"v1"'
    assert body["name"] == "Iñaki Etxeberría Ørsted"
    assert (body["tax_id"], body["tax_id_type"], body["tax_id_country"]) == ("12345678Z", "nif", "ES")
    assert body["phone"] == "+34600112233"
    assert body["additional_phones"] == ["+442079460018"]
    assert body["address"]["country"] == "ES"
    assert body["custom_fields"] == {"origen": "web", "puntos": 3, "vip": True}
    assert body["status"] == "active"
    assert body["created_at"].endswith("Z")
    read = await api.get(f"/clients/{body['id']}")
    assert read.json() == body


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("tax_id", "12345678A", "/tax_id"),
        ("phone", "12", "/phone"),
        ("email", "nobody", "/email"),
        ("additional_emails", ["ok@example.com", "x"], "/additional_emails/1"),
        ("address", {"country": "XX"}, "/address/country"),
        ("nombre", "x", "/nombre"),
        ("custom_fields", {"Mal": 1}, "/custom_fields/Mal"),
        ("language", "español", "/language"),
        ("first_name", "x" * 201, "/first_name"),
        ("first_name", "a\x00b", "/first_name"),
    ],
)
async def test_refusals_say_where(api, member, value, pointer):
    answer = await api.post("/clients", json={"first_name": "Ana", "last_name": "Gil", member: value})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await api.get("/clients")).json()["data"] == []


async def test_duplicate_tax_id_names_the_existing_client(api):
    first = (await api.post("/clients", json={"name": "Ana", "tax_id": "12345678Z"})).json()
    second = await api.post("/clients", json={"name": "Otra", "tax_id": "12345678-Z"})
    assert second.status_code == 409
    assert second.json()["code"] == "duplicate_client"
    assert second.json()["existing_id"] == first["id"]


async def test_twenty_parallel_creates_of_one_tax_id_make_one_client(api):
    answers = await asyncio.gather(
        *(api.post("/clients", json={"name": f"Ana {i}", "tax_id": "12345678Z"}) for i in range(20))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 19
    winner = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert {a.json().get("existing_id") for a in answers if a.status_code == 409} == {winner}


async def test_two_firms_may_have_the_same_person(api, app, other_firm):
    wanted = {"name": "Ana", "tax_id": "12345678Z", "external_id": "crm-1"}
    mine = (await api.post("/clients", json=wanted)).json()
    async with other_firm.client(app) as other:
        theirs = await other.post("/clients", json=wanted)
        assert theirs.status_code == 201, theirs.text
        assert [c["id"] for c in (await other.get("/clients")).json()["data"]] == [theirs.json()["id"]]
    assert [c["id"] for c in (await api.get("/clients")).json()["data"]] == [mine["id"]]


@pytest.mark.parametrize(
    ("spelling", "stored"),
    [
        ("600111222", "+34600111222"),
        ("600 11 12 22", "+34600111222"),
        ("+34 600-111-222", "+34600111222"),
        ("0034600111222", "+34600111222"),
        ("(+34) 600.111.222", "+34600111222"),
        ("６００１１１２２２", "+34600111222"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+39 06 698 12345", "+390669812345"),
    ],
)
async def test_phones_are_kept_in_one_spelling(api, spelling, stored):
    answer = await api.post("/clients", json={"name": "Ana", "phone": spelling})
    assert answer.status_code == 201, answer.text
    assert answer.json()["phone"] == stored


@pytest.mark.parametrize(
    "phone", ["", "12", "phone", "+34", "+999 123456789", "6" * 16, "600111222/600111333"]
)
async def test_phones_that_cannot_exist_are_refused(api, phone):
    answer = await api.post("/clients", json={"name": "Ana", "phone": phone})
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/phone"]


async def test_company_needs_its_name(api):
    answer = await api.post("/clients", json={"kind": "company", "first_name": "Ana", "last_name": "Gil"})
    assert answer.status_code == 422
    made = await api.post("/clients", json={"kind": "company", "name": "Pons SL", "first_name": "Ana"})
    assert (made.json()["name"], made.json()["first_name"]) == ("Pons SL", "Ana")


async def test_twenty_parallel_creates_of_one_external_id_make_one_client(api):
    answers = await asyncio.gather(
        *(api.post("/clients", json={"name": f"Ana {i}", "external_id": "crm-1"}) for i in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    codes = {answer.json()["errors"][0]["pointer"] for answer in answers if answer.status_code == 409}
    assert codes == {"/external_id"}
