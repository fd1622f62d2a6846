"""A load generator light enough not to be what is measured: raw requests over kept connections.

Started as `python -m benchmarks.load` with a JSON order on standard input; prints a JSON result.
"""

import asyncio
import json
import sys
import time
from typing import Any

import uvloop


class _Connection(asyncio.Protocol):
    """Sends one request after another and times each answer."""

    def __init__(self, order: dict[str, Any], result: dict[str, Any], until: float) -> None:
        self._order, self._result, self._until = order, result, until
        self._buffer, self._missing, self._sent = b"", 0, 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._buffer += data
            head, separator, body = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            self._missing = _content_length(head) - len(body)
            status = head[9:12].decode()
            self._result["statuses"][status] = self._result["statuses"].get(status, 0) + 1
            self._buffer = b""
        if self._missing <= 0:
            self._missing = 0
            self._result["latencies"].append(time.perf_counter() - self._sent)
            self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        now = time.perf_counter()
        if now >= self._until or len(self._result["latencies"]) >= self._order.get("most", 10**9):
            self._transport.close()
            return
        self._sent = now
        self._transport.write(self._order["request"].encode())


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(b"content-length:") + 15
    if start < 15:
        return 0  # a 304 has none
    end = lower.find(b"\r\n", start)
    return int(lower[start : end if end > 0 else None])


async def run(order: dict[str, Any]) -> dict[str, Any]:
    """Put the load on and return requests per second, percentiles in milliseconds, and statuses."""
    result: dict[str, Any] = {"latencies": [], "statuses": {}}
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    until = started + order["seconds"]
    connections = [
        (await loop.create_connection(lambda: _Connection(order, result, until), "127.0.0.1", order["port"]))[
            1
        ]
        for _ in range(order["connections"])
    ]
    await asyncio.gather(*(connection.done for connection in connections))
    seconds = time.perf_counter() - started
    latencies = sorted(result["latencies"])
    return {
        "per_second": len(latencies) / seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p95_ms": latencies[int(len(latencies) * 0.95)] * 1000,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "statuses": result["statuses"],
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(json.load(sys.stdin)))))
