"""Servers on loopback that play a script, honest or hostile, and what tests of the client need besides."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import itertools
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conecta.kit.outbound_http import (
    OutboundClient,
    OutboundFailure,
    OutboundPolicy,
    OutboundResponse,
    TargetRefused,
)

LOCAL = OutboundPolicy(allow_private=True, allow_http=True)
HASTY = OutboundPolicy(allow_private=True, allow_http=True, connect_timeout=0.3, total_timeout=0.6)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Answer = Callable[[Reader, Writer], Awaitable[None]]


class Server:
    """Plays one script for each connection, counts them, and notices when the client drops one."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.reached = asyncio.Event()
        self.dropped = asyncio.Event()
        self.url = ""
        self.port = 0

    async def serve(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        self.reached.set()
        try:
            await self.answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped.set()
        finally:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: Reader, writer: Writer) -> None:
        tasks.add(asyncio.ensure_future(server.serve(reader, writer)))

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}/"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: Reader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = (line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return head + await reader.readexactly(int(next(lengths, 0)))


def says(*parts: bytes, then: str = "hang") -> Answer:
    """Answer a request with these bytes and then hang, close or reset."""

    async def answer(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then == "hang":
            await reader.readexactly(1)
        elif then == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            writer.close()
            await writer.wait_closed()

    return answer


def pours(head: bytes, chunk: bytes, total: int | None) -> Answer:
    """Answer with a head and then the same bytes over and over, for ever or until so many were sent."""

    async def answer(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(head)
        for sent in itertools.count(0, len(chunk)):
            if total is not None and sent >= total:
                return
            writer.write(chunk)
            await writer.drain()

    return answer


async def keeps_alive(reader: Reader, writer: Writer) -> None:
    while True:
        await read_request(reader)
        writer.write(OK)


class Names:
    """A name server of our own: gives each answer in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        await asyncio.sleep(0)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def post(url: str, policy: OutboundPolicy = LOCAL, **options) -> OutboundResponse:
    async with OutboundClient(policy, **options) as client:
        return await client.post(url, body=b"{}", headers={})


async def failure_of(url: str, policy: OutboundPolicy = LOCAL, **options) -> OutboundFailure:
    with pytest.raises(OutboundFailure) as caught:
        await post(url, policy, **options)
    assert caught.value.message.endswith(".")
    assert not caught.value.message.endswith("..")
    return caught.value


async def refusal_of(url: str, policy: OutboundPolicy = LOCAL, **options) -> str:
    with pytest.raises(TargetRefused) as caught:
        await post(url, policy, **options)
    return caught.value.code


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for a name: a context that trusts it, and a server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(pem + private)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(path)
    return ssl.create_default_context(cadata=pem.decode()), server
