"""The client for addresses that customers name, against servers on loopback that misbehave in every way."""

import asyncio
import contextlib
import gzip
import ipaddress
import socket
import time

import psutil
import pytest
from aiohttp import web

from conecta.kit.outbound_http import (
    GuardedResolver,
    OutboundClient,
    OutboundPolicy,
    TargetRefused,
    check_url,
)
from tests.kit.loopback_servers import (
    CHUNKED,
    HASTY,
    LOCAL,
    OK,
    Names,
    Reader,
    Writer,
    certificate,
    failure_of,
    keeps_alive,
    post,
    pours,
    read_request,
    refusal_of,
    says,
    serving,
)

LIVE = OutboundPolicy(ports=None)
PUBLIC = "93.184.215.14"


async def test_posts_the_bytes_and_returns_what_came():
    seen: list[tuple[web.Request, bytes]] = []

    async def hook(request: web.Request) -> web.Response:
        seen.append((request, await request.read()))
        response = web.Response(status=202, text="thanks", headers={"X-One": "1", "Set-Cookie": "a=b"})
        response.headers.add("X-Many", "1")
        response.headers.add("X-Many", "2")
        return response

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?a=%20b"
    try:
        async with OutboundClient(LOCAL) as client:
            for _ in range(2):
                answer = await client.post(
                    url, body=b"\x00\xff", headers={"Content-Type": "text/x", "X-Id": "ñ"}
                )
    finally:
        await runner.cleanup()
    assert (answer.status, answer.body, answer.truncated) == (202, b"thanks", False)
    assert answer.headers["x-one"] == "1"
    assert answer.headers["x-many"] == "1, 2"
    assert answer.remote_address == "127.0.0.1"
    assert 0 <= answer.duration_ms < 5000
    request, body = seen[-1]
    assert body == b"\x00\xff"
    assert request.raw_path == "/hook?a=%20b"
    assert request.version == (1, 1)
    assert request.headers["X-Id"] == "ñ"
    assert request.headers["Content-Type"] == "text/x"
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["User-Agent"] == "Conecta"
    assert "Cookie" not in request.headers


async def test_one_connection_serves_many_posts():
    async with serving(keeps_alive) as server, OutboundClient(LOCAL) as client:
        for _ in range(20):
            assert (await client.post(server.url, body=b"{}", headers={})).body == b"ok"
        assert server.connections == 1


