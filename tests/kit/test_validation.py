"""What is wrong with a body, said member by member: a pointer that leads there, a code, a sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit.validation import field_errors, field_errors_of_query, pointer, suggestion


def resolve(document, path: str):
    """Follow a JSON pointer (RFC 6901)."""
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


BODIES = [
    ({}, [("", "name_required")]),
    ({"name": None}, [("", "name_required")]),
    ({"name": 7}, [("/name", "type")]),
    ({"name": ["Ana"]}, [("/name", "type")]),
    ({"name": {}}, [("/name", "type")]),
    ({"name": True}, [("/name", "type")]),
    ({"name": ""}, [("/name", "too_short")]),
    ({"name": "   "}, [("/name", "too_short")]),
    ({"name": "x" * 201}, [("/name", "too_long")]),
    ({"name": "A", "kind": "firm"}, [("/kind", "not_allowed")]),
    ({"name": "A", "kind": None}, [("/kind", "not_allowed")]),
    ({"name": "A", "email": "no"}, [("/email", "invalid")]),
    ({"name": "A", "email": "a@b@c.es"}, [("/email", "invalid")]),
    ({"name": "A", "email": "x" * 250 + "@example.com"}, [("/email", "invalid")]),
    ({"name": "A", "phone": "600"}, [("/phone", "invalid_phone")]),
    ({"name": "A", "phone": "+1" * 21}, [("/phone", "too_long")]),
    ({"name": "A", "phone": 600111222}, [("/phone", "type")]),
    ({"name": "A", "language": "spanish"}, [("/language", "pattern")]),
    ({"name": "A", "language": "ES"}, [("/language", "pattern")]),
    ({"name": "A", "language": "es\n"}, []),
    ({"name": "A", "additional_emails": "a@example.com"}, [("/additional_emails", "type")]),
    ({"name": "A", "additional_emails": ["a@example.com", 7]}, [("/additional_emails/1", "type")]),
    ({"name": "A", "additional_emails": ["a@example.com"] * 21}, [("/additional_emails", "too_many")]),
    ({"name": "A", "address": "Calle Mayor"}, [("/address", "type")]),
    ({"name": "A", "address": {"calle": "x"}}, [("/address/calle", "unknown_field")]),
    ({"name": "A", "address": {"country": "España"}}, [("/address/country", "too_long")]),
    ({"name": "A", "address": {"country": "XX"}}, [("/address/country", "invalid_country")]),
    ({"name": "A", "custom_fields": []}, [("/custom_fields", "type")]),
    ({"name": "A", "custom_fields": {"Bad Key": 1}}, [("/custom_fields/Bad Key", "pattern")]),
    ({"name": "A", "custom_fields": {"": 1}}, [("/custom_fields/", "pattern")]),
    ({"name": "A", "custom_fields": {"a/b~c": 1}}, [("/custom_fields/a~1b~0c", "pattern")]),
    ({"name": "A", "custom_fields": {"a": [1]}}, [("/custom_fields/a", "invalid")]),
    ({"name": "A", "nombre": "x"}, [("/nombre", "unknown_field")]),
    ({"name": "A", "a/b": 1, "~": 2}, [("/a~1b", "unknown_field"), ("/~0", "unknown_field")]),
    ({"name": 7, "kind": "x", "email": 1}, [("/name", "type"), ("/email", "type"), ("/kind", "not_allowed")]),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
async def test_every_mistake_is_pointed_at(api, body, expected):
    answer = await api.post("/clients", json=body)
    if not expected:
        assert answer.status_code == 201, answer.text
        return
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == expected
    for error in errors:
        resolve(body, error["pointer"])
        assert error["message"][0].isupper() or error["message"][0] == "¿"
        assert not re.search(r"\{[a-z_]+\}", error["message"]), "a value was not filled in"
    assert (await api.get("/clients")).json()["data"] == []


async def test_misspelt_member_gets_a_suggestion(api):
    answer = await api.post(
        "/clients", json={"name": "A", "externalid": "1"}, headers={"Accept-Language": "en"}
    )
    (error,) = answer.json()["errors"]
    assert error["message"] == "There is no such field. Did you mean external_id?"


async def test_texts_lose_surrounding_blanks(api):
    body = (await api.post("/clients", json={"name": "  Ana\t\u00a0Gil \n", "external_id": " x "})).json()
    assert (body["name"], body["external_id"]) == ("Ana\t\u00a0Gil", "x")


@given(st.lists(st.text(min_size=1, max_size=20) | st.integers(0, 50), max_size=5))
def test_pointers_lead_to_what_they_name(path):
    document = leaf = object()
    for part in reversed(path):
        document = {str(part): document}
    shown = pointer(path)
    printable = [str(part).encode("utf-8", "replace").decode() for part in path]
    if printable == [str(part) for part in path]:
        assert resolve(document, shown) is leaf
    assert shown.encode().decode() == shown


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=10), max_size=5))
def test_suggestions_are_texts(name, known):
    hint = suggestion(name, known)
    assert bool(hint.es) is bool(hint.en) is bool(known)


def test_a_rule_we_have_no_words_for_is_still_said():
    errors = [{"type": "ip_v4_address", "loc": ("body", "address"), "ctx": {}}]
    (error,) = field_errors(errors)
    assert (error.pointer, error.code) == ("/address", "invalid")
    assert error.message == "Valor no válido."


def test_query_errors_name_the_parameter():
    (error,) = field_errors_of_query([{"type": "missing", "loc": ("since",)}])
    assert (error.pointer, error.code) == ("since", "required")


def test_sentence_whose_value_is_missing_is_still_said():
    (error,) = field_errors([{"type": "too_long", "loc": ("body", "x")}])
    assert error.message == "Valor no válido."
