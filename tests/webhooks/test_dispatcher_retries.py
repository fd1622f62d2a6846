"""What an endpoint answers, or fails to answer, and what becomes of the delivery."""

import asyncio
import gc

import psutil
import pytest

from .dispatching import (
    attempts,
    condition,
    emit,
    new_endpoint,
    standard_accepts,
    statuses,
    until,
    working,
)
from .receiver import pours, receiving, says, waits

GIGABYTE = 1 << 30


async def test_failures_are_tried_again_with_the_same_bytes_until_one_succeeds(app, api, firm, superuser):
    async with receiving(hook=says(500, 404, 200)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        (event_id,) = await emit(app, firm.id)
        hits = await receiver.until_hits(3)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 1})
    assert [hit.headers["X-Webhook-Attempt"] for hit in hits] == ["1", "2", "3"]
    assert {hit.body for hit in hits} == {hits[0].body}
    assert {hit.event_id for hit in hits} == {event_id}
    assert len({hit.delivery_id for hit in hits}) == 1
    assert all(standard_accepts(endpoint.secret, hit) for hit in hits)
    assert attempts(superuser, endpoint) == [
        (1, 500, "The endpoint answered 500.", "ok"),
        (2, 404, "The endpoint answered 404.", "ok"),
        (3, 200, None, "ok"),
    ]
    assert condition(superuser, endpoint) == ("enabled", None, "healthy", 0)


async def test_after_the_last_retry_a_delivery_has_failed_and_can_be_resent(app, api, firm, superuser):
    async with receiving(hook=says(503, 503, 503, 503, 200)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
        assert condition(superuser, endpoint) == ("enabled", None, "healthy", 3)
        resend = f"/webhooks/{endpoint.id}/deliveries/{receiver.hits[0].delivery_id}/resend"
        assert (await api.post(resend)).is_success
        await receiver.until_hits(4)
        # A resent delivery has one try more, and does not begin the schedule anew.
        await until(lambda: len(attempts(superuser, endpoint)) == 4)
        assert statuses(superuser, endpoint) == {"failed": 1}
        assert (await api.post(resend)).is_success
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 1})
    assert [hit.headers["X-Webhook-Attempt"] for hit in receiver.hits] == ["1", "2", "3", "4", "5"]
    assert len({hit.body for hit in receiver.hits}) == 1


async def test_the_schedule_is_kept(app, api, firm):
    async with receiving(hook=says(500)) as receiver, working(app, webhook_retry_seconds=[0.5, 1.0]):
        await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        first, second, third = await receiver.until_hits(3)
    # Twenty per cent of jitter each way; how much later a busy machine comes is not ours to say.
    assert second.at - first.at >= 0.4
    assert third.at - second.at >= 0.8


async def test_retry_after_is_waited_for(app, api, firm):
    async with receiving(hook=says(429, 200, Retry_After="2")) as receiver, working(app):
        await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        first, second = await receiver.until_hits(2)
    assert second.at - first.at >= 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_into_our_own_network_is_not_followed(app, api, firm, superuser, status):
    target = "http://169.254.169.254/latest/meta-data/"
    async with receiving(hook=says(status, Location=target)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
    assert [hit.path for hit in receiver.hits] == ["/hook"] * 3
    sentence = f"The endpoint answered {status}, a redirect; redirects are not followed."
    assert [row[1:3] for row in attempts(superuser, endpoint)] == [(status, sentence)] * 3


async def test_a_redirect_to_another_receiver_is_not_followed(app, api, firm, superuser):
    async with receiving() as other, receiving(hook=says(302, Location=other.url())) as receiver:
        async with working(app):
            endpoint = await new_endpoint(api, receiver.url())
            await emit(app, firm.id)
            await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
        assert other.hits == []


async def test_an_address_that_settings_forbid_is_not_dialled(app, api, firm, superuser):
    """The name was allowed when it was registered; the worker judges again, whenever it dials."""
    async with receiving() as receiver, working(app, webhook_allow_private=False):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
        assert receiver.hits == []
    rows = attempts(superuser, endpoint)
    assert [(row[0], row[1]) for row in rows] == [(1, None), (2, None), (3, None)]
    assert all(row[2].endswith(".") for row in rows)


async def test_metadata_services_are_not_dialled_even_if_private_networks_may_be(app, api, firm, superuser):
    async with working(app):
        endpoint = await new_endpoint(api, "http://127.0.0.1:9/")
        superuser.execute(
            "update webhook_endpoints set url = 'http://169.254.169.254/' where id = %s", [endpoint.id]
        )
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
    assert {row[1] for row in attempts(superuser, endpoint)} == {None}


async def test_a_refused_connection_is_recorded(app, api, firm, superuser, unused_tcp_port):
    async with working(app):
        endpoint = await new_endpoint(api, f"http://127.0.0.1:{unused_tcp_port}/")
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
    rows = attempts(superuser, endpoint)
    assert [row[:2] for row in rows] == [(1, None), (2, None), (3, None)]
    assert {row[2] for row in rows} == {"No connection could be made: Connection refused."}
    assert condition(superuser, endpoint)[3] == 3


async def test_a_receiver_that_hangs_is_left_in_time(app, api, firm, superuser):
    gate = asyncio.Event()
    async with receiving(hook=waits(gate)) as receiver, working(app, webhook_timeout_seconds=0.3):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
    assert [row[1:3] for row in attempts(superuser, endpoint)] == [
        (None, "The response did not end in time.")
    ] * 3


async def test_a_gigabyte_of_answer_is_not_read(app, api, firm, superuser):
    """The start of the body is kept, the rest is never read: memory stays flat."""
    process = psutil.Process()
    async with receiving(hook=pours(GIGABYTE)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 1})
        gc.collect()
        before = process.memory_info().rss
        await emit(app, firm.id, 40)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 41})
        assert process.memory_info().rss - before < 32 << 20
    assert {row[3] for row in attempts(superuser, endpoint)} == {"x" * 1024}


async def test_an_excerpt_is_redacted_before_it_is_stored(app, api, firm, superuser):
    body = b'\x00{"mail":"ana@example.com","nif":"12345678Z","key":"whsec_MDEyMzQ1"}\xff'
    async with receiving(hook=says(400, body=body)) as receiver, working(app, webhook_retry_seconds=[]):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
    ((_, _, _, excerpt),) = attempts(superuser, endpoint)
    assert excerpt.startswith('{"mail":"')
    assert [bad for bad in ("ana@", "12345678Z", "MDEyMzQ1", "\x00") if bad in excerpt] == []


async def test_a_broken_proxy_is_not_charged_to_the_endpoint(app, api, firm, superuser, unused_tcp_port):
    proxy = f"http://127.0.0.1:{unused_tcp_port}"
    async with receiving() as receiver, working(app, webhook_proxy_url=proxy):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
        assert receiver.hits == []
    assert {row[2] for row in attempts(superuser, endpoint)} == {"The egress proxy is out of order."}
    assert condition(superuser, endpoint) == ("enabled", None, "healthy", 0)


async def test_a_secret_that_cannot_be_opened_is_not_charged_to_the_endpoint(app, api, firm, superuser):
    async with receiving() as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        superuser.execute(
            "update webhook_endpoints set sealed_secret = %s where id = %s", [b"x" * 60, endpoint.id]
        )
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, endpoint) == {"failed": 1})
        assert receiver.hits == []
        sound = await new_endpoint(api, receiver.url("/sound"))
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, sound) == {"delivered": 1})
    assert condition(superuser, endpoint) == ("enabled", None, "healthy", 0)
