"""openadr3 (grid-coordination), a client of OpenADR 3.1, unmodified: both roles.

python openadr3_client.py URL BUSINESS SECRET VEN SECRET
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from openadr3.api import OpenADRClient
from openadr3.entities import Event

STORM = 1000


def event(name: str, **more: object) -> dict[str, object]:
    """An hour's limit of 4.2 kW, five hours from the clock that the server has."""
    return {
        "programID": "street",
        "eventName": name,
        "intervalPeriod": {"start": sys.argv[6], "duration": "PT1H"},
        "intervals": [{"id": 0, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [4.2]}]}],
        **more,
    }


@contextmanager
def called_back(told: list[dict[str, Any]]) -> Iterator[str]:
    """Take call-backs of whoever shows our word; give where."""

    class Told(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            known = self.headers["authorization"] == "Bearer our word"
            if known:
                told.append(body)
            self.send_response(204 if known else 401)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def wait_for(told: list[dict[str, Any]], count: int) -> None:
    """Return when so much was told, or after two minutes."""
    end = time.monotonic() + 120
    while len(told) < count and time.monotonic() < end:
        time.sleep(0.05)


def main() -> dict[str, object]:
    """Return what came of it."""
    url, business, business_secret, ven, ven_secret = sys.argv[1:6]
    told: list[dict[str, Any]] = []
    with (
        OpenADRClient(url) as operator,
        OpenADRClient(url) as home,
        called_back(told) as call_back,
    ):
        operator.fetch_token(business, business_secret)
        home.fetch_token(ven, ven_secret)
        registered = home.create_ven({"objectType": "VEN_VEN_REQUEST", "venName": ven})
        again = home.create_ven({"objectType": "VEN_VEN_REQUEST", "venName": ven})
        found = home.find_ven_by_name(ven)
        resource = home.create_resource(
            {
                "objectType": "VEN_RESOURCE_REQUEST",
                "resourceName": "battery",
                "venID": registered.json()["id"],
            }
        )
        wanted = {
            "objects": ["EVENT"],
            "operations": ["CREATE", "UPDATE", "DELETE"],
            "callbackUrl": call_back,
            "bearerToken": "our word",
        }
        subscription = {"clientName": ven, "programID": "street", "objectOperations": [wanted]}
        subscribed = home.create_subscription(subscription)
        subscription_id = home.subscriptions()[0].id
        program = home.find_program_by_name("street")
        called = operator.create_event(event("storm-0", targets=[ven]))
        event_id = called.json()["id"]
        seen = home.event(event_id)
        changed = operator.update_event(event_id, event("storm-0", priority=1))
        forbidden = home.create_event(event("mine"))
        nobody = home.get_event_by_id("street__nothing")
        start = time.perf_counter()
        statuses = {operator.create_event(event(f"storm-{n}")).status_code for n in range(1, STORM)}
        seconds = time.perf_counter() - start
        listed, skip = 0, 0
        while page := home.events(skip=skip, limit=50):
            listed, skip = listed + len(page), skip + len(page)
        deleted = operator.delete_event(event_id)
        gone = operator.get_event_by_id(event_id)
        wait_for(told, STORM + 1)
        operations = [each["operation"] for each in told]
        ended = home.delete_subscription(subscription_id)
        report = home.create_report(
            {"eventID": event_id, "clientName": ven, "resources": [], "programID": "street"}
        )
    return {
        "registered": registered.status_code,
        "registered_again": again.status_code,
        "found": found is not None and found.ven_name == ven,
        "resource": resource.status_code,
        "program": program is not None and program.id == "street",
        "seen": seen.event_name,
        "changed": (changed.status_code, changed.json()["priority"]),
        "forbidden": forbidden.status_code,
        "nobody": nobody.status_code,
        "storm_statuses": sorted(statuses),
        "storm_seconds": round(seconds, 1),
        "listed": listed,
        "deleted": (deleted.status_code, gone.status_code),
        "subscribed": subscribed.status_code == 201 and ended.status_code == 200,
        "told": [operations.count(each) for each in ("CREATE", "DELETE")],
        "told_of": event_id in {Event.from_raw(each["object"]).id for each in told},
        "report": report.status_code,
    }


if __name__ == "__main__":
    print(json.dumps(main()))
