"""Commits that wait to be judged, in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import numpy as np

from wattmesh_metering.app.ports import DeviceCount
from wattmesh_metering.app.validate import ChangedSpan, Surroundings
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.vee.judging import Judgement


class MemoryValidation:
    """ValidationStore of commits that take `seconds` each; `taken`: how many in each turn."""

    def __init__(self, commits: int, seconds: float) -> None:
        self._left = commits
        self._seconds = seconds
        self.taken: list[int] = []
        self.empty = asyncio.Event()

    @asynccontextmanager
    async def turn(self, most: int) -> AsyncIterator["MemoryTurn"]:
        taken = min(most, self._left)
        yield MemoryTurn(taken, self._seconds)
        self._left -= taken
        if taken:
            self.taken.append(taken)
        else:
            self.empty.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator["MemoryTurn"]:
        yield MemoryTurn(0, 0.0)


class MemoryTurn:
    """One turn of judging, which takes its time."""

    def __init__(self, commits: int, seconds: float) -> None:
        self._commits = commits
        self._seconds = seconds

    @property
    def arrived(self) -> Sequence[Touched]:
        one = np.ones(1, np.int64)
        touched = Touched(
            keys=one, sources=one, first_us=one, last_us=one, stored=one, telegrams=one
        )
        return [touched] * self._commits

    async def around(self, spans: Sequence[ChangedSpan]) -> Surroundings:
        await asyncio.sleep(self._seconds * self._commits)
        none = np.zeros(len(spans), np.int64)
        histories = Histories(
            keys=tuple(range(len(spans))),
            ends=none,
            times_us=np.empty(0, np.int64),
            values=np.empty(0),
        )
        return Surroundings(histories=histories, raised={})

    async def keep(self, judgements: Sequence[Judgement], now: datetime) -> None:
        pass

    async def count(self, counts: Sequence[tuple[int, DeviceCount]]) -> None:
        pass
