"""Changing clients: what is absent stays, null empties, and what follows from the change is kept true."""

import asyncio

import pytest

PERSON = {
    "first_name": "Ana",
    "last_name": "Gil",
    "tax_id": "12345678Z",
    "email": "ana@example.com",
    "phone": "+34600111222",
    "additional_emails": ["ana2@example.com"],
    "additional_phones": ["+34600111333"],
    "address": {"street": "Calle Mayor 1", "city": "València", "postal_code": "46001"},
    "external_id": "crm-1",
    "custom_fields": {"origen": "web", "puntos": 3, "vip": True},
}


@pytest.fixture
async def ana(api) -> dict:
    return (await api.post("/clients", json=PERSON)).json()


async def patch(api, client: dict, changes: dict):
    return await api.patch(f"/clients/{client['id']}", json=changes)


async def read(api, client: dict) -> dict:
    return (await api.get(f"/clients/{client['id']}")).json()


async def test_absent_members_stay(api, ana):
    changed = await patch(api, ana, {"email": "nueva@example.com"})
    assert changed.status_code == 200, changed.text
    body = changed.json()
    assert body["updated_at"] >= ana["updated_at"]
    assert body == ana | {"email": "nueva@example.com", "updated_at": body["updated_at"]}
    assert await read(api, ana) == body


async def test_empty_change_changes_nothing(api, ana):
    answer = await patch(api, ana, {})
    assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, ana, '"v1"')


@pytest.mark.parametrize(
    ("member", "empty"),
    [
        ("email", None),
        ("phone", None),
        ("address", None),
        ("external_id", None),
        ("last_name", None),
    ],
)
async def test_null_empties(api, ana, member, empty):
    body = (await patch(api, ana, {member: None})).json()
    assert body[member] is empty
    assert (await read(api, ana))[member] is empty


@pytest.mark.parametrize(
    "member", ["kind", "language", "additional_emails", "additional_phones", "custom_fields"]
)
async def test_what_must_have_a_value_cannot_be_null(api, ana, member):
    answer = await patch(api, ana, {member: None, "email": "otra@example.com"})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{member}"]
    assert await read(api, ana) == ana


async def test_lists_are_replaced_whole(api, ana):
    body = (await patch(api, ana, {"additional_emails": ["x@example.com"], "additional_phones": []})).json()
    assert (body["additional_emails"], body["additional_phones"]) == (["x@example.com"], [])


async def test_address_is_replaced_whole_and_complete(api, ana):
    """A read answer has every member of an address, however it was written."""
    body = (await patch(api, ana, {"address": {"city": "Alacant"}})).json()
    assert body["address"] == {
        "street": None, "postal_code": None, "city": "Alacant", "province": None, "country": "ES",
    }  # fmt: skip
    assert (await patch(api, ana, {"address": {"country": "fr"}})).json()["address"]["country"] == "FR"


# --- custom fields ------------------------------------------------------------------------------------


async def test_custom_fields_are_merged_by_key(api, ana):
    body = (await patch(api, ana, {"custom_fields": {"puntos": 4, "nuevo": "x", "origen": None}})).json()
    assert body["custom_fields"] == {"puntos": 4, "nuevo": "x", "vip": True}
    for query, found in (
        ("puntos:4", 1),
        ("puntos:3", 0),
        ("origen:web", 0),
        ("nuevo:x", 1),
        ("vip:true", 1),
    ):
        listed = (await api.get("/clients", params={"custom_field": query})).json()["data"]
        assert len(listed) == found, query


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (True, 1), (0, False), (1, 1.0), ("1", 1), (False, "false")]
)
async def test_custom_values_of_another_type_are_a_change(api, before, after):
    """To Python 1 == True == 1.0; to whoever reads the JSON they are three things."""
    client = (await api.post("/clients", json={"name": "Ana", "custom_fields": {"a": before}})).json()
    body = (await patch(api, client, {"custom_fields": {"a": after}})).json()
    for shown in (body, await read(api, client)):
        assert (shown["custom_fields"]["a"], type(shown["custom_fields"]["a"])) == (after, type(after))


