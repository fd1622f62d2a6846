"""Deliveries on pages: a trial goes out, request and answer are shown, and what was lost is recovered."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.pages.test_webhooks import new_webhook
from tests.webhooks.dispatching import until, working
from tests.webhooks.endpoints import add_attempt, add_delivery, states
from tests.webhooks.receiver import receiving, says


def of(address: str) -> str:
    return address.rpartition("/")[2]


async def test_a_trial_goes_out_and_its_answer_is_shown(app, owner, superuser):
    async with receiving(hook=says(200, body=b"gracias <b>")) as receiver, working(app):
        address = await new_webhook(owner, url=receiver.url())
        answer = await owner.send(address, {"type": "case.created"}, action=f"{address}/test")
        assert answer.status_code == 303
        shown_at = answer.headers["location"]
        (hit,) = await receiver.until_hits(1)
        await until(
            lambda: (
                states(superuser, of(address))
                and set(states(superuser, of(address)).values()) == {"delivered"}
            )
        )
    page = await owner.get(shown_at)
    assert "HTTP 200" in page.text
    assert "gracias &lt;b&gt;" in page.text
    assert f"X-Webhook-Delivery-ID: {hit.delivery_id}" in page.text
    assert f"X-Webhook-ID: {hit.event_id}" in page.text
    assert "Reclamación de cantidad" in page.text
    assert hit.headers["X-Webhook-Signature"] not in page.text
    listed = await owner.get(f"{address}/deliveries")
    assert shown_at in listed.text
    assert "Entregada" in listed.text


async def test_a_trial_sent_twice_goes_out_once(owner, superuser):
    address = await new_webhook(owner)
    page = await owner.get(address)
    first = await owner.send_from(page, action=f"{address}/test")
    second = await owner.send_from(page, action=f"{address}/test")
    assert first.headers["location"] == second.headers["location"]
    assert len(states(superuser, of(address))) == 1


async def test_a_failure_says_why_and_is_sent_again(owner, firm, superuser):
    address = await new_webhook(owner)
    delivery = add_delivery(superuser, firm.id, of(address), "failed", attempts=2)
    add_attempt(superuser, firm.id, delivery, 1, error="The endpoint answered 500.", response_excerpt="<oh>")
    add_attempt(superuser, firm.id, delivery, 2, status_code=None, error="Nobody answered.")
    page = await owner.get(f"{address}/deliveries/{delivery}")
    assert "The endpoint answered 500." in page.text
    assert "&lt;oh&gt;" in page.text
    assert "Sin respuesta" in page.text
    assert page.text.index("Intento 2") < page.text.index("Intento 1")
    answer = await owner.send_from(page)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{address}/deliveries/{delivery}")
    assert states(superuser, of(address)) == {delivery: "pending"}
    again = await owner.send_from(page)
    assert again.status_code == 303
    assert "La entrega" in (await owner.get(again.headers["location"])).text


async def test_deliveries_are_filtered(owner, firm, superuser):
    address = await new_webhook(owner)
    failed = add_delivery(superuser, firm.id, of(address), "failed", kind="case.created")
    paid = add_delivery(superuser, firm.id, of(address), "delivered", kind="invoice.paid")
    everything = (await owner.get(f"{address}/deliveries?status=&event_type=")).text
    assert failed in everything
    assert paid in everything
    some = (await owner.get(f"{address}/deliveries?status=failed")).text
    assert failed in some
    assert paid not in some
    assert paid in (await owner.get(f"{address}/deliveries?event_type=invoice.*")).text
    assert "Ninguna entrega cumple el filtro" in (await owner.get(f"{address}/deliveries?status=parked")).text
    assert (await owner.get(f"{address}/deliveries?status=lost")).status_code == 400


async def test_recovery_counts_before_it_sends(owner, firm, superuser):
    address = await new_webhook(owner)
    yesterday, long_ago = (datetime.now(UTC) - timedelta(days=days) for days in (1, 30))
    lost = add_delivery(superuser, firm.id, of(address), "failed", created_at=yesterday)
    parked = add_delivery(superuser, firm.id, of(address), "parked", created_at=yesterday)
    old = add_delivery(superuser, firm.id, of(address), "failed", created_at=long_ago)
    since = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    counted = await owner.send(f"{address}/recover", {"since": since, "step": "count"})
    assert counted.status_code == 200
    assert "Se enviarán 2 entregas" in counted.text
    assert f'value="{since}"' in counted.text
    assert states(superuser, of(address)) == {lost: "failed", parked: "parked", old: "failed"}
    sent = await owner.send_from(counted, {"step": "send"}, action=f"{address}/recover")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{address}/deliveries")
    assert states(superuser, of(address)) == {lost: "pending", parked: "pending", old: "failed"}
    assert "En camino: 2 entregas." in (await owner.get(f"{address}/deliveries")).text


async def test_nothing_to_recover(owner):
    address = await new_webhook(owner)
    counted = await owner.send(f"{address}/recover", {"since": "2026-01-01T00:00", "step": "count"})
    assert "No hay nada que recuperar en ese periodo" in counted.text
    assert "Enviar ahora" not in counted.text


async def test_a_disabled_webhook_counts_but_does_not_send(owner, firm, superuser):
    address = await new_webhook(owner)
    lost = add_delivery(superuser, firm.id, of(address), "failed")
    await owner.send(address, {"status": "disabled"}, action=f"{address}/status")
    counted = await owner.send(f"{address}/recover", {"since": "2026-01-01T00:00", "step": "count"})
    assert "Hay 1 entrega por enviar" in counted.text
    assert "Enviar ahora" not in counted.text
    forced = await owner.send_from(counted, {"since": "2026-01-01T00:00", "step": "send"})
    assert forced.status_code == 409
    assert states(superuser, of(address)) == {lost: "failed"}


@pytest.mark.parametrize(
    ("values", "field"),
    [({"since": ""}, "since"), ({"since": "ayer"}, "since"), ({"since": "2026-02-30T10:00"}, "since"),
     ({"since": "2026-01-01T00:00", "until": "nunca"}, "until")],
)  # fmt: skip
async def test_a_mistake_is_shown_at_its_field(owner, values, field):
    address = await new_webhook(owner)
    answer = await owner.send(f"{address}/recover", values)
    assert answer.status_code == 422
    assert re.search(rf'id="e-{field}"', answer.text)


async def test_a_range_that_ends_before_it_begins(owner):
    address = await new_webhook(owner)
    answer = await owner.send(
        f"{address}/recover", {"since": "2026-02-01T00:00", "until": "2026-01-01T00:00"}
    )
    assert answer.status_code == 422
    assert "until tiene que ser posterior a since" in answer.text
