"""Powers as they are metered, held against their limits at once."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TypeAlias

import grpc

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh_alerting.adapters.metering import ON_THE_WAY
from wattmesh_alerting.adapters.nearness import LimitsInForce, Powers, watched_points
from wattmesh_alerting.adapters.newest import NewestReadings, measured
from wattmesh_alerting.domain.condition import Cleared, News
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Unavailable, WattmeshError
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.errors import rpc_errors
from wattmesh_sitemodel.view import SiteModelView

_MOST_WAITING = 100
"""Answers that wait here; beyond, metering waits, and ends the line of one that is far behind."""
_POINTS_A_STREAM = 2_000

Readings: TypeAlias = Sequence[metering_pb2.Reading]
Watched: TypeAlias = Mapping[str, frozenset[str]]


class LivePowers:
    """Source: watches the points that a bound is on, and no others.

    It tells where something begins or ends to hold. What goes on holding, what fell silent, and
    readings that turn out not to be believed are seen by whoever asks for all of them now and then,
    of the same `newest` and `powers`. A line that broke begins with the newest of each point.
    """

    name = "powers as they are metered"

    def __init__(
        self,
        channel: grpc.aio.Channel,
        view: SiteModelView,
        clock: Clock,
        limits: LimitsInForce,
        newest: NewestReadings,
        powers: Powers,
        *,
        look_seconds: float,
    ) -> None:
        self._stub = metering_pb2_grpc.MeteringServiceStub(channel)
        self._view = view
        self._clock = clock
        self._limits = limits
        self._newest = newest
        self._powers = powers
        self._look_seconds = look_seconds

    async def news(self) -> AsyncGenerator[News, None]:
        """Yield what begins and ends to hold. Error: Unavailable when the line breaks."""
        while True:
            watched = self._watched()
            if not watched:
                await asyncio.sleep(self._look_seconds)
                continue
            async with aclosing(self._readings(watched)) as lines:
                async for readings in lines:
                    for each in self._judged(watched, readings):
                        yield each

    def _watched(self) -> Watched:
        now = self._clock.now()
        return watched_points(self._view.model, self._limits.in_force(now), now)

    def _judged(self, watched: Watched, readings: Readings) -> Iterator[News]:
        self._newest.take(readings, asyncio.get_running_loop().time())
        now = self._clock.now()
        known_at = now - ON_THE_WAY * self._clock.rate
        model, limits = self._view.model, self._limits.in_force(now)
        for subject, time in _touched(watched, readings).items():
            before = self._powers.held(subject)
            found = self._powers.conditions(model, self._newest, limits, known_at, [subject])
            after = self._powers.held(subject)
            if before is not None and before is not after:
                yield Cleared(rule=before, subject=subject, since=time)
            if before is not after:
                yield from found

    async def _readings(self, watched: Watched) -> AsyncGenerator[Readings, None]:
        """Yield readings of the points as they come, as long as these are the ones to watch."""
        came: asyncio.Queue[Readings | WattmeshError] = asyncio.Queue(_MOST_WAITING)
        loop = asyncio.get_running_loop()
        looked = loop.time()
        async with BackgroundTasks() as background:
            for names in _parted(list(watched)):
                background.start(self._watch(names, came))
            while True:
                readings = await _within(self._look_seconds, came)
                if isinstance(readings, WattmeshError):
                    raise readings
                yield readings
                if loop.time() - looked >= self._look_seconds:
                    looked = loop.time()
                    if self._watched() != watched:
                        return

    async def _watch(
        self, names: Sequence[str], came: "asyncio.Queue[Readings | WattmeshError]"
    ) -> None:
        try:
            with rpc_errors():
                request = metering_pb2.WatchReadingsRequest(points=names)
                async for answer in self._stub.WatchReadings(request):
                    await came.put(answer.readings)
            await came.put(Unavailable("STREAM_ENDED", "metering has ended the line"))
        except WattmeshError as error:
            await came.put(error)


async def _within(
    seconds: float, came: "asyncio.Queue[Readings | WattmeshError]"
) -> Readings | WattmeshError:
    """Return what comes next; nothing when that takes too long."""
    try:
        async with asyncio.timeout(seconds):
            return await came.get()
    except TimeoutError:
        return ()


def _touched(watched: Watched, readings: Iterable[metering_pb2.Reading]) -> dict[str, datetime]:
    """Return the subjects that readings are about, with the newest time of any."""
    found = dict[str, datetime]()
    for each in readings:
        for subject in watched.get(each.point, ()):
            found[subject] = max(measured(each), found.get(subject, measured(each)))
    return found


def _parted(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), _POINTS_A_STREAM):
        yield names[first : first + _POINTS_A_STREAM]
