"""The firm's own account: reading and changing it."""

import pytest


async def test_a_firm_reads_and_changes_its_account(api, firm):
    read = await api.get("/tenant")
    assert read.status_code == 200, read.text
    assert read.json()["id"] == firm.id
    assert (read.json()["mode"], read.json()["plan"], read.json()["trial_until"]) == (
        "live",
        "enterprise",
        None,
    )
    wanted = {"name": "Bufete Núñez y Cía.", "tax_id": "b-12345674", "time_zone": "Atlantic/Canary"}
    changed = await api.patch("/tenant", json=wanted, headers={"If-Match": read.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert changed.json()["tax_id"] == "B12345674"
    assert changed.json()["time_zone"] == "Atlantic/Canary"
    assert changed.headers["etag"] == '"v2"'
    stale = await api.patch("/tenant", json={"name": "X"}, headers={"If-Match": read.headers["etag"]})
    assert stale.status_code == 412
    assert (await api.get("/tenant")).json()["name"] == "Bufete Núñez y Cía."


async def test_a_new_number_format_numbers_the_next_case(api):
    client = (await api.post("/clients", json={"name": "Ana"})).json()["id"]
    wanted = {"client_id": client, "category": "civil", "title": "Uno"}
    await api.post("/cases", json=wanted)
    answer = await api.patch("/tenant", json={"case_number_format": "{yy}/{number:03}-CIV"})
    assert answer.status_code == 200, answer.text
    second = (await api.post("/cases", json=wanted)).json()["number"]
    assert second.endswith("/002-CIV")


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("tax_id", "B12345678", "invalid_tax_id"),
        ("time_zone", "Europe/Atlantis", "unknown_time_zone"),
        ("case_number_format", "EXP-{number}", "number_format"),
        ("case_number_format", "{year.__class__}-{number}", "number_format"),
        ("name", None, "required"),
        ("language", "fr", "not_allowed"),
        ("plan", "enterprise", "unknown_field"),
    ],
)
async def test_refusals_say_where_and_change_nothing(api, member, value, code):
    before = (await api.get("/tenant")).json()
    answer = await api.patch("/tenant", json={member: value})
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"/{member}", code)]
    assert (await api.get("/tenant")).json() == before
