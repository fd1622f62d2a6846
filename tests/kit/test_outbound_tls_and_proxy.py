"""The client for addresses that customers name, over TLS and through an egress proxy."""

import asyncio
import ssl

import pytest

from conecta.kit.outbound_http import GuardedResolver, OutboundClient, OutboundPolicy
from tests.kit.loopback_servers import (
    HASTY,
    LOCAL,
    OK,
    Answer,
    Names,
    Reader,
    Writer,
    certificate,
    failure_of,
    keeps_alive,
    post,
    read_request,
    refusal_of,
    says,
    serving,
)

NAME = "hooks.example.com"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificate(NAME, tmp_path_factory.mktemp("tls"))


def at_loopback() -> GuardedResolver:
    return GuardedResolver(LOCAL, lookup=Names(["127.0.0.1"]))


async def test_the_name_is_in_the_handshake_and_in_the_request(tmp_path):
    client_tls, server_tls = certificate(NAME, tmp_path)
    named: list[str | None] = []
    heads: list[bytes] = []
    server_tls.sni_callback = lambda _socket, name, _context: named.append(name)

    async def answer(reader: Reader, writer: Writer) -> None:
        heads.append(await read_request(reader))
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() in {None, "http/1.1"}
        writer.write(OK)
        await reader.readexactly(1)

    async with serving(answer, server_tls) as server:
        answered = await post(f"https://{NAME}:{server.port}/", resolver=at_loopback(), tls=client_tls)
    assert (answered.body, answered.remote_address) == (b"ok", "127.0.0.1")
    assert named == [NAME]
    assert f"\r\nHost: {NAME}:{server.port}\r\n".encode() in heads[0]


async def test_a_self_signed_certificate_is_a_tls_failure(trusted):
    async with serving(keeps_alive, trusted[1]) as server:
        failure = await failure_of(f"https://{NAME}:{server.port}/", resolver=at_loopback())
    assert failure.kind == "tls"
    assert failure.message == "The certificate was not accepted: self-signed certificate."


async def test_a_certificate_for_another_name_is_a_tls_failure(trusted):
    client_tls, server_tls = trusted
    async with serving(keeps_alive, server_tls) as server:
        other = f"https://other.example.com:{server.port}/"
        assert (await failure_of(other, resolver=at_loopback(), tls=client_tls)).kind == "tls"
        assert (await failure_of(server.url, tls=client_tls)).kind == "tls"


