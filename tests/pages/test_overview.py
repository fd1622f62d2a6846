"""The first page of the panel: the plan, what is used of it, the webhooks' health and the last errors."""

import re

import pytest

from conecta.pages.panel.overview import Gauge
from tests.firms import make_firm
from tests.pages.conftest import Browser, new_browser, sign_in
from tests.webhooks.dispatching import until


async def test_a_new_firm_is_shown_its_first_steps(app, owner, superuser):
    superuser.execute("delete from api_keys")
    page = await owner.get("/panel")
    assert "Tu primera integración, en tres pasos" in page.text
    assert 'href="/panel/keys/new"' in page.text
    await owner.send("/panel/keys/new", {"name": "CRM", "scopes": ["read:cases"]})
    assert "Tu primera integración" not in (await owner.get("/panel")).text


async def test_both_windows_are_drawn(app):
    small = await make_firm(app, name="Pequeña", plan="free", per_minute=10, per_day=50)
    async with small.client(app) as api:
        for _ in range(4):
            await api.get("/cases")
    async with new_browser(app, await sign_in(app, small.id, small.owner_id)) as client:
        page = (await Browser(client).get("/panel")).text
    assert "Free / Trial" in page
    assert 'aria-label="4 de 50 llamadas"' in page
    assert re.search(r'aria-label="[0-4] de 10 llamadas"', page)  # the minute may have turned meanwhile
    assert 'stroke-dasharray="80 1000"' in page
    assert "8 %" in page


async def test_looking_at_pages_costs_no_calls(owner, superuser, firm):
    for _ in range(3):
        await owner.get("/panel")
    assert superuser.execute(
        "select count(*) from rate_windows where subject = %s", [firm.id]
    ).fetchone() == (0,)


async def test_a_trial_says_until_when(owner, superuser, firm):
    superuser.execute("update tenants set trial_until = '2099-03-15 12:00Z' where id = %s", [firm.id])
    assert "De prueba hasta el" in (page := (await owner.get("/panel")).text)
    assert "15 mar 2099" in page


async def test_how_the_webhooks_are_doing(owner, api, superuser):
    healthy, failing = [
        (await api.post("/webhooks", json={"url": f"http://127.0.0.1:9/{n}", "events": ["*"]})).json()["id"]
        for n in range(2)
    ]
    superuser.execute("update webhook_endpoints set health = 'unhealthy' where id = %s", [failing])
    page = (await owner.get("/panel")).text
    for endpoint, word in ((healthy, "Funciona"), (failing, "Falla")):
        line = page[page.index(f"/panel/webhooks/{endpoint}") :]
        assert line[: line.index("</li>")].count(f">{word}<") == 1


async def test_the_last_errors_of_both_kinds(app, owner, api, superuser):
    await api.get("/cases/cas_01m7wbgc28efz8dbeq636vqtdj")
    await api.post("/clients", json={})
    await api.get("/cases")
    await until(lambda: superuser.execute("select count(*) from logged_requests").fetchone()[0] == 3)
    page = (await owner.get("/panel")).text
    assert "GET /cases/cas_01m7wbgc28efz8dbeq636vqtdj" in page
    assert "not_found" in page
    assert "POST /clients" in page
    assert "validation_failed" in page
    assert page.count("/panel/requests/req_") == 2


async def test_another_firms_errors_are_not_shown(app, owner, superuser):
    other = await make_firm(app, name="Otra Firma")
    async with other.client(app) as api:
        await api.get("/cases/cas_01m7wbgc28efz8dbeq636vqtdj")
    await until(lambda: superuser.execute("select count(*) from logged_requests").fetchone()[0] == 1)
    assert "Ninguna llamada ha fallado" in (await owner.get("/panel")).text


@pytest.mark.parametrize(
    ("used", "length", "percent", "level"),
    [(0, 0, 0, ""), (1, 6, 0, ""), (500, 500, 50, ""), (800, 800, 80, "high"), (999, 999, 99, "high"),
     (1000, 1000, 100, "full")],
)  # fmt: skip
def test_what_a_ring_shows(used, length, percent, level):
    gauge = Gauge(limit=1000, used=used, remaining=1000 - used, resets_at="2026-01-01T00:00:00Z")
    assert (gauge.length, gauge.percent, gauge.level) == (length, percent, level)
