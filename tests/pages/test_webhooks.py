"""Webhooks on pages: create, pick events, change, switch, delete, and the secret step by step."""

import re

import pytest

from tests.webhooks.endpoints import add_delivery

URL = "http://127.0.0.1:9/hooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


async def new_webhook(owner, **values) -> str:
    """Create an endpoint on its page and return its address there."""
    answer = await owner.send("/panel/webhooks/new", {"url": URL, "events": ["*"], **values})
    assert answer.status_code == 200, answer.text
    return re.search(r"/panel/webhooks/whk_\w+", answer.text)[0]


async def api_view(api, address: str) -> dict:
    return (await api.get(address.removeprefix("/panel"))).json()


async def test_the_next_step_is_shown_where_there_is_nothing(owner):
    page = await owner.get("/panel/webhooks")
    assert "Todavía no hay webhooks" in page.text
    assert 'href="/panel/webhooks/new"' in page.text


async def test_a_new_webhook_shows_its_secret_once(owner, api):
    answer = await owner.send("/panel/webhooks/new", {"url": URL, "events": ["case.*"], "description": "CRM"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert len(SECRET.findall(answer.text)) == 1
    address = re.search(r"/panel/webhooks/whk_\w+", answer.text)[0]
    found = await api_view(api, address)
    assert (found["url"], found["events"], found["description"]) == (URL, ["case.*"], "CRM")
    for part in ("", "/secret", "/edit", "/deliveries", "/recover"):
        assert SECRET.search((await owner.get(address + part)).text) is None


@pytest.mark.parametrize(
    ("ticked", "kept"),
    [
        (["*"], ["*"]),
        (["*", "case.*", "case.created"], ["*"]),
        (["case.*", "case.created", "invoice.paid"], ["case.*", "invoice.paid"]),
        (["case.created", "case.closed"], ["case.created", "case.closed"]),
    ],
)
async def test_the_picker_keeps_the_widest_choice(owner, api, ticked, kept):
    address = await new_webhook(owner, events=ticked)
    assert (await api_view(api, address))["events"] == kept
    form = await owner.get(f"{address}/edit")
    checked = re.findall(r'name="events" value="([^"]+)" checked', form.text)
    assert sorted(checked) == sorted(kept)


async def test_every_event_of_the_catalogue_can_be_picked(owner, api):
    page = await owner.get("/panel/webhooks/new")
    offered = set(re.findall(r'name="events" value="([^"]+)"', page.text))
    names = {row["name"] for row in (await api.get("/event-types")).json()["data"]} - {"webhook.test"}
    assert names <= offered
    assert {"*", "case.*", "invoice.*"} <= offered


async def test_an_endpoint_that_wanted_trials_does_not_lose_them(owner, api):
    created = await api.post("/webhooks", json={"url": URL, "events": ["webhook.test", "case.*"]})
    address = f"/panel/webhooks/{created.json()['id']}"
    assert (await owner.send(f"{address}/edit")).status_code == 303
    assert sorted((await api_view(api, address))["events"]) == ["case.*", "webhook.test"]


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"url": ""}, "url", "Es obligatorio."),
        ({"url": "gopher://x"}, "url", "Tiene que empezar por"),
        ({"url": "https://user:word@example.com/"}, "url", "usuario ni contraseña"),
        ({"events": []}, "events", "Es obligatorio."),
        ({"events": ["case.exploded"]}, "events", "No existe ese evento."),
        ({"description": "x" * 501}, "description", "Máximo 500 caracteres."),
    ],
)
async def test_a_mistake_is_shown_at_its_field(owner, superuser, values, field, sentence):
    typed = {"url": "http://127.0.0.1:9/mine", "events": ["case.*"], "description": "Mi CRM", **values}
    answer = await owner.send("/panel/webhooks/new", typed)
    assert answer.status_code == 422
    assert sentence in re.search(rf'id="e-{field}">(.*?)</p>', answer.text, re.DOTALL)[1]
    if field != "description":
        assert 'value="Mi CRM"' in answer.text
    assert superuser.execute("select count(*) from webhook_endpoints").fetchone() == (0,)