async def test_no_tls_where_tls_is_expected_is_a_tls_failure():
    async def greets(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await reader.readexactly(1_000_000)

    async with serving(greets) as server:
        failure = await failure_of(f"https://127.0.0.1:{server.port}/")
    assert failure.kind == "tls"
    assert "ESMTP" not in failure.message


class Proxy:
    """An egress proxy: tunnels every CONNECT to one local port, and answers plain requests itself."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.heads: list[bytes] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        if not self.heads[-1].startswith(b"CONNECT "):
            writer.write(OK)
            await reader.readexactly(1_000_000)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await asyncio.gather(relay(reader, inner_writer), relay(inner_reader, writer))
        finally:
            inner_writer.transport.abort()


async def relay(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError


def through(port: int, **limits: float) -> OutboundPolicy:
    """Make the policy of a live service whose only way out is a proxy on its own network."""
    return OutboundPolicy(allow_http=True, ports=None, proxy=f"http://proxy.internal:{port}", **limits)


def finding_the_proxy(policy: OutboundPolicy) -> tuple[Names, GuardedResolver]:
    names = Names(["127.0.0.1"])
    return names, GuardedResolver(policy, lookup=names)


async def test_the_proxy_resolves_the_name_and_tls_reaches_the_target(trusted):
    client_tls, server_tls = trusted
    async with serving(keeps_alive, server_tls) as server:
        proxy = Proxy(server.port)
        async with serving(proxy) as front:
            policy = through(front.port)
            names, resolver = finding_the_proxy(policy)
            async with OutboundClient(policy, resolver=resolver, tls=client_tls) as client:
                for _ in range(3):
                    answer = await client.post(f"https://{NAME}/hook", body=b"{}", headers={"X-Secret": "s"})
                    assert (answer.body, answer.remote_address) == (b"ok", None)
    assert names.asked == ["proxy.internal"]
    assert [head.split(b"\r\n")[0] for head in proxy.heads] == [f"CONNECT {NAME}:443 HTTP/1.1".encode()]
    assert b"X-Secret" not in proxy.heads[0]


async def test_a_plain_request_goes_to_the_proxy_in_absolute_form():
    proxy = Proxy()
    async with serving(proxy) as front:
        policy = OutboundPolicy(allow_http=True, ports=None, proxy=f"http://us:pass@127.0.0.1:{front.port}")
        assert (await post("http://example.com/hook", policy)).body == b"ok"
    assert proxy.heads[0].startswith(b"POST http://example.com/hook HTTP/1.1\r\nHost: example.com\r\n")
    assert b"\r\nProxy-Authorization: Basic dXM6cGFzcw==\r\n" in proxy.heads[0]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0x7f.1", "[::1]", "169.254.169.254", "localhost", "db.internal"]
)
async def test_literal_addresses_are_judged_before_the_proxy_sees_them(host):
    async with serving(Proxy()) as front:
        await refusal_of(f"https://{host}/", through(front.port))
        assert front.connections == 0


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), 403),
        (says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), 407),
        (says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), 502),
        (says(b"not HTTP at all\r\n\r\n"), None),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000), None),
        (says(then="close"), None),
        (says(then="reset"), None),
        (says(), None),
    ],
)
async def test_a_faulty_proxy_is_not_the_targets_fault(answer: Answer, status):
    async with serving(answer) as front:
        policy = through(front.port, connect_timeout=0.3, total_timeout=0.6)
        _, resolver = finding_the_proxy(policy)
        failure = await failure_of(f"https://{NAME}/", policy, resolver=resolver)
    assert (failure.kind, failure.proxy_status) == ("proxy", status)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_away_is_not_the_targets_fault(scheme):
    async with serving(Proxy()) as front:
        policy = through(front.port)
    _, resolver = finding_the_proxy(policy)
    assert (await failure_of(f"{scheme}://{NAME}/", policy, resolver=resolver)).kind == "proxy"
    resolver = GuardedResolver(policy, lookup=Names([]))
    assert (await failure_of(f"{scheme}://{NAME}/", policy, resolver=resolver)).kind == "proxy"


async def silent(reader: Reader, _writer: Writer) -> None:
    await reader.readexactly(1_000_000)


async def hangs_up(reader: Reader, _writer: Writer) -> None:
    await reader.readexactly(1)


@pytest.mark.parametrize(
    ("answer", "secure", "kind"),
    [
        (silent, False, "timeout"),
        (hangs_up, False, "connect"),
        (keeps_alive, True, "tls"),
    ],
)
async def test_behind_the_tunnel_faults_are_the_targets(answer: Answer, secure, kind, trusted):
    async with (
        serving(answer, trusted[1] if secure else None) as server,
        serving(Proxy(server.port)) as front,
    ):
        policy = through(front.port, connect_timeout=0.3, total_timeout=5.0)
        _, resolver = finding_the_proxy(policy)
        assert (await failure_of(f"https://{NAME}/", policy, resolver=resolver)).kind == kind


async def test_a_slow_or_broken_answer_that_the_proxy_relays_is_the_targets():
    for answer, kind in [
        (says(), "timeout"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), "timeout"),
    ]:
        async with serving(answer) as front:
            policy = through(front.port, total_timeout=0.3)
            _, resolver = finding_the_proxy(policy)
            assert (await failure_of(f"http://{NAME}/", policy, resolver=resolver)).kind == kind


async def test_the_environment_cannot_choose_a_proxy(monkeypatch):
    async with serving(Proxy()) as front, serving(keeps_alive) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{front.port}")
        assert (await post(server.url, HASTY)).body == b"ok"
        assert (front.connections, server.connections) == (0, 1)
