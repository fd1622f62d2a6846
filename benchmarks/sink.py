"""A receiver of webhooks that answers 200 at once and counts; `GET /` tells what has arrived.

Started as `python -m benchmarks.sink PORT`. Each arrival's time is kept by event id.
"""

import asyncio
import json
import sys
import time

import uvloop


class _Sink(asyncio.Protocol):
    arrivals: dict[str, float] = {}  # noqa: RUF012 - one for the whole process, on purpose

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = _length(head)
            if len(rest) < length:
                return
            self._answer(head)
            self._buffer = rest[length:]

    def _answer(self, head: bytes) -> None:
        body = b""
        if head.startswith(b"GET"):
            body = json.dumps(self.arrivals if b"/times" in head[:20] else len(self.arrivals)).encode()
        else:
            start = head.lower().index(b"webhook-id:") + 11
            event = head[start : head.index(b"\r\n", start)].strip().decode()
            self.arrivals.setdefault(event, time.time())
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"content-length:")
    return int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def serve(port: int) -> None:
    """Listen until killed."""
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