async def test_a_webhook_is_changed(owner, api):
    address = await new_webhook(owner, description="CRM")
    answer = await owner.send(
        f"{address}/edit", {"url": f"{URL}/2", "events": ["invoice.*"], "description": ""}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    found = await api_view(api, address)
    assert (found["url"], found["events"], found["description"]) == (f"{URL}/2", ["invoice.*"], None)
    wrong = await owner.send(f"{address}/edit", {"url": "nowhere", "events": ["case.*"]})
    assert wrong.status_code == 422
    assert 'value="nowhere"' in wrong.text
    assert (await api_view(api, address))["url"] == f"{URL}/2"


async def test_a_webhook_is_switched_off_and_on(owner, api, firm, superuser):
    address = await new_webhook(owner)
    add_delivery(superuser, firm.id, address.rpartition("/")[2], "pending")
    await owner.send(address, {"status": "disabled"}, action=f"{address}/status")
    assert (await api_view(api, address))["status"] == "disabled"
    page = await owner.get(address)
    assert "Lo desactivó alguien de la firma." in page.text
    assert "Hay 1 entrega retenida o fallida." in page.text
    assert "Enviar prueba" not in page.text
    await owner.send_from(page, {"status": "enabled"}, action=f"{address}/status")
    assert (await api_view(api, address))["status"] == "enabled"
    refused = await owner.send(address, {"status": "sleeping"}, action=f"{address}/status")
    assert refused.status_code == 422


async def test_a_webhook_is_deleted_after_a_second_question(owner, api):
    address = await new_webhook(owner)
    question = await owner.get(f"{address}/delete")
    assert URL in question.text
    assert (await api_view(api, address))["url"] == URL
    answer = await owner.send_from(question)
    assert (answer.status_code, answer.headers["location"]) == (303, "/panel/webhooks")
    assert (await owner.get(address)).status_code == 404


async def test_the_secret_changes_step_by_step(owner, api):
    address = await new_webhook(owner)
    steps = f"{address}/secret"
    answer = await owner.send(steps, {"grace_seconds": "3600"}, action=f"{steps}/rotate")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert len(SECRET.findall(answer.text)) == 1
    assert f'action="{steps}/rotate"' not in answer.text
    assert (await api_view(api, address))["rotation"] is not None
    later = await owner.get(steps)
    assert SECRET.search(later.text) is None
    promoted = await owner.send_from(later, action=f"{steps}/promote")
    assert promoted.status_code == 303
    assert (await api_view(api, address))["rotation"] is None
    assert "El secreto nuevo es ya el único que firma." in (await owner.get(steps)).text


async def test_a_change_of_the_secret_is_cancelled(owner, api):
    address = await new_webhook(owner)
    steps = f"{address}/secret"
    running = await owner.send(steps, {"grace_seconds": "3600"}, action=f"{steps}/rotate")
    await owner.send_from(running, action=f"{steps}/cancel")
    assert (await api_view(api, address))["rotation"] is None
    assert "Cambio cancelado" in (await owner.get(steps)).text


async def test_what_two_people_do_at_once_is_told(owner):
    address = await new_webhook(owner)
    steps = f"{address}/secret"
    page = await owner.get(steps)
    running = await owner.send_from(page, {"grace_seconds": "3600"}, action=f"{steps}/rotate")
    token = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1], "once": "other"}
    second = await owner.post(f"{steps}/rotate", {**token, "grace_seconds": "3600"})
    assert (second.status_code, second.headers["location"]) == (303, steps)
    assert "ya está rotando" in (await owner.get(steps)).text
    await owner.send_from(running, action=f"{steps}/promote")
    late = await owner.send_from(running, action=f"{steps}/cancel")
    assert late.status_code == 303
    assert "no está rotando" in (await owner.get(steps)).text
