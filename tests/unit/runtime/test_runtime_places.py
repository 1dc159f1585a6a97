"""Places: shared fairly, refused early, never lost."""

import asyncio
from datetime import timedelta

import pytest

from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_runtime.aio.places import FairPlaces, PlaceLimits


def places(**changed: int) -> FairPlaces:
    limits = {"places": 2, "places_per_caller": 2, "queue": 10, "queue_per_caller": 5, **changed}
    return FairPlaces("calls", PlaceLimits(**limits), timedelta(seconds=1))


class Holders:
    """Tasks that hold a place until they are let go."""

    def __init__(self, of: FairPlaces) -> None:
        self._places = of
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.served: list[str] = []

    async def start(self, *names: str) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._hold(name))
        await asyncio.sleep(0)

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        for _ in range(5):
            await asyncio.sleep(0)

    async def _hold(self, name: str) -> None:
        async with self._places.held(name[0]):
            self.served.append(name)
            await self._ends[name].wait()


async def test_whoever_asks_once_does_not_wait_behind_whoever_asks_often() -> None:
    holders = Holders(places())
    await holders.start("a1", "a2", "a3", "a4", "b1")
    await holders.end("a1", "a2")
    assert holders.served == ["a1", "a2", "a3", "b1"]
    await holders.end("a3", "a4", "b1")


async def test_one_caller_cannot_take_every_place() -> None:
    holders = Holders(places(places_per_caller=1))
    await holders.start("a1", "a2", "b1")
    assert holders.served == ["a1", "b1"]
    await holders.end("a1", "a2", "b1")
    assert holders.served == ["a1", "b1", "a2"]


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    of = places(places=1, queue=3, queue_per_caller=2)
    holders = Holders(of)
    await holders.start("a1", "a2", "a3", "a4", "b1", "c1")
    for name, whose in (("a4", "of this caller "), ("c1", "")):
        refused = holders.tasks[name].exception()
        assert isinstance(refused, ResourceExhausted)
        assert refused.message == f"too many calls {whose}are waiting already"
        assert refused.retry_after == timedelta(seconds=1)
    await holders.end("a1", "a2", "a3", "b1")
    assert (of.held_count, of.waiting_count) == (0, 0)


async def test_whoever_stops_waiting_takes_no_place_with_it() -> None:
    of = places(places=1)
    holders = Holders(of)
    await holders.start("a1", "a2", "b1", "b2")
    holders.tasks["a2"].cancel()
    await asyncio.sleep(0)
    await holders.end("a1")
    assert holders.served == ["a1", "b1"]
    holders._ends["b1"].set()
    await holders.tasks["b1"]
    holders.tasks["b2"].cancel()  # in the instant in which it was given the place
    await asyncio.wait([holders.tasks["b2"]])
    assert (of.held_count, of.waiting_count) == (0, 0)
    async with asyncio.timeout(1), of.held("c"):
        pass
    with pytest.raises(asyncio.CancelledError):
        await holders.tasks["a2"]


async def test_a_place_is_not_lost_to_somebody_who_is_just_leaving() -> None:
    of = places(places=1)
    holders = Holders(of)
    await holders.start("a1", "b1", "c1")
    holders.tasks["b1"].cancel()
    await holders.end("a1")  # before b1 has run
    assert holders.served == ["a1", "c1"]
    await holders.end("c1")
    assert (of.held_count, of.waiting_count) == (0, 0)
