"""What surrounds every request: its id, security headers, metrics, CORS."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from conecta.api import PREFIX
from conecta.app import create_app
from tests.conftest import http_client

ORIGIN = "https://app.bufete.example"


@pytest.fixture(scope="module")
async def web_app(settings, dsn) -> AsyncIterator[FastAPI]:
    """The application with one web origin allowed."""
    app = create_app(settings.model_copy(update={"cors_origins": [ORIGIN]}), dsn=dsn)
    async with app.router.lifespan_context(app):
        yield app


@pytest.mark.parametrize("path", ["/usage", "/clients/cli_nobody", "/nowhere"])
async def test_every_answer_has_a_request_id(api, path):
    answers = [await api.get(path) for _ in range(2)]
    ids = [answer.headers.get_list("x-request-id") for answer in answers]
    assert all(len(found) == 1 and re.fullmatch(r"req_[0-9a-z]{26}", found[0]) for found in ids)
    assert ids[0] != ids[1]


@pytest.mark.parametrize("given", ["12345678", "a.b-c_D9", "x" * 100])
async def test_callers_request_id_is_kept(api, given):
    answer = await api.get("/clients/cli_nobody", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given
    assert answer.json()["request_id"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 101, "has blank here", "<script>alert", "ñañañañañ".encode()]
)
async def test_request_id_that_could_do_harm_is_replaced(api, given):
    answer = await api.get("/usage", headers=[(b"X-Request-ID", given)])
    assert answer.headers["x-request-id"].startswith("req_")


async def test_security_headers_are_on_every_answer(api, anonymous):
    for answer in (
        await api.get("/usage"),
        await api.get("/nowhere"),
        await anonymous.get(f"{PREFIX}/usage"),
        await anonymous.get("/healthz"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_private_data_is_kept_out_of_shared_caches(api):
    client = (await api.post("/clients", json={"name": "Ana"})).json()
    for path in ("/clients", f"/clients/{client['id']}"):
        assert (await api.get(path)).headers["cache-control"] == "private, no-cache"
    assert (await api.get("/nowhere")).headers["cache-control"] == "no-store"


async def test_metrics_count_by_route_not_by_path(api, anonymous):
    """A metric with ids in its labels grows without end, and shows them to whoever reads metrics."""
    client = (await api.post("/clients", json={"name": "Ana"})).json()
    await api.get(f"/clients/{client['id']}")
    await api.get("/nowhere/secret-path")
    await api.request("BREW", "/clients")
    text = (await anonymous.get("/metrics")).text
    assert f'route="{PREFIX}/clients/{{uuid}}",status="200"' in text
    assert client["id"] not in text
    assert "secret-path" not in text
    assert "BREW" not in text
    assert 'method="OTHER"' in text


# --- CORS ---------------------------------------------------------------------------------------------


def preflight(origin: str) -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key, if-match",
    }


async def test_preflight_needs_no_credential_and_is_not_charged(web_app, superuser):
    async with http_client(web_app) as client:
        answer = await client.options(f"{PREFIX}/clients", headers=preflight(ORIGIN))
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "idempotency-key", "if-match"))
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert superuser.execute("select count(*) from rate_windows").fetchone() == (0,)


async def test_other_origins_are_not_let_in(web_app, firm):
    async with http_client(web_app) as client:
        refused = await client.options(f"{PREFIX}/clients", headers=preflight("https://evil.example"))
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers
    async with firm.client(web_app, Origin="https://evil.example") as api:
        assert "access-control-allow-origin" not in (await api.get("/usage")).headers


async def test_browser_may_read_refusals_and_limits(web_app, firm):
    async with firm.client(web_app, Origin=ORIGIN) as api:
        answers: list[httpx.Response] = [
            await api.get("/usage"),
            await api.get("/clients?limit=0"),
            await api.get("/usage", headers={"Authorization": "Bearer x"}),
            await api.get("/nowhere"),
        ]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert all(
            name in exposed for name in ("x-ratelimit-remaining", "retry-after", "etag", "x-request-id")
        )
        assert "access-control-allow-credentials" not in answer.headers


async def test_without_the_setting_no_origin_is_let_in(app, firm):
    async with firm.client(app, Origin=ORIGIN) as api:
        assert "access-control-allow-origin" not in (await api.get("/usage")).headers
