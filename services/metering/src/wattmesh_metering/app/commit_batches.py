"""Keeps a group of batches in one transaction."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId
from wattmesh_metering.app.ports import (
    GroupReport,
    IngestMeter,
    IngestStore,
    IngestTransaction,
    SourceCount,
)
from wattmesh_metering.domain.arrivals import Touched, touched_by
from wattmesh_metering.domain.readings import (
    Fate,
    Ints,
    ReadingBatch,
    RegisteredPoint,
    Rejection,
    Rows,
    to_microseconds,
)
from wattmesh_metering.domain.screening import Screened, screen


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SentBatch:
    """A batch and who sent it."""

    source: str
    batch: ReadingBatch


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOutcome:
    """What became of a batch, once it is committed."""

    sequence: int
    stored: int
    duplicates: int
    revised: int
    rejected: tuple[Rejection, ...]


class CommitBatches:
    """Screens batches and keeps what is new; `Validate` judges it afterwards.

    Parameters: `future_tolerance` is how far ahead of the clock a measure time may be; `committed`
    is called after each commit.
    """

    def __init__(
        self,
        store: IngestStore,
        clock: Clock,
        meter: IngestMeter,
        *,
        future_tolerance: timedelta,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._meter = meter
        self._future_tolerance = future_tolerance
        self._committed = committed

    async def run(self, group: Sequence[SentBatch]) -> list[BatchOutcome]:
        """Commit the batches together; one outcome per batch. Error: Unavailable, for all."""
        started = time.perf_counter()
        try:
            outcomes = await self._commit(group)
        except BaseException:
            self._meter.failed()
            raise
        self._committed()
        self._meter.committed(
            GroupReport(
                batches=len(group),
                stored=sum(outcome.stored for outcome in outcomes),
                duplicates=sum(outcome.duplicates for outcome in outcomes),
                revised=sum(outcome.revised for outcome in outcomes),
                rejected=sum(len(outcome.rejected) for outcome in outcomes),
                seconds=time.perf_counter() - started,
            )
        )
        return outcomes

    async def _commit(self, group: Sequence[SentBatch]) -> list[BatchOutcome]:
        known = await self._store.resolve({name for sent in group for name in sent.batch.points})
        now = self._clock.now()
        latest_us = to_microseconds(now + self._future_tolerance)
        screened = [screen(sent.batch, known, latest_us) for sent in group]
        sources = sorted({sent.source for sent in group})
        work = _Group(screened, [sources.index(sent.source) for sent in group])
        async with self._store.transaction(sources, now) as transaction:
            await work.keep(transaction, sources)
            outcomes = work.outcomes()
            await transaction.count(_counts(group, outcomes))
            await transaction.arrived(work.touched(_devices(known)), sources)
            await transaction.announce(work.news)
        return outcomes


class _Group:
    """The rows of a group's batches, by point and time, and what becomes of each."""

    def __init__(self, screened: Sequence[Screened], sources: Sequence[int]) -> None:
        self._screened = screened
        rows = Rows.concatenated([part.rows for part in screened])
        order = np.lexsort((rows.times_us, rows.keys))  # of one point and time: as they came
        owners: Ints = np.repeat(np.arange(len(screened)), [len(part.rows) for part in screened])
        self._owners = owners[order]
        self._sources: Ints = np.array(sources, np.int64)[self._owners]
        self._rows = rows[order]
        self._fates: Ints = np.zeros(len(rows), np.int64)

    @property
    def news(self) -> Rows:
        """What stands since this group."""
        return self._rows[self._fates != Fate.DUPLICATE]

    async def keep(self, transaction: IngestTransaction, sources: Sequence[str]) -> None:
        """Keep what is new."""
        if len(self._rows):
            self._fates = await transaction.insert(self._rows, sources, self._sources)

    def touched(self, devices: Mapping[int, int]) -> Touched:
        """Return what is to be judged; `devices` numbers the device of each point."""
        which = (self._fates != Fate.DUPLICATE) | self._rows.resets
        rows = self._rows[which]
        known = np.array(sorted(devices), np.int64)
        numbers = np.array([devices[key] for key in known.tolist()], np.int64)
        return touched_by(
            rows,
            self._sources[which],
            numbers[np.searchsorted(known, rows.keys)] if len(rows) else rows.keys,
            (self._fates[which] == Fate.STORED).astype(np.int64),
        )

    def outcomes(self) -> list[BatchOutcome]:
        """Return what became of each batch."""
        size = len(self._screened)
        stored, duplicates, revised = (
            np.bincount(self._owners[self._fates == fate], minlength=size)
            for fate in (Fate.STORED, Fate.DUPLICATE, Fate.REVISED)
        )
        return [
            BatchOutcome(
                sequence=part.batch.sequence,
                stored=int(stored[index]),
                duplicates=int(duplicates[index]),
                revised=int(revised[index]),
                rejected=tuple(sorted(part.rejected, key=lambda one: one.row)),
            )
            for index, part in enumerate(self._screened)
        ]


def _devices(known: Mapping[str, RegisteredPoint]) -> dict[int, int]:
    """Number the devices of points, by the points' keys."""
    numbers: dict[DeviceId, int] = {}
    return {
        point.key: numbers.setdefault(point.id.device, len(numbers)) for point in known.values()
    }


def _counts(group: Sequence[SentBatch], outcomes: Sequence[BatchOutcome]) -> list[SourceCount]:
    """Add the outcomes up by source."""
    counts = []
    for source in sorted({sent.source for sent in group}):
        own = [out for sent, out in zip(group, outcomes, strict=True) if sent.source == source]
        counts.append(
            SourceCount(
                source=source,
                last_sequence=max(outcome.sequence for outcome in own),
                stored=sum(outcome.stored for outcome in own),
                duplicates=sum(outcome.duplicates for outcome in own),
                revised=sum(outcome.revised for outcome in own),
                rejected=[one for outcome in own for one in outcome.rejected],
            )
        )
    return counts
