"""Somebody whom Alertmanager notifies: takes what is posted."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook:
    """What was posted to it; `status` is how it answers."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, Any]] = []
        self.status = 200
        self.url = ""

    def of(self, alertname: str) -> list[Any]:
        """Return Alertmanager's notifications about the alerts of a name."""
        return [each for _, each in self.posted if each["groupLabels"]["alertname"] == alertname]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Serve one on loopback."""
    taken = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if taken.status == 200:
                taken.posted.append((self.path, json.loads(content)))
            self.send_response(taken.status)
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
