"""A weather service on loopback that answers in Open-Meteo's shape, as it was recorded."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(slots=True)
class OpenMeteoService:
    """What it answers, and what it was asked."""

    url: str = ""
    answer: Any = None
    status: int = 200
    asked: list[dict[str, list[str]]] = field(default_factory=list)


def recorded(first: int, temperatures: list[Any], irradiances: list[Any]) -> dict[str, Any]:
    """Return an answer about one place from the hour that begins `first` seconds after 1970 on."""
    return {
        "latitude": 52.52,
        "longitude": 13.419998,
        "generationtime_ms": 0.0697,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 38.0,
        "hourly_units": {
            "time": "unixtime",
            "temperature_2m": "°C",
            "shortwave_radiation": "W/m²",
        },
        "hourly": {
            "time": [first + 3600 * number for number in range(len(temperatures))],
            "temperature_2m": temperatures,
            "shortwave_radiation": irradiances,
        },
    }


@contextmanager
def open_meteo() -> Iterator[OpenMeteoService]:
    """Serve until the block ends."""
    service = OpenMeteoService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.asked.append(parse_qs(urlsplit(self.path).query))
            body = json.dumps(service.answer).encode()
            self.send_response(service.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
