"""A plain receiver of webhooks in a thread: keeps every body by event id."""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """What has arrived, and where to send it."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = defaultdict(list)
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def take(self, headers: dict[str, str], body: bytes) -> None:
        """Keep one delivery."""
        self.bodies[headers["webhook-id"]].append(body)
        self.headers.append(headers)


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 204 to everything."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
