"""The catalogue: the twelve events of the guide and our own, each with payload, sentence and example."""

import pytest
from jsonschema import Draft202012Validator

from conecta.events.catalogue import CATALOGUE

# Integration guide §4.1, in its order and with its words.
GUIDE = {
    "case.created": "Nuevo expediente creado",
    "case.updated": "Expediente actualizado",
    "case.closed": "Expediente cerrado",
    "booking.created": "Nueva cita creada",
    "booking.confirmed": "Cita confirmada por cliente",
    "booking.cancelled": "Cita cancelada",
    "invoice.created": "Nueva factura creada",
    "invoice.paid": "Factura cobrada",
    "document.uploaded": "Documento subido por cliente",
    "document.signed": "Documento firmado",
    "inquiry.received": "Nueva consulta recibida",
    "review.created": "Nueva reseña recibida",
}
# What the guide has no event for.
OURS = {
    "booking.rescheduled": "Cita cambiada de hora",
    "booking.completed": "Cita celebrada",
    "booking.no_show": "El cliente no se presentó",
}


@pytest.fixture
async def listed(api):
    answer = await api.get("/event-types")
    assert answer.status_code == 200
    assert (answer.json()["has_more"], answer.json()["next_cursor"]) == (False, None)
    return {entry["name"]: entry for entry in answer.json()["data"]}


async def test_lists_the_guide_and_the_trial_message(listed):
    # Each group of ours stands beside the guide's own events of that group.
    assert [name for name in listed if name not in OURS] == [*GUIDE, "webhook.test"]
    assert listed.keys() == {*GUIDE, *OURS, "webhook.test"}
    told = GUIDE | OURS
    assert {name: listed[name]["description"] for name in told} == told
    assert all(entry.keys() == {"name", "description", "example", "data_schema"} for entry in listed.values())


async def test_descriptions_speak_english_too(api):
    answer = await api.get("/event-types", headers={"Accept-Language": "en"})
    descriptions = {entry["name"]: entry["description"] for entry in answer.json()["data"]}
    assert descriptions["invoice.paid"] == "An invoice was paid"
    assert not set(descriptions.values()) & set(GUIDE.values())


async def test_every_example_keeps_to_its_schema(listed):
    for entry in listed.values():
        schema = entry["data_schema"]
        Draft202012Validator.check_schema(schema)
        checker = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        assert list(checker.iter_errors(entry["example"])) == []
        assert set(schema["required"]) == set(schema["properties"]) == set(entry["example"])
        assert all("description" in member or "$ref" in member for member in schema["properties"].values())


async def test_the_paid_invoice_is_the_example_of_the_guide(listed):
    assert listed["invoice.paid"]["example"] == {
        "invoice_id": "inv_xyz789",
        "invoice_number": "FAC-2026-0042",
        "amount": 125000,
        "currency": "EUR",
        "client_id": "cli_abc123",
        "paid_at": "2026-01-17T14:29:55Z",
    }


def test_every_event_is_declared_once():
    names = [event.name for event in CATALOGUE]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("event", CATALOGUE, ids=lambda event: event.name)
def test_examples_are_what_the_payload_would_write(event):
    assert event.payload.model_validate(dict(event.example)).model_dump(mode="json") == dict(event.example)
