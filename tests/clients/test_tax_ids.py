"""Tax ids: Spanish ones with their control character, foreign ones by kind and country."""

import pytest


async def create(api, **tax):
    return await api.post("/clients", json={"name": "Ana", **tax})


@pytest.mark.parametrize(
    ("tax_id", "stored", "kind"),
    [
        ("12345678Z", "12345678Z", "nif"),
        ("00000000T", "00000000T", "nif"),
        (" 12.345.678-z ", "12345678Z", "nif"),
        ("X1234567L", "X1234567L", "nie"),
        ("y-1234567-x", "Y1234567X", "nie"),
        ("Z1234567R", "Z1234567R", "nie"),
        ("B12345674", "B12345674", "cif"),
        ("A-58818501", "A58818501", "cif"),
        ("Q2826000H", "Q2826000H", "cif"),
        # Orden EHA/451/2008 and RD 1065/2007 art. 20: minors, residents abroad, foreigners without NIE.
        ("K1234567L", "K1234567L", "nif"),
        ("L1234567L", "L1234567L", "nif"),
        ("M1234567L", "M1234567L", "nif"),
    ],
)
async def test_spanish_ids_are_recognised(api, tax_id, stored, kind):
    answer = await create(api, tax_id=tax_id)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["tax_id"], body["tax_id_type"], body["tax_id_country"]) == (stored, kind, "ES")
    again = await create(api, tax_id=stored, tax_id_type=kind)
    assert (again.status_code, again.json()["existing_id"]) == (409, body["id"])


@pytest.mark.parametrize(
    "tax_id",
    [
        "12345678A",
        "1234567Z",
        "123456789Z",
        "X1234567A",
        "B12345675",
        "K1234567A",
        "I1234567L",
        "",
        "-",
        "ABC",
        "１２３４５６７８Z",
    ],
)
@pytest.mark.parametrize("kind", [None, "nif"])
async def test_wrong_spanish_ids_are_refused(api, tax_id, kind):
    answer = await create(api, tax_id=tax_id, tax_id_type=kind)
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/tax_id", "invalid_tax_id")]


@pytest.mark.parametrize(
    ("kind", "tax_id"),
    [("nif", "X1234567L"), ("nie", "12345678Z"), ("cif", "12345678Z"), ("nif", "B12345674")],
)
async def test_kind_must_be_the_right_one(api, kind, tax_id):
    assert (await create(api, tax_id=tax_id, tax_id_type=kind)).status_code == 422


@pytest.mark.parametrize(
    ("kind", "tax_id", "country", "expected"),
    [
        ("vat", "DE136695976", None, ("DE136695976", "DE")),
        ("vat", "de 136.695.976", None, ("DE136695976", "DE")),
        ("vat", "EL094259216", None, ("EL094259216", "GR")),
        ("vat", "PT 501 964 843", "FR", ("PT501964843", "PT")),
        ("passport", "ab 12345/6", "fr", ("AB12345/6", "FR")),
        ("other", "123-45-6789", "US", ("123-45-6789", "US")),
    ],
)
async def test_foreign_ids(api, kind, tax_id, country, expected):
    answer = await create(api, tax_id=tax_id, tax_id_type=kind, tax_id_country=country)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["tax_id"], body["tax_id_country"]) == expected


@pytest.mark.parametrize(
    ("tax", "pointer", "code"),
    [
        ({"tax_id": "DE136695977", "tax_id_type": "vat"}, "/tax_id", "invalid_tax_id"),
        ({"tax_id": "XX123", "tax_id_type": "vat"}, "/tax_id", "invalid_tax_id"),
        ({"tax_id": "AB", "tax_id_type": "passport", "tax_id_country": "FR"}, "/tax_id", "invalid_tax_id"),
        ({"tax_id": "A" * 31, "tax_id_type": "other", "tax_id_country": "FR"}, "/tax_id", "invalid_tax_id"),
        ({"tax_id": "ÀÉÍ1", "tax_id_type": "other", "tax_id_country": "FR"}, "/tax_id", "invalid_tax_id"),
        ({"tax_id": "AB123", "tax_id_type": "other"}, "/tax_id_country", "country_required"),
        ({"tax_id": "AB123", "tax_id_type": "dni"}, "/tax_id_type", "not_allowed"),
        (
            {"tax_id": "AB123", "tax_id_type": "other", "tax_id_country": "XX"},
            "/tax_id_country",
            "invalid_country",
        ),
        ({"tax_id": "A" * 41}, "/tax_id", "too_long"),
        ({"tax_id": 12345678}, "/tax_id", "type"),
    ],
)
async def test_wrong_foreign_ids_are_refused(api, tax, pointer, code):
    answer = await create(api, **tax)
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert (await api.get("/clients")).json()["data"] == []


async def test_spanish_vat_number_is_the_same_id(api):
    first = await create(api, tax_id="B12345674")
    for more in ({"tax_id_type": "vat"}, {"tax_id_type": "cif"}, {}):
        second = await create(api, tax_id="ES B12345674", **more)
        assert (second.status_code, second.json()["existing_id"]) == (409, first.json()["id"])
