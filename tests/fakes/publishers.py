"""A publisher over HTTP, local: answers what it was given by path, and anything else on demand."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Publisher:
    """Where it answers; `instead`: what it says whatever is asked."""

    url: str = ""
    instead: str | None = None


@contextmanager
def publisher_for_test(answers: Mapping[str, Any]) -> Iterator[Publisher]:
    """Serve answers as JSON, by path and query; 404 for anything else."""
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = publisher.instead is not None or self.path in answers
            self.send_response(200 if known else 404)
            self.end_headers()
            said = publisher.instead or json.dumps(answers.get(self.path, {}))
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
