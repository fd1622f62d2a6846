"""Settings of the firm: the form shows what is stored, says what is wrong where it is, and loses nothing."""

import pytest

from tests.pages.conftest import forms_of

PATH = "/panel/settings"


async def stored(api):
    return (await api.get("/tenant")).json()


async def test_what_is_typed_is_stored_and_told(owner, api):
    wanted = {
        "name": "Bufete Ñandú & Asociados",
        "tax_id": "b12345674",
        "language": "en",
        "time_zone": "Atlantic/Canary",
        "case_number_format": "{yy}/{number:05}",
        "client_access": "self_service",
    }
    answer = await owner.send(PATH, wanted, action=PATH)
    assert answer.status_code == 303
    assert answer.headers["location"] == PATH
    tenant = await stored(api)
    assert {name: tenant[name] for name in wanted} == wanted | {"tax_id": "B12345674"}
    page = await owner.get(PATH)
    assert "Los ajustes están guardados." in page.text
    shown = next(form for form in forms_of(page.text) if form.action == PATH).values
    assert {name: shown[name] for name in wanted} == wanted | {"tax_id": "B12345674"}
    assert "Los ajustes están guardados." not in (await owner.get(PATH)).text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "   ", "No puede estar vacío"),
        ("tax_id", "B12345675", "NIF, NIE ni CIF"),
        ("time_zone", "Europe/Atlantis", "Zona IANA"),
        ("case_number_format", "EXP-{number", "{"),
        ("client_access", "everybody", "invitation"),
    ],
)
async def test_a_mistake_is_said_at_its_field_and_nothing_is_saved(owner, api, field, value, sentence):
    before = await stored(api)
    answer = await owner.send(PATH, {"language": "en", field: value}, action=PATH)
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    told = answer.text.partition(f'id="e-{field}"')[2].partition("</p>")[0]
    assert sentence in told
    kept = next(form for form in forms_of(answer.text) if form.action == PATH).values
    assert kept["language"] == "en"
    assert await stored(api) == before


async def test_an_empty_tax_id_empties_it(owner, api):
    await owner.send(PATH, {"tax_id": "B12345674"}, action=PATH)
    assert (await stored(api))["tax_id"] == "B12345674"
    await owner.send(PATH, {"tax_id": " "}, action=PATH)
    assert (await stored(api))["tax_id"] is None


async def test_what_somebody_else_saved_is_not_overwritten_unseen(owner, api):
    opened = await owner.get(PATH)
    await api.patch("/tenant", json={"name": "Saved first"})
    answer = await owner.send_from(opened, {"name": "Saved second"}, action=PATH)
    assert answer.status_code == 412
    assert "mientras tanto" in answer.text
    assert (await stored(api))["name"] == "Saved first"
    again = await owner.send_from(answer, action=PATH)
    assert again.status_code == 303
    assert (await stored(api))["name"] == "Saved second"


async def test_a_sandbox_has_settings_of_its_own(in_sandbox, api):
    before = await stored(api)
    await in_sandbox.send(PATH, {"name": "Solo de pruebas"}, action=PATH)
    assert await stored(api) == before
    assert "Solo de pruebas" in (await in_sandbox.get(PATH)).text


async def test_the_form_needs_its_token(owner, api):
    before = await stored(api)
    answer = await owner.post(PATH, {"name": "Forged"})
    assert answer.status_code == 403
    assert await stored(api) == before


async def test_another_firm_shows_and_saves_nothing_of_this_one(owner, other_firm, app, api):
    from tests.pages.conftest import Browser, new_browser, sign_in

    await owner.send(PATH, {"name": "Nombre secreto"}, action=PATH)
    async with new_browser(app, await sign_in(app, other_firm.id, other_firm.owner_id)) as client:
        stranger = Browser(client)
        assert "Nombre secreto" not in (await stranger.get(PATH)).text
        await stranger.send(PATH, {"name": "De la otra"}, action=PATH)
    assert (await stored(api))["name"] == "Nombre secreto"
