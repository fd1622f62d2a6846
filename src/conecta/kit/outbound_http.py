"""The one HTTP client for addresses that customers name: it cannot be led into our own network.

A customer's URL is read once and rebuilt from the parts that were judged. A name is resolved once, every
address it has is judged, and the socket goes to a judged one. No redirect is followed, and time, header size
and body size are all bounded.
"""

import asyncio
import os
import re
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Literal, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from conecta.kit.address_guard import TargetRefused, forbidden_range, read_url
from conecta.kit.outbound_connection import Attempt, AttemptConnector, current_attempt, socket_opener

__all__ = [
    "GuardedResolver",
    "OutboundClient",
    "OutboundFailure",
    "OutboundPolicy",
    "OutboundResponse",
    "TargetRefused",
    "check_url",
]

MAX_DNS_CACHE_SECONDS: Final = 30.0
MAX_DNS_CACHE_NAMES: Final = 4096
DNS_THREADS: Final = 32
# Node.js closes idle connections after 5 s; ours end sooner, lest a POST meet one that is just closing.
KEEP_ALIVE_SECONDS: Final = 4.0
# A response may bring more headers than are kept, but one that brings more than this is refused.
MAX_HEADERS_READ: Final = 100
MAX_HEADER_BYTES: Final = 8190
MAX_HEADERS_KEPT: Final = 50
MAX_HEADER_KEPT_CHARS: Final = 2048

