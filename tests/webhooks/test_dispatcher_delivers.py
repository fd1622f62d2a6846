"""From a request to a verified webhook: headers, signatures, bytes, filters, and the wake-up call."""

import asyncio
import re

from conecta import __version__
from conecta.webhooks import dispatcher
from tests.cases.arrange import new_case, new_client

from .dispatching import (
    emit,
    github_accepts,
    new_endpoint,
    standard_accepts,
    statuses,
    until,
    working,
)
from .receiver import receiving, says


async def test_a_case_reaches_its_receiver_signed_both_ways(app, api, superuser):
    async with receiving() as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url(), ["case.*"])
        case = await new_case(api, await new_client(api), title="Señal «ñ» 😀 \u2028")
        (hit,) = await receiver.until_hits(1)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 1})
    assert standard_accepts(endpoint.secret, hit)
    assert github_accepts(endpoint.secret, hit)
    assert not github_accepts(endpoint.secret[:-1], hit)
    event = (await api.get(f"/events/{hit.event_id}")).content
    assert hit.body == event
    assert "Señal «ñ» 😀".encode() in hit.body
    assert case["id"].encode() in hit.body
    deliveries = (await api.get(f"/webhooks/{endpoint.id}/deliveries")).json()["data"]
    assert [(d["id"], d["status"], d["last_status_code"]) for d in deliveries] == [
        (hit.delivery_id, "delivered", 200)
    ]
    detail = (await api.get(f"/webhooks/{endpoint.id}/deliveries/{hit.delivery_id}")).json()
    assert [(a["number"], a["status_code"], a["error"]) for a in detail["attempts"]] == [(1, 200, None)]


async def test_the_headers_of_an_attempt_are_these(app, api, firm):
    async with receiving() as receiver, working(app):
        await new_endpoint(api, receiver.url())
        (event_id,) = await emit(app, firm.id)
        (hit,) = await receiver.until_hits(1)
    ours = {name: value for name, value in hit.headers.items() if name not in {"Host", "Accept"}}
    assert ours.pop("X-Webhook-Signature").startswith("sha256=")
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", ours.pop("webhook-signature"))
    assert re.fullmatch(r"\d{10}", ours.pop("webhook-timestamp"))
    assert re.fullmatch(r"dlv_[0-9a-z]{26}_[0-9a-z]{26}", ours.pop("X-Webhook-Delivery-ID"))
    assert ours == {
        "Content-Type": "application/json",
        "User-Agent": f"Conecta-Webhooks/{__version__}",
        "X-Webhook-ID": event_id,
        "webhook-id": event_id,
        "X-Webhook-Attempt": "1",
        "Content-Length": str(len(hit.body)),
        "Accept-Encoding": "identity",
    }


async def test_each_endpoint_gets_what_it_asked_for(app, api, firm, other_firm):
    async with receiving() as receiver, working(app):
        async with other_firm.client(app) as other_api:
            await new_endpoint(other_api, receiver.url("/other"))
        one = await new_endpoint(api, receiver.url("/one"), ["case.created"])
        two = await new_endpoint(api, receiver.url("/two"), ["case.*", "invoice.paid"])
        await new_endpoint(api, receiver.url("/invoices"), ["invoice.*"])
        await emit(app, firm.id)
        first, second = sorted(await receiver.until_hits(2), key=lambda hit: hit.path)
        # A later event that everybody wants shows that nothing else was on its way.
        await emit(app, other_firm.id)
        await receiver.until_hits(1, "/other")
    assert [hit.path for hit in receiver.hits if hit.path != "/other"] in (["/one", "/two"], ["/two", "/one"])
    assert (first.event_id, first.body) == (second.event_id, second.body)
    assert first.delivery_id != second.delivery_id
    assert standard_accepts(one.secret, first)
    assert standard_accepts(two.secret, second)
    assert not standard_accepts(two.secret, first)


async def test_a_commit_wakes_the_worker(app, api, firm):
    """Deliveries must not wait for the next poll: in five tries the slowest takes less than half of it."""
    async with receiving() as receiver, working(app):
        await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await receiver.until_hits(1)
        loop = asyncio.get_running_loop()
        for number in range(2, 7):
            started = loop.time()
            await emit(app, firm.id)
            hits = await receiver.until_hits(number)
            assert hits[-1].at - started < dispatcher.POLL_SECONDS / 2


async def test_what_was_due_before_the_worker_started_is_delivered(app, api, firm, superuser):
    async with receiving() as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        wanted = await emit(app, firm.id, 300)
        async with working(app):
            hits = await receiver.until_hits(300)
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 300})
    assert sorted(hit.event_id for hit in hits) == sorted(wanted)
    assert all(standard_accepts(endpoint.secret, hit) for hit in hits)


async def test_a_sandbox_clock_does_not_move_the_worker(app, firm, superuser):
    """A firm's sandbox may live in next year; its webhooks are signed and sent now."""
    superuser.execute("update tenants set clock_offset_seconds = 31536000 where id = %s", [firm.sandbox_id])
    async with firm.client(app, firm.sandbox_key) as sandbox, receiving() as receiver, working(app):
        endpoint = await new_endpoint(sandbox, receiver.url())
        await new_case(sandbox, await new_client(sandbox))
        (hit, *_) = await receiver.until_hits(1)
    assert standard_accepts(endpoint.secret, hit)


async def test_metrics_tell_what_became_of_attempts(app, api, anonymous, firm, superuser):
    async def total(outcome: str) -> float:
        text = (await anonymous.get("/metrics")).text
        found = re.search(
            rf'^conecta_webhook_attempts_total{{outcome="{outcome}"}} (\S+)$', text, re.MULTILINE
        )
        return float(found[1]) if found else 0.0

    before = [await total(outcome) for outcome in ("delivered", "retry", "failed")]
    async with receiving(bad=says(500)) as receiver, working(app):
        good = await new_endpoint(api, receiver.url("/good"))
        bad = await new_endpoint(api, receiver.url("/bad"))
        await emit(app, firm.id, 2)
        await until(lambda: statuses(superuser, good) == {"delivered": 2})
        await until(lambda: statuses(superuser, bad) == {"failed": 2})
    after = [await total(outcome) for outcome in ("delivered", "retry", "failed")]
    assert [new - old for old, new in zip(before, after, strict=True)] == [2, 4, 2]
    text = (await anonymous.get("/metrics")).text
    assert "conecta_webhook_attempt_seconds_bucket" in text
    assert "conecta_webhook_oldest_due_seconds" in text