async def test_a_kept_connection_that_ended_meanwhile_is_replaced():
    async def answers_once_per_connection(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(OK)
        # The client believes the connection is kept; it ends when the next request is on its way.
        await read_request(reader)

    async with serving(answers_once_per_connection) as server, OutboundClient(LOCAL) as client:
        for count in range(1, 6):
            assert (await client.post(server.url, body=b"{}", headers={})).body == b"ok"
            assert server.connections == count


async def test_a_fresh_connection_that_ends_is_not_replaced():
    async with serving(says(then="close")) as server:
        await failure_of(server.url)
        assert server.connections == 1


async def test_no_more_connections_to_one_host_than_allowed():
    async with serving(keeps_alive) as server, OutboundClient(LOCAL, limit_per_host=3) as client:
        await asyncio.gather(*(client.post(server.url, body=b"{}", headers={}) for _ in range(30)))
        assert server.connections <= 3


@pytest.mark.parametrize("location", [b"http://169.254.169.254/latest/", b"/again"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_returned_and_not_followed(status, location):
    head = b"HTTP/1.1 %d Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location)
    async with serving(says(head)) as server:
        answer = await post(server.url)
        assert (answer.status, answer.headers["location"]) == (status, location.decode())
        assert server.connections == 1


async def test_a_compressed_body_is_left_as_it_is():
    packed = gzip.compress(b"0" * 10_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with serving(says(head, packed)) as server:
        answer = await post(
            server.url, OutboundPolicy(allow_private=True, allow_http=True, max_response_bytes=20_000)
        )
    assert answer.body == packed


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 101 Switching"]
)
async def test_answers_without_a_body(head):
    async with serving(says(head + b"\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")) as server:
        answer = await post(server.url)
    assert (answer.body, answer.truncated) == (b"", False)


async def test_many_and_strange_headers_are_capped_and_storable():
    lines = b"".join(b"X-%d: v\r\n" % number for number in range(90))
    head = b"HTTP/1.1 200 OK\r\nX-Bytes: a\xffb\xc3\xb1\r\n" + lines + b"Content-Length: 0\r\n\r\n"
    async with serving(says(head)) as server:
        headers = (await post(server.url)).headers
    assert len(headers) == 50
    assert headers["x-bytes"] == "a\ufffdbñ"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            ("Host", "evil"),
            ("content-LENGTH", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "close"),
        ],
        *[("A b", "c"), ("", "c"), ("X\r\nY", "b"), ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\x00")],
        *[("X", "\udc80"), ("Proxy-Authorization", "Basic eDp5")],
    ],
)
async def test_headers_that_could_change_the_message_are_refused(name, value):
    async with serving(keeps_alive) as server, OutboundClient(LOCAL) as client:
        with pytest.raises(ValueError, match="may not be sent"):
            await client.post(server.url, body=b"{}", headers={name: value})
        assert server.connections == 0


CHUNK = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("head", "chunk", "total"),
    [
        (CHUNKED, CHUNK, None),
        (CHUNKED, CHUNK, GIGABYTE),
        (CHUNKED, b"1\r\na\r\n" * 10_000, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIGABYTE, b"a" * 65_536, GIGABYTE),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"a" * 65_536, None),
    ],
    ids=["endless chunks", "gigabyte of chunks", "tiny chunks", "gigabyte", "until close"],
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_an_enormous_body_costs_no_memory(head, chunk, total, secure, tmp_path):
    process = psutil.Process()
    client_tls, server_tls = certificate("127.0.0.1", tmp_path)
    async with serving(pours(head, chunk, total), server_tls if secure else None) as server:
        before = process.memory_info().rss
        async with OutboundClient(LOCAL, tls=client_tls) as client:
            for _ in range(5):
                server.dropped.clear()
                answer = await client.post(server.url, body=b"{}", headers={})
                assert (answer.body, answer.truncated) == (b"a" * 16_384, True)
                # The connection is cut at once, not left open for a polite goodbye.
                await asyncio.wait_for(server.dropped.wait(), 5)
        assert process.memory_info().rss - before < 50_000_000