FailureKind = Literal["dns", "connect", "tls", "timeout", "protocol", "proxy"]
Lookup = Callable[[str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """What a customer's URL may point at, and how much of our time and memory it may take.

    Attributes:
        allow_private: let loopback and private networks through, on any port, for demo and tests. Metadata
            services, link-local and the like stay refused.
        allow_http: let `http:` through beside `https:`.
        ports: the ports that may be dialled; None means any. With `allow_private` any port may.
        own_hosts: our own public hostnames, refused so that nobody makes us call ourselves. They are compared
            without a port: a demo that calls its own machine leaves its loopback name out.
        proxy: URL of an egress proxy; it then resolves the names, and its own address is not judged.
        connect_timeout: seconds for resolving, and again for TCP and TLS together.
        total_timeout: seconds for the whole exchange, from the call to the last byte read.
        max_response_bytes: bytes of a response body that are read and kept.
    """

    allow_private: bool = False
    allow_http: bool = False
    ports: frozenset[int] | None = frozenset({443})
    own_hosts: frozenset[str] = frozenset()
    proxy: str | None = None
    connect_timeout: float = 5.0
    total_timeout: float = 15.0
    max_response_bytes: int = 16_384


class OutboundFailure(Exception):
    """The exchange did not end in a whole HTTP response; a retry may.

    Attributes:
        kind: `dns` no address was found; `connect` no connection, or it was lost before an answer; `tls` the
            handshake or the certificate failed; `timeout` one of the two time limits passed; `protocol` the
            answer is not HTTP, has too large headers or ends early; `proxy` our egress proxy is at fault.
        message: one sentence without a byte of what the target sent, fit for a delivery log.
        proxy_status: the status with which the proxy refused to open a tunnel, if it did.
    """

    def __init__(self, kind: FailureKind, message: str, *, proxy_status: int | None = None) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.message = message
        self.proxy_status = proxy_status


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """What came back, cut to size.

    Attributes:
        status: the final status; a redirect is returned as it came.
        headers: the first 50 by lower-cased name, repeated ones joined by a comma (RFC 9110 §5.2), shortened.
        body: the first bytes of the body, never decompressed.
        truncated: the body went on; the connection was cut.
        duration_ms: milliseconds from the call to the last byte read.
        remote_address: the address that was dialled; None behind a proxy.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    duration_ms: int
    remote_address: str | None


def check_url(url: str, policy: OutboundPolicy) -> None:
    """Judge a URL when it is registered: its syntax and, if it names one, its literal address.

    A name is resolved and judged only when it is dialled, since DNS may change its mind in between.

    Raises:
        TargetRefused: the URL breaks a rule; `code` tells which.
    """
    _read_target(url, policy)


@lru_cache(maxsize=4096)
def _read_target(url: str, policy: OutboundPolicy) -> URL:
    return read_url(
        url,
        allow_private=policy.allow_private,
        allow_http=policy.allow_http,
        ports=policy.ports,
        own_hosts=policy.own_hosts,
    )


class GuardedResolver(AbstractResolver):
    """Resolve a name in a thread, keep the answer shortly, and judge every address each time it is used."""

    def __init__(
        self,
        policy: OutboundPolicy,
        *,
        lookup: Lookup | None = None,
        cache_seconds: float = MAX_DNS_CACHE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a resolver.

        Args:
            policy: with a proxy in it nothing is judged, for only the proxy's own name comes here.
            lookup: what finds the addresses of a name, as text; the operating system's resolver if none.
            cache_seconds: how long an answer is kept, at most 30 s.
            clock: seconds that only grow.
        """
        self._policy = policy
        self._threads = ThreadPoolExecutor(DNS_THREADS, "outbound-dns")
        self._lookup = lookup or self._ask_operating_system
        self._cache_seconds = min(cache_seconds, MAX_DNS_CACHE_SECONDS)
        self._clock = clock
        self._cache: OrderedDict[str, tuple[float, Sequence[str]]] = OrderedDict()
        self._pending: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature
    ) -> list[ResolveResult]:
        """Return the judged addresses of `host`; one forbidden address refuses them all.

        Raises:
            TargetRefused: one of the addresses may not be dialled.
            OSError: the name has no address, or finding it took longer than the connect timeout.
        """
        addresses = await self._addresses(host)
        if self._policy.proxy is None:
            for address in addresses:
                name = forbidden_range(address, allow_private=self._policy.allow_private)
                if name is not None:
                    message = f"The host name leads to a range that is never called: {name}."
                    raise TargetRefused("address_forbidden", message)
        return [_resolved(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Stop waiting for answers; a thread that hangs in the system's resolver ends by itself."""
        for task in self._pending.values():
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _addresses(self, host: str) -> Sequence[str]:
        kept_until, addresses = self._cache.get(host, (0.0, ()))
        if addresses and self._clock() < kept_until:
            return addresses
        task = self._pending.get(host)
        if task is None:
            task = self._pending[host] = asyncio.ensure_future(self._look_up(host))
            task.add_done_callback(lambda done: self._forget(host, done))
        try:
            # One caller's end must not cancel the answer that others wait for.
            async with asyncio.timeout(self._policy.connect_timeout):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise socket.gaierror(socket.EAI_AGAIN, "the name servers did not answer in time") from error

    async def _look_up(self, host: str) -> Sequence[str]:
        addresses = tuple(await self._lookup(host))
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        self._cache[host] = (self._clock() + self._cache_seconds, addresses)
        self._cache.move_to_end(host)
        if len(self._cache) > MAX_DNS_CACHE_NAMES:
            self._cache.popitem(last=False)
        return addresses

    def _forget(self, host: str, task: "asyncio.Task[Sequence[str]]") -> None:
        self._pending.pop(host, None)
        if not task.cancelled():
            # Reading the exception tells asyncio that somebody took notice, even if all callers left.
            task.exception()

    async def _ask_operating_system(self, host: str) -> Sequence[str]:
        """Ask in threads of our own: one customer's slow name servers must not fill asyncio's shared ones."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _system_addresses, host)


def _system_addresses(host: str) -> Sequence[str]:
    infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return tuple(str(where[0]) for *_, where in infos)


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")
# These frame the message or name its host, so they are ours alone.
_OUR_HEADER = re.compile(
    "connection|content-length|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade",
    re.IGNORECASE,
)


class OutboundClient:
    """POST to addresses that customers name, over kept connections; use it as an async context manager."""

    def __init__(
        self,
        policy: OutboundPolicy,
        *,
        resolver: GuardedResolver | None = None,
        tls: ssl.SSLContext | None = None,
        limit: int = 1000,
        limit_per_host: int = 50,
    ) -> None:
        """Prepare a client; nothing is opened before the context is entered.

        Args:
            policy: what may be dialled, and the limits.
            resolver: finds addresses; it is closed with the client.
            tls: which certificates are trusted; the system's authorities if none.
            limit: open connections in all; 0 means any number.
            limit_per_host: open connections to one host and port; a caller that runs more posts at a time
                spends their total timeout waiting.
        """
        self._policy = policy
        self._resolver = resolver
        self._tls = tls
        self._limits = (limit, limit_per_host)

    async def __aenter__(self) -> Self:
        policy, (limit, limit_per_host) = self._policy, self._limits
        self._resolver = self._resolver or GuardedResolver(policy)
        connector = AttemptConnector(
            resolver=self._resolver,
            use_dns_cache=False,  # The resolver keeps answers itself, and judges them again on each use.
            ssl=self._tls or True,
            limit=limit,
            limit_per_host=limit_per_host,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            socket_factory=socket_opener(guarded=policy.proxy is None, allow_private=policy.allow_private),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "User-Agent": "Conecta"},
            # The total is ours (asyncio.timeout): aiohttp rounds it up to a whole second.
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=policy.connect_timeout, ceil_threshold=3600
            ),
            auto_decompress=False,
            trust_env=False,
            proxy=policy.proxy,
            read_bufsize=policy.max_response_bytes,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS_READ,
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()
        if self._resolver is not None:
            await self._resolver.close()

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> OutboundResponse:
        """POST `body` and return whatever HTTP response comes, a redirect or an error too.

        It is sent a second time only when a kept connection proves to have been closed by the other side
        before any answer; the receiver may then see it twice, as whatever is delivered at least once.

        Raises:
            TargetRefused: the URL, or an address its name leads to, may not be dialled.
            OutboundFailure: no whole response came.
            ValueError: a header is malformed or is one that only this client may set.
        """
        target = _read_target(url, self._policy)
        _check_headers(headers)
        started = time.monotonic()
        attempt = Attempt()
        token = current_attempt.set(attempt)
        whole = False
        try:
            async with asyncio.timeout(self._policy.total_timeout):
                response = await self._send(target, body, headers, attempt)
                remote = attempt.remote_address() if self._policy.proxy is None else None
                content, whole = await _read_capped(response, self._policy.max_response_bytes)
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error, attempt, proxied=self._policy.proxy is not None) from error
        finally:
            current_attempt.reset(token)
            if not whole:
                attempt.abort()
        return OutboundResponse(
            status=response.status,
            headers=_kept_headers(response),
            body=content,
            truncated=not whole,
            duration_ms=round((time.monotonic() - started) * 1000),
            remote_address=remote,
        )

    async def _send(
        self, target: URL, body: bytes, headers: Mapping[str, str], attempt: Attempt
    ) -> aiohttp.ClientResponse:
        while True:
            try:
                response = await self._session.post(target, data=body, headers=headers, allow_redirects=False)
            except aiohttp.ClientConnectionError:
                # Each turn uses up one kept connection, so the turns end, at the latest with a fresh one.
                if attempt.dialled or attempt.transport is None:
                    raise
                attempt.restart()
            else:
                attempt.answered = True
                return response


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value) or _OUR_HEADER.fullmatch(name):
            raise ValueError(f"The header {name!r} may not be sent.")


def _kept_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        if key in kept:
            kept[key] = f"{kept[key]}, {value}"
        elif len(kept) < MAX_HEADERS_KEPT:
            kept[key] = value
    return {key: _storable(value) for key, value in kept.items()}


def _storable(value: str) -> str:
    """Shorten a value; aiohttp keeps what is not UTF-8 as lone surrogates, which no database takes."""
    return value[:MAX_HEADER_KEPT_CHARS].encode(errors="surrogateescape").decode(errors="replace")


async def _read_capped(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """Read at most `limit` bytes; return them and whether they are the whole body. What goes on is closed."""
    body = bytearray()
    try:
        while len(body) <= limit:
            chunk = await response.content.read(limit + 1 - len(body))
            if not chunk:
                return bytes(body), True
            body += chunk
    finally:
        # After the end of a body the connection is back in the pool already, and this does nothing.
        response.close()
    return bytes(body[:limit]), False


# Over an open connection to a proxy, these mean that it relays a slow or broken answer, not that it is down.
_AFTER_CONNECTING = (TimeoutError, aiohttp.ClientResponseError, aiohttp.ClientPayloadError)


def _failure(error: aiohttp.ClientError | OSError, attempt: Attempt, *, proxied: bool) -> OutboundFailure:
    """Say whose fault it is. Only our own words are used: a target's bytes must not reach a delivery log."""
    if proxied and not attempt.tunnel and not (attempt.transport and isinstance(error, _AFTER_CONNECTING)):
        status = error.status if isinstance(error, aiohttp.ClientHttpProxyError) else None
        reason = "is out of order" if status is None else f"refused to open a tunnel (status {status})"
        return OutboundFailure("proxy", f"The egress proxy {reason}.", proxy_status=status)
    if isinstance(error, TimeoutError):
        step = "connection was not ready" if attempt.transport is None else "response did not end"
        return OutboundFailure("timeout", f"The {step} in time.")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return OutboundFailure("dns", "No address was found for the host name.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "it could not be verified"
        return OutboundFailure("tls", f"The certificate was not accepted: {reason.rstrip('.')}.")
    if isinstance(error, ssl.SSLError):
        return OutboundFailure("tls", "The TLS handshake failed.")
    if isinstance(error, aiohttp.ClientResponseError):
        return OutboundFailure("protocol", "The answer is not HTTP/1.1, or its headers are too large.")
    if isinstance(error, aiohttp.ClientPayloadError) or attempt.answered:
        return OutboundFailure("protocol", "The response broke off or is malformed.")
    if attempt.transport is None:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "unknown cause"
        return OutboundFailure("connect", f"No connection could be made: {reason}.")
    return OutboundFailure("connect", "The connection was lost before an answer came.")
