"""The OpenAPI document: valid, complete, and true to the routes it describes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31

from conecta import __version__, api, openapi
from conecta.auth.scopes import Scope
from conecta.events.catalogue import CATALOGUE
from conecta.kit.errors import MethodNotAllowed, RouteNotFound, all_problems
from conecta.openapi import problems

BASE_URL = "https://api.example.com"
SEED_REQUEST = {
    "client_id": "cli_abc123",
    "category": "civil",
    "title": "Reclamación de cantidad",
    "description": "Deuda de 5.000€ por servicios prestados",
    "assigned_provider_id": "usr_xyz789",
}
LIMIT_HEADERS = {
    "X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit",
    "RateLimit-Policy",
}  # fmt: skip
DOCUMENT = openapi.document(BASE_URL)


def operations(section="paths"):
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in DOCUMENT[section].items()
        for method, operation in methods.items()
    ]


OPERATIONS = operations()
each_operation = pytest.mark.parametrize(
    ("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS]
)


def resolve(thing):
    while "$ref" in thing:
        found = DOCUMENT
        for part in thing["$ref"].removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        thing = found
    return thing


def validator(schema):
    """Validate by a schema of the document, whose references are looked up in the document."""
    whole = {**DOCUMENT, **schema} if "$ref" not in schema else {**DOCUMENT, "allOf": [schema]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def answers(operation):
    return {status: resolve(answer) for status, answer in operation["responses"].items()}


def test_is_openapi_3_1_by_its_meta_schema():
    errors = [error.message for error in Draft202012Validator(OPENAPI_31).iter_errors(DOCUMENT)]
    assert errors == []
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["version"] == __version__
    assert DOCUMENT["servers"] == [{"url": BASE_URL, "description": "Esta instalación"}]


def test_every_reference_leads_somewhere():
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)))
    assert references
    for reference in references:
        resolve({"$ref": reference})


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_a_schema(name):
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_route_is_in_it_and_nothing_else():
    routes = {
        f"{method} {route.path_format}"
        for route in api.routes()
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert routes
    assert {name for name, _ in OPERATIONS} == routes


def test_ids_are_unique_and_stable():
    ids = [operation["operationId"] for _, operation in OPERATIONS + operations("webhooks")]
    assert sorted(ids) == sorted(set(ids))
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in ids)


def test_every_tag_is_described():
    used = {tag for _, operation in OPERATIONS + operations("webhooks") for tag in operation["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"]}
    assert all(tag["description"] for tag in DOCUMENT["tags"])


@each_operation
def test_says_who_may_call(name, operation):
    scopes = operation["security"][0]["ApiKey"]
    assert set(scopes) <= set(Scope)
    # What no OAuth app is ever granted is open to keys (and to people in the panel) only.
    by_token = [] if "admin" in scopes else [{"OAuth2": scopes}]
    by_page = [{"PublishableKey": []}] if "/public/" in name else []
    assert operation["security"][1:] == by_token + by_page
    assert len(scopes) == (0 if name == "GET /v1/servicios/usage" or by_page else 1)
    assert "**Permiso:**" in operation["description"]
    assert all(scope in operation["description"] for scope in scopes)


def test_the_oauth_flows_are_described():
    scheme = DOCUMENT["components"]["securitySchemes"]["OAuth2"]
    assert scheme["flows"].keys() == {"authorizationCode", "clientCredentials"}
    code = scheme["flows"]["authorizationCode"]
    assert code["authorizationUrl"] == f"{BASE_URL}/oauth/authorize"
    for flow in scheme["flows"].values():
        assert flow["tokenUrl"] == f"{BASE_URL}/oauth/token"
        assert list(flow["scopes"]) == [scope.value for scope in Scope if scope is not Scope.ADMIN]


@each_operation
def test_lists_what_can_always_go_wrong(name, operation):
    assert {"400", "401", "403", "406", "413", "429", "500", "503"} <= operation["responses"].keys()
    assert ("304" in operation["responses"]) == name.startswith("GET ")
    assert ("404" in operation["responses"]) == ("{" in name)
    names = {resolve(parameter)["name"] for parameter in operation["parameters"]}
    assert ("412" in operation["responses"]) == ("If-Match" in names)
    assert ("Idempotency-Key" in names) == name.startswith("POST ")
    assert ("If-None-Match" in names) == name.startswith("GET ")
    assert {"X-Tenant-ID", "Accept-Language"} <= names


@each_operation
def test_every_answer_has_the_headers_of_limits_and_request_id(name, operation):
    for status, answer in answers(operation).items():
        assert answer["headers"].keys() >= LIMIT_HEADERS, (name, status)
        required = {header for header, value in answer["headers"].items() if resolve(value)["required"]}
        assert "X-Request-ID" in required
        if status not in {"413", "500", "503"}:
            assert required >= LIMIT_HEADERS, (name, status)


@each_operation
def test_has_the_rarer_headers_where_they_occur(name, operation):
    headers = {status: set(answer["headers"]) for status, answer in answers(operation).items()}
    assert "WWW-Authenticate" in headers["401"]
    assert "Retry-After" in headers["429"] & headers["503"]
    if name.startswith("GET "):
        assert "ETag" in headers["200"] & headers["304"]
    if "next_cursor" in json.dumps(operation) and "cursor" in json.dumps(operation["parameters"]):
        assert "Link" in headers["200"] or name.endswith("/events/feed")
    if name.startswith("POST "):
        success = next(status for status in headers if status.startswith("2"))
        assert "Idempotency-Replayed" in headers[success] & headers["422"]


@each_operation
def test_every_parameter_is_described(name, operation):
    for parameter in map(resolve, operation["parameters"]):
        assert parameter["description"], (name, parameter["name"])
        assert parameter["required"] == (parameter["in"] == "path")
        assert {"type": "null"} not in parameter["schema"].get("anyOf", [])


@each_operation
def test_every_body_has_an_example_that_its_schema_accepts(name, operation):
    bodies = {status: answer for status, answer in answers(operation).items() if status.startswith("2")}
    if "requestBody" in operation:
        bodies["request"] = operation["requestBody"]
    for which, body in bodies.items():
        if which == "204":
            assert "content" not in body
            continue
        media = body["content"]["application/json"]
        errors = [e.message for e in validator(media["schema"]).iter_errors(media["example"])]
        assert errors == [], (name, which, media["example"])
        assert '"…"' not in json.dumps(media["example"], ensure_ascii=False), (
            f"{name}: name the member with … in conecta.openapi.examples"
        )


@each_operation
def test_every_error_has_an_example_that_its_schema_accepts(name, operation):
    declared = {problem.code: problem for problem in all_problems()}
    for status, answer in answers(operation).items():
        if not status.startswith(("4", "5")):
            continue
        media = answer["content"]["application/problem+json"]
        codes = media["schema"]["allOf"][1]["properties"]["code"]["enum"]
        assert set(codes) == set(media["examples"]) != set()
        for code in codes:
            example = resolve(media["examples"][code])["value"]
            assert str(declared[code].status) == status
            assert (example["code"], example["status"]) == (code, int(status))
            errors = [e.message for e in validator(media["schema"]).iter_errors(example)]
            assert errors == [], (name, status, code)


def test_every_declared_error_can_occur_somewhere():
    used = set(DOCUMENT["components"]["examples"])
    # No operation gives these: they are what a wrong path or method gets.
    outside = {RouteNotFound.code, MethodNotAllowed.code}
    ours = {problem.code for problem in all_problems() if problem.__module__.startswith("conecta.")}
    assert used == ours - outside


@pytest.mark.parametrize(
    ("operation_id", "codes"),
    [
        ("create_client", {"duplicate_client"}),
        ("update_client", {"duplicate_client", "client_archived", "precondition_failed"}),
        ("close_case", {"case_closed", "case_archived"}),
        ("create_key", {"scope_not_yours"}),
        ("roll_key", {"api_key_revoked"}),
        ("rotate_secret", {"rotation_running"}),
        ("resend_delivery", {"delivery_under_way"}),
    ],
)
def test_errors_of_features_stand_at_the_operations_that_give_them(operation_id, codes):
    assert codes <= codes_of(operation_id)


def test_errors_of_features_do_not_stand_elsewhere():
    assert "duplicate_client" not in codes_of("read_client") | codes_of("create_key")
    assert "case_closed" not in codes_of("list_cases") | codes_of("create_client")


def codes_of(operation_id):
    (operation,) = (o for _, o in OPERATIONS if o["operationId"] == operation_id)
    found = set()
    for answer in answers(operation).values():
        found |= set(answer.get("content", {}).get("application/problem+json", {}).get("examples", {}))
    return found


@pytest.mark.parametrize("problem", all_problems(), ids=lambda problem: problem.code)
def test_examples_of_errors_have_no_gaps(problem):
    shown = json.dumps(problems.example(problem, BASE_URL), ensure_ascii=False)
    assert "…" not in shown.replace("sk_live_…", ""), (
        f"conecta.openapi.problems.VALUES lacks an example for what {problem.code} is filled with:"
        f" {problems.placeholders(problem) | set(problem.extension_names)}"
    )


def test_the_seeds_request_is_the_example_of_creating_a_case():
    body = DOCUMENT["paths"]["/v1/servicios/cases"]["post"]["requestBody"]
    assert body["content"]["application/json"]["example"] == SEED_REQUEST


def test_every_event_of_the_catalogue_is_in_webhooks():
    assert set(DOCUMENT["webhooks"]) == {event.name for event in CATALOGUE}
    assert "invoice.paid" in DOCUMENT["webhooks"]


@pytest.mark.parametrize("name", sorted(DOCUMENT["webhooks"]))
def test_a_webhook_has_envelope_headers_and_a_valid_example(name):
    operation = DOCUMENT["webhooks"][name]["post"]
    media = operation["requestBody"]["content"]["application/json"]
    schema = resolve(media["schema"])
    assert set(schema["required"]) == {"id", "type", "created", "tenant_id", "data"}
    assert schema["properties"]["type"]["const"] == media["example"]["type"] == name
    assert [e.message for e in validator(media["schema"]).iter_errors(media["example"])] == []
    headers = {parameter["name"] for parameter in operation["parameters"]}
    assert headers >= {
        "X-Webhook-Signature", "X-Webhook-ID", "webhook-id", "webhook-timestamp", "webhook-signature",
    }  # fmt: skip


def test_the_seeds_payload_is_an_example_word_for_word():
    media = DOCUMENT["webhooks"]["invoice.paid"]["post"]["requestBody"]["content"]["application/json"]
    assert media["example"] == {
        "id": "wh_evt_abc123xyz",
        "type": "invoice.paid",
        "created": "2026-01-17T14:30:00Z",
        "tenant_id": "tenant_abc123",
        "data": {
            "invoice_id": "inv_xyz789",
            "invoice_number": "FAC-2026-0042",
            "amount": 125000,
            "currency": "EUR",
            "client_id": "cli_abc123",
            "paid_at": "2026-01-17T14:29:55Z",
        },
    }


def test_the_command_prints_it_without_a_database(tmp_path):
    made = subprocess.run(
        [sys.executable, "-m", "conecta", "openapi"],
        cwd=tmp_path,
        env={"CONECTA_BASE_URL": "https://api.example.com/", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    printed = json.loads(made.stdout)
    assert printed == DOCUMENT
    assert list(Path(tmp_path).iterdir()) == []