async def test_a_body_of_exactly_the_limit_is_whole():
    for extra, truncated in ((0, False), (1, True)):
        body = b"a" * (16_384 + extra)
        async with serving(
            says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)
        ) as server:
            answer = await post(server.url)
        assert (len(answer.body), answer.truncated) == (16_384, truncated)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nX: ", CHUNKED, b"HTTP/1.1 200 OK\r\n\r\n"]
)
async def test_a_trickle_meets_the_total_timeout(head):
    async def answer(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(head)
        while True:
            writer.write(b"1\r\na\r\n" if head == CHUNKED else b"a")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(answer) as server:
        started = time.monotonic()
        assert (await failure_of(server.url, HASTY)).kind == "timeout"
        assert 0.5 < time.monotonic() - started < 3
        await asyncio.wait_for(server.dropped.wait(), 5)


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


async def test_some_interim_answers_are_skipped():
    async with serving(says(INTERIM * 10 + OK)) as server:
        assert (await post(server.url)).body == b"ok"


async def test_a_flood_of_interim_answers_is_cut():
    process = psutil.Process()
    async with serving(pours(b"", b"HTTP/1.1 100 \r\n\r\n" * 10_000, None)) as server:
        before = process.memory_info().rss
        assert (await failure_of(server.url)).kind == "protocol"
        await asyncio.wait_for(server.dropped.wait(), 5)
        assert process.memory_info().rss - before < 50_000_000


@pytest.mark.parametrize("spare", [EMPTY, EMPTY * 10_000, INTERIM])
async def test_a_second_answer_is_never_taken_for_the_next(spare):
    async with serving(says(OK + spare)) as server, OutboundClient(LOCAL) as client:
        for count in range(1, 4):
            assert (await client.post(server.url, body=b"{}", headers={})).body == b"ok"
            assert server.connections == count


async def test_a_flood_on_an_idle_connection_is_cut():
    idle = asyncio.Event()

    async def answer(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(OK)
        await idle.wait()
        while True:
            writer.write(EMPTY * 1000)
            await writer.drain()

    async with serving(answer) as server, OutboundClient(LOCAL) as client:
        await client.post(server.url, body=b"{}", headers={})
        idle.set()
        await asyncio.wait_for(server.dropped.wait(), 5)
        await client.post(server.url, body=b"{}", headers={})
        assert server.connections == 2


async def test_silence_meets_the_total_timeout():
    async with serving(says()) as server:
        assert (await failure_of(server.url, HASTY)).kind == "timeout"
        await asyncio.wait_for(server.dropped.wait(), 5)


async def test_silence_in_the_handshake_meets_the_connect_timeout():
    async def answer(reader: Reader, _writer: Writer) -> None:
        await reader.readexactly(1_000_000)

    async with serving(answer) as server:
        patient = OutboundPolicy(allow_private=True, connect_timeout=0.3)
        started = time.monotonic()
        assert (await failure_of(f"https://127.0.0.1:{server.port}/", patient)).kind == "timeout"
        assert time.monotonic() - started < 3


async def test_a_port_that_does_not_answer_meets_the_connect_timeout():
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        # Once the queue of connections is full, Linux drops further attempts as a firewall would.
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        patient = OutboundPolicy(allow_private=True, allow_http=True, connect_timeout=0.3)
        failure = await failure_of(f"http://127.0.0.1:{full.getsockname()[1]}/", patient)
    assert failure.kind == "timeout"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says(then="reset"), "connect"),
        (says(then="close"), "connect"),
        (says(b"-ERR unknown command 'POST'\r\n"), "protocol"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n", then="close"), "protocol"),
        (says(b"\x16\x03\x01\x00\xa5\x01\x00" + bytes(100)), "protocol"),
        (says(b"HTTP/2 200\r\n\r\n"), "protocol"),
        (says(b"HTTP/1.1 abc OK\r\n\r\n"), "protocol"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "protocol"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then="close"), "protocol"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", then="reset"), "protocol"),
        (says(CHUNKED + b"zz\r\n"), "protocol"),
        (pours(CHUNKED, b"a" * 65_536, None), "protocol"),
        (says(CHUNKED + b"3\r\nabc\r\n", then="close"), "protocol"),
        (says(b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n"), "protocol"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n"), "protocol"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X" * 1_000_000), "protocol"),
        (says(b"HTTP/1.1 200 " + b"K" * 1_000_000), "protocol"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 10_000 + b"\r\n"), "protocol"),
        (pours(b"HTTP/1.1 200 OK\r\n", b"X-Y: " + b"a" * 1000 + b"\r\n", None), "protocol"),
        (pours(CHUNKED + b"0\r\n", b"X-Y: " + b"a" * 1000 + b"\r\n", None), "protocol"),
    ],
)
async def test_a_broken_answer_is_a_clean_failure(answer, kind):
    async with serving(answer) as server:
        failure = await failure_of(server.url)
    assert failure.kind == kind
    # What a server of a private network says must not be readable in a delivery log.
    assert not any(word in failure.message for word in ("ERR", "OpenSSH", "abc"))


async def test_a_closed_port_is_a_connect_failure():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    failure = await failure_of(f"http://127.0.0.1:{port}/")
    assert (failure.kind, failure.message) == ("connect", "No connection could be made: Connection refused.")


async def test_a_cancelled_post_closes_its_connection():
    async with serving(says(CHUNKED + b"1\r\na\r\n")) as server, OutboundClient(LOCAL) as client:
        task = asyncio.ensure_future(client.post(server.url, body=b"{}", headers={}))
        await server.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.dropped.wait(), 5)


@pytest.mark.parametrize(
    "addresses",
    [
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        ["::ffff:10.0.0.1"],
        ["2002:7f00:1::"],
        ["0.0.0.0"],
    ],
)
async def test_one_forbidden_address_refuses_the_name(addresses):
    async with serving(keeps_alive) as server:
        resolver = GuardedResolver(LIVE, lookup=Names(addresses))
        url = f"https://x.test:{server.port}/"
        assert await refusal_of(url, LIVE, resolver=resolver) == "address_forbidden"
        assert server.connections == 0