async def test_custom_fields_have_a_limit_after_merging_too(api):
    full = {f"k{i}": i for i in range(50)}
    client = (await api.post("/clients", json={"name": "Ana", "custom_fields": full})).json()
    refused = await patch(api, client, {"custom_fields": {"another": 1}})
    assert refused.status_code == 422
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/custom_fields", "too_many")]
    assert await read(api, client) == client
    swapped = await patch(api, client, {"custom_fields": {"k0": None, "another": 1}})
    assert swapped.status_code == 200
    assert len(swapped.json()["custom_fields"]) == 50


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name", "parts"),
    [
        ({"first_name": "Eva"}, "Eva Gil", ("Eva", "Gil")),
        ({"last_name": "Ruiz Pons"}, "Ana Ruiz Pons", ("Ana", "Ruiz Pons")),
        ({"last_name": None}, "Ana", ("Ana", None)),
        ({"name": "Ana María Gil"}, "Ana María Gil", (None, None)),
        ({"name": "X", "first_name": "Eva", "last_name": "Gil"}, "Eva Gil", ("Eva", "Gil")),
        ({"kind": "company"}, "Ana Gil", ("Ana", "Gil")),
        ({"kind": "company", "name": "Gil SL"}, "Gil SL", ("Ana", "Gil")),
        ({"name": None}, "Ana Gil", ("Ana", "Gil")),
    ],
)
async def test_name_follows_its_parts(api, ana, changes, name, parts):
    answer = await patch(api, ana, changes)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["name"], (body["first_name"], body["last_name"])) == (name, parts)


async def test_person_whose_name_came_whole(api):
    client = (await api.post("/clients", json={"name": "Ana Gil"})).json()
    assert (await patch(api, client, {"email": "a@example.com"})).json()["name"] == "Ana Gil"
    assert (await patch(api, client, {"first_name": None})).json()["name"] == "Ana Gil"
    assert (await patch(api, client, {"name": "Eva Gil"})).json()["name"] == "Eva Gil"
    assert (await patch(api, client, {"first_name": "Pía"})).json()["name"] == "Pía"


async def test_company_keeps_its_name_whatever_its_contact_is_called(api):
    client = (await api.post("/clients", json={"kind": "company", "name": "Pons SL"})).json()
    body = (await patch(api, client, {"first_name": "Eva"})).json()
    assert (body["name"], body["first_name"]) == ("Pons SL", "Eva")


@pytest.mark.parametrize(
    "changes", [{"first_name": None, "last_name": None}, {"first_name": "", "last_name": None}]
)
async def test_a_name_must_remain(api, ana, changes):
    answer = await patch(api, ana, changes)
    assert answer.status_code == 422
    assert await read(api, ana) == ana


async def test_company_must_keep_its_name(api):
    client = (await api.post("/clients", json={"kind": "company", "name": "Pons SL"})).json()
    answer = await patch(api, client, {"name": None})
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/name", "required")]
    assert await read(api, client) == client


# --- tax ids ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tax_id": "X1234567L"}, ("X1234567L", "nie", "ES")),
        ({"tax_id": "b-12345674"}, ("B12345674", "cif", "ES")),
        ({"tax_id": None}, (None, None, None)),
        ({"tax_id": None, "tax_id_type": "nif"}, (None, None, None)),
        (
            {"tax_id": "AB 123", "tax_id_type": "passport", "tax_id_country": "fr"},
            ("AB123", "passport", "FR"),
        ),
        ({"tax_id_type": "other", "tax_id_country": "PT"}, ("12345678Z", "other", "PT")),
        ({"tax_id": "DE136695976", "tax_id_type": "vat"}, ("DE136695976", "vat", "DE")),
        ({"email": None}, ("12345678Z", "nif", "ES")),
    ],
)
async def test_tax_id_brings_its_kind(api, ana, changes, expected):
    answer = await patch(api, ana, changes)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["tax_id"], body["tax_id_type"], body["tax_id_country"]) == expected


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"tax_id": "12345678A"}, "/tax_id", "invalid_tax_id"),
        ({"tax_id_type": "nie"}, "/tax_id", "invalid_tax_id"),
        ({"tax_id": "AB123", "tax_id_type": "passport"}, "/tax_id_country", "country_required"),
        ({"tax_id": "AB123"}, "/tax_id", "invalid_tax_id"),
    ],
)
async def test_bad_tax_ids_change_nothing(api, ana, changes, pointer, code):
    answer = await patch(api, ana, changes)
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert await read(api, ana) == ana


