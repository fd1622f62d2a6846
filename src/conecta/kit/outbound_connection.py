"""Connections of the outbound HTTP client: aiohttp's, taught to report their progress and to trust nobody."""

import asyncio
import functools
import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import AddrInfoType, Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

from conecta.kit.address_guard import forbidden_range

# Interim responses (RFC 9110 §15.2) that may come before the answer; honest servers send one or two.
MAX_INTERIM_RESPONSES: Final = 10
# Bytes parsed at a time before an answer begins, so that a flood holds up other work for milliseconds only.
SLICE_BYTES: Final = 16_384


class Attempt:
    """What one exchange learns about its connection while aiohttp makes it.

    Attributes:
        transport: the connection, once there is one.
        dialled: a new socket was opened, so the connection is not one kept from an earlier exchange.
        tunnel: only the target answers for what happens from here on, not a proxy.
        answered: the head of a response arrived.
    """

    __slots__ = ("answered", "dialled", "transport", "tunnel")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget a connection that proved to be of no use."""
        self.transport: asyncio.Transport | None = None
        self.dialled = False
        self.tunnel = False
        self.answered = False

    def remote_address(self) -> str | None:
        """Return the address at the other end, if it can be told."""
        peer = None if self.transport is None else self.transport.get_extra_info("peername")
        return peer[0] if peer else None

    def abort(self) -> None:
        """Drop the connection at once: a polite TLS goodbye lets the peer hold it for half a minute."""
        if self.transport is not None:
            self.transport.abort()


current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")


class OneAnswerProtocol(ResponseHandler):
    """aiohttp's reader of responses, which drops a peer that answers more than it was asked.

    aiohttp queues every response that comes, without a bound, even on a kept connection that nobody reads: a
    flood of tiny ones would fill the memory, and a spare one would pass for the answer to the next request.
    """

    _interim = 0
    _answer: StreamReader | None = None

    def set_response_params(self, **params: Any) -> None:
        """Begin to wait for the answer to one request."""
        self._interim = 0
        self._answer = None
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless the answer is complete already."""
        if data and self._answer is not None and self._answer.is_eof():
            self._refuse()
            return
        while len(data) > SLICE_BYTES and self._answer is None and self.is_connected():
            super().data_received(data[:SLICE_BYTES])
            data = data[SLICE_BYTES:]
        if self.is_connected():
            super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Queue the head of a response, if one is due."""
        message, body = data
        if 100 <= message.code < 200 and message.code != 101:
            self._interim += 1
            due = self._interim <= MAX_INTERIM_RESPONSES
        else:
            due = self._answer is None
            self._answer = self._answer or body
        if due:
            super().feed_data(data, size)
        else:
            self._refuse()

    def _refuse(self) -> None:
        self.set_exception(aiohttp.ClientPayloadError("more responses than requests"))
        if self.transport is not None:
            self.transport.abort()


class AttemptConnector(aiohttp.TCPConnector):
    """aiohttp's connector, telling the current attempt how far it came."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        reader: type[ResponseHandler] = OneAnswerProtocol
        # aiohttp has no public way to choose the protocol of its connections.
        self._factory = functools.partial(reader, loop=self._loop)

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        """Take a kept connection or make one."""
        connection = await super().connect(req, traces, timeout)
        attempt = current_attempt.get()
        attempt.transport = connection.transport
        attempt.tunnel = req.is_ssl()
        return connection

    async def _start_tls_connection(self, *args: Any, **options: Any) -> Any:
        # aiohttp has no public sign that a proxy opened its tunnel; from here on faults are the target's.
        current_attempt.get().tunnel = True
        return await super()._start_tls_connection(*args, **options)


def socket_opener(*, guarded: bool, allow_private: bool) -> Callable[[AddrInfoType], socket.socket]:
    """Make the last judge: if guarded, no socket is opened to a forbidden address, whatever led to it."""

    def open_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = info
        current_attempt.get().dialled = True
        if guarded and forbidden_range(where[0], allow_private=allow_private) is not None:
            # aiohttp expects nothing but OSError from here.
            raise PermissionError("the address may not be dialled")
        return socket.socket(family, kind, protocol)

    return open_socket
