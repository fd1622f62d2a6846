"""Refusals on the wire: one shape, two languages, nothing of our insides."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from conecta.kit.errors import Problem
from tests.conftest import http_client
from tests.odd_routes import SECRET, odd_app

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


@pytest.fixture(scope="module")
async def odd(settings, dsn) -> AsyncIterator[FastAPI]:
    async with odd_app(settings, dsn) as app:
        yield app


async def refusals(api) -> dict[str, httpx.Response]:
    json_kind = {"Content-Type": "application/json"}
    return {
        "malformed_request": await api.post("/clients", content=b"{", headers=json_kind),
        "invalid_parameter": await api.get("/clients?limit=0"),
        "unauthorized": await api.get("/clients", headers={"Authorization": "Bearer x"}),
        "tenant_mismatch": await api.get("/clients", headers={"X-Tenant-ID": "x"}),
        "not_found": await api.get("/clients/cli_nobody"),
        "route_not_found": await api.get("/nowhere"),
        "method_not_allowed": await api.put("/clients", json={}),
        "not_acceptable": await api.get("/clients", headers={"Accept": "text/html"}),
        "unsupported_media_type": await api.post(
            "/clients", content=b"x", headers={"Content-Type": "text/csv"}
        ),
        "body_too_large": await api.post("/clients", content=b" " * 1_048_577, headers=json_kind),
        "validation_failed": await api.post("/clients", json={"nombre": "Ana"}),
    }


async def test_every_refusal_has_the_same_shape(api):
    for code, answer in (await refusals(api)).items():
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(body) == MEMBERS, code
        assert body["code"] == code
        assert body["status"] == answer.status_code
        assert body["type"] == f"http://testserver/errors/{code}"
        assert body["request_id"] == answer.headers["x-request-id"]
        assert body["instance"] == answer.request.url.path
        assert body["title"]
        assert len(body["detail"]) > 20, code
        assert all(set(error) == {"pointer", "code", "message"} for error in body["errors"])
        assert answer.headers["content-language"] == "es"
        assert answer.headers["cache-control"] == "no-store"


async def test_texts_are_in_the_callers_language(api):
    spanish = await refusals(api)
    api.headers["Accept-Language"] = "en-GB,en;q=0.9"
    english = await refusals(api)
    for code, answer in english.items():
        assert answer.headers["content-language"] == "en"
        ours, theirs = answer.json(), spanish[code].json()
        assert ours["title"] != theirs["title"], code
        assert ours["detail"] != theirs["detail"], code
        messages = zip(ours["errors"], theirs["errors"], strict=True)
        assert all(en["message"] != es["message"] and en["code"] == es["code"] for en, es in messages)


async def test_languages_of_parallel_callers_do_not_mix(api, app, firm):
    async with firm.client(app, **{"Accept-Language": "en"}) as english:
        calls = [client.get("/clients/cli_nobody") for _ in range(10) for client in (api, english)]
        answers = await asyncio.gather(*calls)
    assert [answer.headers["content-language"] for answer in answers] == ["es", "en"] * 10
    assert {answer.json()["title"] for answer in answers[::2]} == {"No encontrado"}
    assert {answer.json()["title"] for answer in answers[1::2]} == {"Not found"}


@pytest.mark.parametrize(("method", "path"), [("GET", "boom"), ("POST", "boom"), ("GET", "bare-boom")])
async def test_fault_of_ours_shows_nothing_of_our_insides(odd, firm, method, path):
    async with firm.client(odd) as api:
        answer = await api.request(method, f"/odd/{path}", headers={"Accept-Language": "en"})
    assert answer.status_code == 500
    assert set(answer.json()) == MEMBERS
    assert answer.json()["code"] == "internal_error"
    for inside in (SECRET, "select", "people", "RuntimeError", "Traceback", "odd_routes.py", "sqlalchemy"):
        assert inside not in answer.text, inside


async def test_database_conflict_shows_no_constraint_and_no_value(odd, firm):
    async with firm.client(odd) as api:
        answer = await api.post("/odd/late-conflict")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    for inside in ("late_", "duplicate key", "constraint", "Key (", "psycopg"):
        assert inside not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/clients", {"GET", "POST"}),
        ("DELETE", "/clients", {"GET", "POST"}),
        ("POST", "/clients/cli_x", {"GET", "PATCH"}),
        ("GET", "/clients/cli_x/archive", {"POST"}),
        ("PATCH", "/usage", {"GET"}),
        ("POST", "/api-keys/key_x", {"GET", "DELETE"}),
    ],
)
async def test_method_not_allowed_says_which_are(api, method, path, allowed):
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(re.split(r",\s*", answer.headers["allow"])) == allowed
    assert all(name in answer.json()["detail"] for name in allowed)


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/clients/",
        "/clients/a/b/c",
        "/Clients",
        "/",
        "/clients//",
        "/%00",
        "/%ff",
        "/ñ",
        "/a{b}c",
    ],
)
async def test_unknown_route_is_a_problem(api, path):
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")
    assert set(answer.json()) == MEMBERS


async def test_very_long_path_is_not_sent_back_whole(api):
    answer = await api.get("/" + "x" * 5000)
    assert answer.status_code == 404
    assert len(answer.content) < 2000


async def test_unknown_route_outside_the_api_is_a_problem_too(app):
    async with http_client(app) as client:
        answer = await client.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_markup_in_what_was_sent_stays_data(api):
    answer = await api.post("/clients", json={"<script>alert(1)</script>": "{0} {x} %s"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.status_code == 422
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert "/<script>alert(1)<~1script>" in pointers


def test_a_problem_without_its_values_is_a_mistake_found_at_once():
    class Lacking(Problem):
        code = "lacking"
        detail = Problem.detail._replace(es="{falta}", en="{missing}")

    with pytest.raises(KeyError):
        Lacking()
