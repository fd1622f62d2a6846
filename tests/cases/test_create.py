"""Opening a case: the seed's own request, everything a case may carry, and what becomes of it."""

import asyncio
import re

from tests.cases.arrange import SEED, events_of, new_case, new_client, new_member, table_counts

MEMBERS = {
    "id", "number", "client_id", "category", "title", "description", "assigned_provider_id", "status",
    "status_reason", "priority", "tags", "parties", "external_id", "custom_fields", "created_at",
    "updated_at", "closed_at",
}  # fmt: skip


async def test_the_request_of_the_seed(api, firm, superuser):
    client_id = await new_client(api)
    answer = await api.post(
        "/cases",
        json={
            "client_id": client_id,
            "category": "civil",
            "title": "Reclamación de cantidad",
            "description": "Deuda de 5.000€ por servicios prestados",
            "assigned_provider_id": firm.owner_id,
        },
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body.keys() == MEMBERS
    assert answer.headers["location"] == f"/v1/servicios/cases/{body['id']}"
    assert answer.headers["etag"] == '"v1"'
    assert re.fullmatch(r"cas_[0-9a-hjkmnp-tv-z]{26}", body["id"])
    assert re.fullmatch(r"EXP-\d{4}-0001", body["number"])
    assert body["description"] == "Deuda de 5.000€ por servicios prestados"
    assert (body["status"], body["priority"]) == ("open", "normal")
    assert [body[name] for name in ("status_reason", "external_id", "closed_at")] == [None] * 3
    assert (body["tags"], body["parties"], body["custom_fields"]) == ([], [], {})
    assert body["created_at"] == body["updated_at"]
    read = await api.get(f"/cases/{body['id']}")
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, body, '"v1"')


async def test_only_client_category_and_title_are_required(api):
    client_id = await new_client(api)
    answer = await api.post(
        "/cases", json={"client_id": client_id, "category": "civil", "title": "Reclamación de cantidad"}
    )
    assert answer.status_code == 201, answer.text
    assert [answer.json()[name] for name in ("description", "assigned_provider_id")] == [None, None]


async def test_case_with_everything(api, app, firm):
    client_id, relative = await new_client(api), await new_client(api, "Otra Parte")
    provider = await new_member(app, firm.id, "provider")
    wanted = {
        "client_id": client_id,
        "category": "familia",
        "title": "  Divorcio contencioso \N{SCALES} ",
        "description": "Con «comillas», 'apóstrofos', \\barras\\ y\nsaltos.",
        "assigned_provider_id": provider,
        "priority": "urgent",
        "tags": ["custodia", "urgente", "custodia", "ñandú"],
        "external_id": "crm-1",
        "custom_fields": {"sala": "3", "vistas": 2, "cobrado": False, "cuota": 12.5},
        "parties": [
            {"name": "Juzgado de Primera Instancia n.º 4", "role": "court"},
            {"name": "Otra Parte", "role": "opposing_party", "client_id": relative, "email": "p@example.com"},
        ],
    }
    body = await new_case(api, **wanted)
    assert body["title"] == "Divorcio contencioso \N{SCALES}"
    assert body["description"] == wanted["description"]
    assert body["tags"] == ["custodia", "urgente", "ñandú"]
    assert body["custom_fields"] == wanted["custom_fields"]
    for name in ("client_id", "category", "assigned_provider_id", "priority", "external_id"):
        assert body[name] == wanted[name]
    court, opposing = body["parties"]
    assert court["id"] != opposing["id"]
    empty = dict.fromkeys(["tax_id", "email", "phone", "client_id", "notes"])
    assert court == {"id": court["id"], **empty, **wanted["parties"][0]}
    assert opposing == {"id": opposing["id"], **empty, **wanted["parties"][1]}
    assert (await api.get(f"/cases/{body['id']}")).json() == body


async def test_ids_may_be_bare_uuids(api):
    client_id = await new_client(api)
    case = await new_case(api, client_id)
    number = 0
    for letter in case["id"].removeprefix("cas_"):
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
    text = f"{number:032x}"
    uuid = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    assert (await api.get(f"/cases/{uuid}")).json() == case


async def test_duplicate_external_id_names_the_existing_case(api, superuser):
    client_id = await new_client(api)
    first = await new_case(api, client_id, external_id="crm-1")
    before = table_counts(superuser)
    second = await api.post("/cases", json={**SEED, "client_id": client_id, "external_id": "crm-1"})
    assert second.status_code == 409
    assert (second.json()["code"], second.json()["existing_id"]) == ("duplicate_case", first["id"])
    assert [error["pointer"] for error in second.json()["errors"]] == ["/external_id"]
    assert table_counts(superuser) == before


async def test_twenty_parallel_creates_of_one_external_id_make_one_case(api, superuser):
    client_id = await new_client(api)
    wanted = {**SEED, "client_id": client_id, "external_id": "crm-7"}
    answers = await asyncio.gather(*(api.post("/cases", json=wanted) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    winner = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert {a.json()["existing_id"] for a in answers if a.status_code == 409} == {winner}
    assert len(events_of(superuser, winner)) == 1
    assert table_counts(superuser)["cases"] == 1


async def test_the_same_idempotency_key_opens_one_case(api, superuser):
    client_id = await new_client(api)
    send = {"json": {**SEED, "client_id": client_id}, "headers": {"Idempotency-Key": "caso-1"}}
    first = await api.post("/cases", **send)
    assert first.status_code == 201
    replays = [await api.post("/cases", **send) for _ in range(3)]
    assert [(r.status_code, r.headers["idempotency-replayed"], r.content) for r in replays] == [
        (201, "true", first.content)
    ] * 3
    assert (table_counts(superuser)["cases"], table_counts(superuser)["events"]) == (1, 1)
    other = await api.post(
        "/cases", json={**SEED, "client_id": client_id, "title": "Otro"}, headers=send["headers"]
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_parallel_requests_with_one_idempotency_key_open_one_case(api, superuser):
    client_id = await new_client(api)
    send = {"json": {**SEED, "client_id": client_id}, "headers": {"Idempotency-Key": "caso-2"}}
    answers = await asyncio.gather(*(api.post("/cases", **send) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert table_counts(superuser)["cases"] == 1
    again = await api.post("/cases", **send)
    assert (again.status_code, {again.json()["id"]}) == (201, made)
