"""A storm of events on demand response over gRPC and PostgreSQL, as JSON.

Each event is called twice with one request id, changed, changed again by a message that comes
late, and every third is called off twice; many at a time, while somebody follows them all. It says
how long that took, and what was lost.

    make bench-event-storm ARGUMENTS="--events 1000"
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.fakes.demandresponse_world import (
    EVENING,
    DemandResponseWorld,
    P,
    demandresponse_world,
    event,
)
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_kernel.errors import WattmeshError
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_runtime.aio.tasks import cancel_until_ended, together

_AT_ONCE = 32
_NEWER, _LATE = 5, 3


class Storm:
    """What was sent, how long each call took, and what a follower has heard."""

    def __init__(self, world: DemandResponseWorld, count: int) -> None:
        self._world = world
        self._names = [f"e{number}" for number in range(count)]
        self._room = asyncio.Semaphore(_AT_ONCE)
        self.milliseconds: list[float] = []
        self.errors: dict[str, int] = {}
        self.heard: dict[str, event_pb2.Event] = {}

    async def run(self) -> dict[str, object]:
        """Send everything, and return what came of it."""
        follower = asyncio.create_task(self._follow())
        began, cpu = time.monotonic(), time.process_time()
        await together(*(self._one(number, name) for number, name in enumerate(self._names)))
        seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu
        kept = await self._kept()
        told_after = await self._all_heard(kept)
        await cancel_until_ended(follower)
        ordered = sorted(self.milliseconds)
        states = [each.state for each in kept.values()]
        return {
            "events": len(self._names),
            "calls": len(ordered),
            "seconds": round(seconds, 1),
            "own_cpu_ms_per_call": round(1000 * cpu_s / len(ordered), 2),
            "call_ms": {
                "p50": round(ordered[len(ordered) // 2], 1),
                "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 1),
            },
            "errors": self.errors,
            "kept": len(kept),
            "cancelled": states.count(event_pb2.EVENT_STATE_CANCELLED),
            "changed_wrongly": sum(each.priority != _NEWER for each in kept.values()),
            "follower_lacks": len(kept.keys() - self.heard.keys()),
            "follower_up_to_date_after_s": told_after,
        }

    async def _one(self, number: int, name: str) -> None:
        world = self._world
        await together(*(self._call(lambda: world.create(f"call-{name}", name=name)) for _ in "ab"))
        for order in (_NEWER, _LATE):
            changed = event(name, priority=order, modification_number=order)
            await self._call(lambda changed=changed: self._change(changed))  # type: ignore[misc]
        if number % 3 == 0:
            for _ in "ab":
                await self._call(lambda: world.cancel(f"{P}/events/{name}"))

    async def _change(self, changed: event_pb2.Event) -> Any:
        request = pb.UpdateEventRequest(event=changed)
        request.update_mask.paths.extend(("priority", "modification_number"))
        return await self._world.call("UpdateEvent", request)

    async def _call(self, work: Callable[[], Awaitable[Any]]) -> None:
        async with self._room:
            began = time.monotonic()
            try:
                await work()
            except WattmeshError as error:
                self.errors[error.reason] = self.errors.get(error.reason, 0) + 1
            self.milliseconds.append(1000 * (time.monotonic() - began))

    async def _kept(self) -> dict[str, event_pb2.Event]:
        request, found = pb.ListEventsRequest(parent=P), dict[str, event_pb2.Event]()
        while True:
            answer = await self._world.call("ListEvents", request)
            found |= {each.name: each for each in answer.events}
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def _follow(self) -> None:
        async for news in self._world.stub.WatchEvents(pb.WatchEventsRequest(parent=P)):
            self.heard |= {each.name: each for each in news.events}

    async def _all_heard(self, kept: dict[str, event_pb2.Event]) -> float | None:
        """Return when the follower knew every event as it is [s]; None: not within 10 s."""
        began = time.monotonic()
        while time.monotonic() - began < 10.0:
            if all(self.heard.get(name) == each for name, each in kept.items()):
                return round(time.monotonic() - began, 2)
            await asyncio.sleep(0.05)
        return None


async def storm(database_url: str, events: int) -> dict[str, object]:
    """Return what a storm of so many events came to."""
    async with demandresponse_world(database_url) as world:
        world.clock.set(EVENING.replace(hour=0))
        await world.programme()
        await world.enrol()
        return await Storm(world, events).run()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "postgres"), keep=False) as server,
    ):
        found = asyncio.run(storm(server.create_database("storm"), arguments.events))
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
