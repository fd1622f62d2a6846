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
        ("custom_fields", {"Mal": 1}, "/custom_fields/Mal/[key]"),
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
