"""Readings in memory: the stores that metering's use cases need."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import numpy as np

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import PointId
from wattmesh_metering.app.ports import NOW, GroupReport, SourceCount, View
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import (
    Fate,
    Ints,
    Newest,
    RegisteredPoint,
    Rejection,
    Rows,
    from_microseconds,
    to_microseconds,
)
from wattmesh_metering.domain.rollups import PointDays


class MemoryMetering:
    """IngestStore, ReadingStore and IngestMeter over dictionaries."""

    def __init__(self, points: Sequence[str]) -> None:
        self.registered = {
            name: RegisteredPoint(key=key, id=PointId.parse(name))
            for key, name in enumerate(points, start=1)
        }
        self.kept: dict[tuple[int, int], tuple[float, int, bool]] = {}
        self.past: list[tuple[int, int, float, int]] = []
        self.touched: list[Touched] = []
        self.counts: list[SourceCount] = []
        self.rejected: list[Rejection] = []
        self.announced: list[tuple[int, int]] = []
        self.outdated: list[tuple[int, int]] = []
        self.groups: list[list[str]] = []
        self.reports: list[GroupReport] = []
        self.failures = 0
        self.away = False
        self.poison: float | None = None

    def values(self, name: str) -> list[float]:
        """The kept values of a point in time."""
        key = self.registered[name].key
        return [value for (k, _), (value, _, _) in sorted(self.kept.items()) if k == key]

    async def resolve(self, names: Collection[str]) -> Mapping[str, RegisteredPoint]:
        return {name: self.registered[name] for name in names if name in self.registered}

    @asynccontextmanager
    async def transaction(
        self, sources: Sequence[str], now: datetime
    ) -> AsyncIterator["MemoryTransaction"]:
        if self.away:
            raise Unavailable("AWAY", "the store is away")
        self.groups.append(list(sources))
        transaction = MemoryTransaction(self)
        yield transaction
        self.kept |= transaction.fresh
        self.past += transaction.past
        self.touched += transaction.touched
        self.counts += transaction.counts
        self.rejected += [one for count in transaction.counts for one in count.rejected]
        self.announced += transaction.announced

    async def histories(
        self, keys: Sequence[int], first: datetime, last: datetime, view: View = NOW
    ) -> Histories:
        return await self.histories_each(dict.fromkeys(keys, (first, last)), view)

    async def histories_each(
        self, spans: Mapping[int, tuple[datetime, datetime]], view: View = NOW
    ) -> Histories:
        keys = list(spans)
        rows = [
            sorted(
                (t, row[0], row[1])
                for (k, t), row in self.kept.items()
                if k == key and to_microseconds(first) <= t <= to_microseconds(last)
            )
            for key, (first, last) in spans.items()
        ]
        flat = [row for own in rows for row in own]
        return Histories(
            keys=tuple(keys),
            ends=np.cumsum([len(own) for own in rows], dtype=np.int64),
            times_us=np.array([time for time, _, _ in flat], np.int64),
            values=np.array([value for _, value, _ in flat], np.float64),
            qualities=np.array([quality for _, _, quality in flat], np.int64),
        )

    async def registers(
        self,
        keys: Collection[int],
        rollable: Collection[int],
        span_us: tuple[int, int],
        longest_gap_us: int,
        view: View = NOW,
    ) -> Histories:
        first, last = span_us[0] - longest_gap_us, span_us[1] + longest_gap_us
        return await self.histories(list(keys), from_microseconds(first), from_microseconds(last))

    async def firsts_us(self, keys: Collection[int]) -> Mapping[int, int]:
        return {key: time_us for key, time_us in sorted(self.kept, reverse=True) if key in keys}

    async def latest(self, points: Sequence[RegisteredPoint]) -> Newest:
        found, rows = [], []
        for point in points:
            times = [time for key, time in self.kept if key == point.key]
            if times:
                value, quality, _ = self.kept[point.key, max(times)]
                found.append(point)
                rows.append((max(times), value, quality))
        return Newest(
            points=found,
            times_us=np.array([time for time, _, _ in rows], np.int64),
            values=np.array([value for _, value, _ in rows], np.float64),
            qualities=np.array([quality for _, _, quality in rows], np.int64),
        )

    def committed(self, report: GroupReport) -> None:
        self.reports.append(report)

    def failed(self) -> None:
        self.failures += 1


class MemoryTransaction:
    """What becomes of the store when the transaction is committed."""

    def __init__(self, store: MemoryMetering) -> None:
        self._store = store
        self.fresh: dict[tuple[int, int], tuple[float, int, bool]] = {}
        self.past: list[tuple[int, int, float, int]] = []
        self.touched: list[Touched] = []
        self.counts: list[SourceCount] = []
        self.announced: list[tuple[int, int]] = []

    async def insert(self, rows: Rows, sources: Sequence[str], owners: Ints) -> Ints:
        if self._store.poison is not None and self._store.poison in rows.values:
            raise ValueError("poison")
        fates = np.full(len(rows), Fate.DUPLICATE, np.int64)
        for place, one in enumerate(zip(rows.keys.tolist(), rows.times_us.tolist(), strict=True)):
            value, quality = float(rows.values[place]), int(rows.qualities[place])
            stands = self.fresh.get(one) or self._store.kept.get(one)
            if stands is None:
                fates[place] = Fate.STORED
            elif (*one, value, quality) in [*self._past(), (*one, *stands[:2])]:
                continue
            else:
                fates[place] = Fate.REVISED
                self.past.append((*one, *stands[:2]))
            self.fresh[one] = value, quality, bool(rows.resets[place])
        return fates

    def _past(self) -> list[tuple[int, int, float, int]]:
        return self._store.past + self.past

    async def count(self, counts: Sequence[SourceCount]) -> None:
        self.counts += counts

    async def arrived(self, touched: Touched, sources: Sequence[str]) -> None:
        self.touched.append(touched)

    async def outdate(self, late: PointDays) -> None:
        self._store.outdated += zip(late.keys.tolist(), late.days.tolist(), strict=True)

    async def announce(self, rows: Rows) -> None:
        self.announced += list(zip(rows.keys.tolist(), rows.times_us.tolist(), strict=True))