async def test_a_name_is_resolved_once_for_each_connection_and_judged_again_when_it_moves():
    names, now = Names(["127.0.0.1"], ["169.254.169.254"]), [0.0]
    resolver = GuardedResolver(LOCAL, lookup=names, clock=lambda: now[0])
    async with serving(says(OK, then="close")) as server, OutboundClient(LOCAL, resolver=resolver) as client:
        url = f"http://x.test:{server.port}/"
        for _ in range(3):
            assert (await client.post(url, body=b"{}", headers={})).remote_address == "127.0.0.1"
        assert (names.asked, server.connections) == (["x.test"], 3)
        now[0] = 31.0
        with pytest.raises(TargetRefused):
            await client.post(url, body=b"{}", headers={})
        assert (names.asked, server.connections) == (["x.test"] * 2, 3)


async def test_a_name_that_moves_from_public_to_loopback_is_refused():
    names, now = Names([PUBLIC], ["127.0.0.1"], [PUBLIC]), [0.0]
    resolver = GuardedResolver(LIVE, lookup=names, cache_seconds=600, clock=lambda: now[0])
    assert [found["host"] for found in await resolver.resolve("x.test", 443)] == [PUBLIC]
    now[0] = 30.0
    with pytest.raises(TargetRefused):
        await resolver.resolve("x.test", 443)
    with pytest.raises(TargetRefused):
        await resolver.resolve("x.test", 443)
    assert len(names.asked) == 2
    await resolver.close()


async def test_no_socket_is_opened_even_if_the_resolver_is_fooled():
    async with serving(keeps_alive) as server:
        lax = GuardedResolver(LOCAL, lookup=Names(["127.0.0.1"]))
        assert (await failure_of(f"https://x.test:{server.port}/", LIVE, resolver=lax)).kind == "connect"
        lax = GuardedResolver(LOCAL, lookup=Names(["127.0.0.1", "127.0.0.2", "::1"]))
        assert (await failure_of(f"https://x.test:{server.port}/", LIVE, resolver=lax)).kind == "connect"
        assert server.connections == 0


async def test_the_default_resolver_asks_the_operating_system():
    async with serving(keeps_alive) as server:
        answer = await post(f"http://localhost:{server.port}/")
        assert ipaddress.ip_address(answer.remote_address).is_loopback
    resolver = GuardedResolver(LIVE)
    with pytest.raises(TargetRefused):
        await resolver.resolve("localhost", 443)
    await resolver.close()


async def test_many_posts_ask_for_a_name_once():
    names = Names(["127.0.0.1"])
    resolver = GuardedResolver(LOCAL, lookup=names)
    async with serving(keeps_alive) as server, OutboundClient(LOCAL, resolver=resolver) as client:
        url = f"http://x.test:{server.port}/"
        await asyncio.gather(*(client.post(url, body=b"{}", headers={}) for _ in range(20)))
    assert names.asked == ["x.test"]


async def test_a_name_without_an_address_or_an_answer_is_a_dns_failure():
    async def unknown(_name: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async def silent(_name: str) -> list[str]:
        return await asyncio.get_running_loop().create_future()

    for lookup in (unknown, silent, Names([])):
        resolver = GuardedResolver(HASTY, lookup=lookup)
        assert (await failure_of("https://x.test/", HASTY, resolver=resolver)).kind == "dns"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
    ],
)
async def test_literal_addresses_are_judged_before_anything_is_sent(host):
    async with serving(keeps_alive) as server:
        with pytest.raises(TargetRefused):
            check_url(f"https://{host}:{server.port}/", LIVE)
        await refusal_of(f"https://{host}:{server.port}/", LIVE)
        assert server.connections == 0


def test_check_url_applies_the_policy():
    check_url("https://example.com/", OutboundPolicy())
    check_url("https://example.com:8443/", OutboundPolicy(ports=frozenset({443, 8443})))
    check_url("http://localhost:9999/", LOCAL)
    for url, policy in [
        ("https://example.com:8443/", OutboundPolicy()),
        ("http://example.com/", OutboundPolicy(allow_http=True)),
        ("https://api.example.com/", OutboundPolicy(own_hosts=frozenset({"api.example.com"}))),
        ("http://169.254.169.254/", LOCAL),
    ]:
        with pytest.raises(TargetRefused):
            check_url(url, policy)