async def test_passport_stays_a_passport_through_other_changes(api):
    wanted = {"name": "Ana", "tax_id": "AB123", "tax_id_type": "passport", "tax_id_country": "FR"}
    client = (await api.post("/clients", json=wanted)).json()
    body = (await patch(api, client, {"email": "a@example.com"})).json()
    assert (body["tax_id_type"], body["tax_id_country"]) == ("passport", "FR")


# --- duplicates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("member", "value"), [("tax_id", "12.345.678-z"), ("external_id", "crm-1")])
async def test_what_another_client_has_is_refused_and_named(api, ana, member, value):
    other = (await api.post("/clients", json={"name": "Otra"})).json()
    answer = await patch(api, other, {member: value, "name": "Cambiada"})
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_client")
    assert answer.json()["existing_id"] == ana["id"]
    assert answer.json()["errors"][0]["pointer"] == f"/{member}"
    assert await read(api, other) == other
    # The client that has it may of course be written again.
    assert (await patch(api, ana, {member: value})).status_code == 200


async def test_archived_clients_still_hold_what_is_theirs(api, ana):
    await api.post(f"/clients/{ana['id']}/archive")
    answer = await api.post("/clients", json={"name": "Otra", "tax_id": "12345678Z"})
    assert (answer.status_code, answer.json()["existing_id"]) == (409, ana["id"])


async def test_same_number_of_another_country_is_another_id(api, ana):
    foreign = {"name": "Otra", "tax_id": "12345678Z", "tax_id_type": "other", "tax_id_country": "PT"}
    assert (await api.post("/clients", json=foreign)).status_code == 201


async def test_of_many_who_take_the_same_id_at_once_one_gets_it(api):
    ids = [(await api.post("/clients", json={"name": f"C{i}"})).json()["id"] for i in range(8)]
    answers = await asyncio.gather(
        *(api.patch(f"/clients/{client_id}", json={"tax_id": "12345678Z"}) for client_id in ids)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "duplicate_client", "conflict",
    }  # fmt: skip
    holders = (await api.get("/clients", params={"tax_id": "12345678Z"})).json()["data"]
    assert len(holders) == 1


async def test_parallel_changes_of_different_members_are_all_kept(api, ana):
    changes = [
        {"email": "x@example.com"},
        {"phone": "+34611111111"},
        {"language": "ca"},
        {"external_id": "z"},
    ]
    await asyncio.gather(*(patch(api, ana, change) for change in changes))
    body = await read(api, ana)
    for change in changes:
        assert body.items() >= change.items()


# --- archive and restore ------------------------------------------------------------------------------


async def test_archive_hides_and_restore_brings_back(api, ana):
    archived = (await api.post(f"/clients/{ana['id']}/archive")).json()
    assert archived["status"] == "archived"
    assert archived["archived_at"].endswith("Z")
    assert (await api.get("/clients")).json()["data"] == []
    for status, found in (("active", 0), ("archived", 1), ("all", 1)):
        assert len((await api.get("/clients", params={"status": status})).json()["data"]) == found
    assert await read(api, ana) == archived
    restored = (await api.post(f"/clients/{ana['id']}/restore")).json()
    assert (restored["status"], restored["archived_at"]) == ("active", None)
    assert [client["id"] for client in (await api.get("/clients")).json()["data"]] == [ana["id"]]


async def test_archiving_and_restoring_twice_changes_nothing(api, ana):
    for verb, version in (("restore", '"v1"'), ("archive", '"v2"'), ("archive", '"v2"'), ("restore", '"v3"')):
        answer = await api.post(f"/clients/{ana['id']}/{verb}")
        assert (answer.status_code, answer.headers["etag"]) == (200, version)


async def test_archived_client_cannot_be_changed(api, ana):
    archived = (await api.post(f"/clients/{ana['id']}/archive")).json()
    answer = await patch(api, ana, {"email": "x@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "client_archived")
    assert await read(api, ana) == archived


@pytest.mark.parametrize("body", [{"reason": "x"}, {"status": "active"}])
async def test_archive_ignores_no_body(api, ana, body):
    """The route takes no body: one that is sent must at least be JSON."""
    broken = await api.post(
        f"/clients/{ana['id']}/archive", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 400
    assert (await read(api, ana))["status"] == "active"


async def test_status_is_not_written_by_hand(api, ana):
    for change in (
        {"status": "archived"},
        {"id": "cli_x"},
        {"archived_at": None},
        {"created_at": "2026-01-01T00:00:00Z"},
    ):
        answer = await patch(api, ana, change)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "unknown_field"
    assert await read(api, ana) == ana
