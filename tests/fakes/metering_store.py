"""Readings in memory: the stores that metering's use cases need."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import numpy as np

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import PointId
from wattmesh_metering.app.ports import GroupReport, SourceCount
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import (
    QUALITIES,
    Ints,
    Mask,
    Reading,
    RegisteredPoint,
    Rejection,
    Rows,
    from_microseconds,
    to_microseconds,
)


class MemoryMetering:
    """IngestStore, ReadingStore and IngestMeter over dictionaries."""

    def __init__(self, points: Sequence[str]) -> None:
        self.registered = {
            name: RegisteredPoint(key=key, id=PointId.parse(name))
            for key, name in enumerate(points, start=1)
        }
        self.kept: dict[tuple[int, int], tuple[float, int, bool]] = {}
        self.counts: list[SourceCount] = []
        self.rejected: list[Rejection] = []
        self.announced: list[tuple[int, int]] = []
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
    async def transaction(self, sources: Sequence[str]) -> AsyncIterator["MemoryTransaction"]:
        if self.away:
            raise Unavailable("AWAY", "the store is away")
        self.groups.append(list(sources))
        transaction = MemoryTransaction(self)
        yield transaction
        self.kept |= transaction.fresh
        self.counts += transaction.counts
        self.rejected += [one for count in transaction.counts for one in count.rejected]
        self.announced += transaction.announced

    async def histories(self, keys: Sequence[int], first: datetime, last: datetime) -> Histories:
        return await self.histories_each(dict.fromkeys(keys, (first, last)))

    async def histories_each(self, spans: Mapping[int, tuple[datetime, datetime]]) -> Histories:
        keys = list(spans)
        rows = [
            sorted(
                (t, row[0])
                for (k, t), row in self.kept.items()
                if k == key and to_microseconds(first) <= t <= to_microseconds(last)
            )
            for key, (first, last) in spans.items()
        ]
        flat = [row for own in rows for row in own]
        return Histories(
            keys=tuple(keys),
            ends=np.cumsum([len(own) for own in rows], dtype=np.int64),
            times_us=np.array([time for time, _ in flat], np.int64),
            values=np.array([value for _, value in flat], np.float64),
        )

    async def latest(self, points: Sequence[RegisteredPoint]) -> Sequence[Reading]:
        readings = []
        for point in points:
            times = [time for key, time in self.kept if key == point.key]
            if times:
                value, quality, _ = self.kept[point.key, max(times)]
                readings.append(
                    Reading(
                        point=point.id,
                        measure_time=from_microseconds(max(times)),
                        value=value,
                        quality=QUALITIES[quality],
                    )
                )
        return readings

    def committed(self, report: GroupReport) -> None:
        self.reports.append(report)

    def failed(self) -> None:
        self.failures += 1


class MemoryTransaction:
    """What becomes of the store when the transaction is committed."""

    def __init__(self, store: MemoryMetering) -> None:
        self._store = store
        self.fresh: dict[tuple[int, int], tuple[float, int, bool]] = {}
        self.counts: list[SourceCount] = []
        self.announced: list[tuple[int, int]] = []

    async def kept_around(self, candidates: Rows) -> Rows:
        kept = self._store.kept | self.fresh
        chosen: list[tuple[int, int]] = []
        for key in np.unique(candidates.keys).tolist():
            own = candidates.times_us[candidates.keys == key]
            times = sorted(time for k, time in kept if k == key)
            before = [time for time in times if time < own.min()][-1:]
            within = [time for time in times if own.min() <= time <= own.max()]
            after = [time for time in times if time > own.max()][:1]
            chosen += [(key, time) for time in (*before, *within, *after)]
        return Rows(
            keys=np.array([key for key, _ in chosen], np.int64),
            times_us=np.array([time for _, time in chosen], np.int64),
            values=np.array([kept[one][0] for one in chosen], np.float64),
            qualities=np.array([kept[one][1] for one in chosen], np.int64),
            resets=np.array([kept[one][2] for one in chosen], np.bool_),
        )

    async def insert(self, rows: Rows, sources: Sequence[str], owners: Ints) -> Mask:
        if self._store.poison is not None and self._store.poison in rows.values:
            raise ValueError("poison")
        new = np.zeros(len(rows), np.bool_)
        for place, one in enumerate(zip(rows.keys.tolist(), rows.times_us.tolist(), strict=True)):
            if one not in self._store.kept and one not in self.fresh:
                new[place] = True
                self.fresh[one] = (
                    float(rows.values[place]),
                    int(rows.qualities[place]),
                    bool(rows.resets[place]),
                )
        return new

    async def count(self, counts: Sequence[SourceCount], now: datetime) -> None:
        self.counts += counts

    async def announce(self, rows: Rows) -> None:
        self.announced += list(zip(rows.keys.tolist(), rows.times_us.tolist(), strict=True))
