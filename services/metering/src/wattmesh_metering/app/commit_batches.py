"""Keeps a group of batches in one transaction."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.quantities import Kind
from wattmesh_metering.app.ports import (
    GroupReport,
    IngestMeter,
    IngestStore,
    IngestTransaction,
    SourceCount,
)
from wattmesh_metering.app.spans import COMMIT_READINGS
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
from wattmesh_metering.domain.rollups import LATE_AFTER_US, PointDays, outdated
from wattmesh_metering.domain.screening import screen
from wattmesh_runtime.aio.spans import traced


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

    Parameters: `future_tolerance` is how far ahead of the clock a measure time may be,
    `longest_gap` how far apart two readings of a register may be to interpolate between them;
    `committed` is called after each commit, `late` after one that outdates roll-ups.
    """

    def __init__(
        self,
        store: IngestStore,
        clock: Clock,
        meter: IngestMeter,
        *,
        future_tolerance: timedelta,
        longest_gap: timedelta,
        committed: Callable[[], None] = lambda: None,
        late: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._meter = meter
        self._future_tolerance = future_tolerance
        self._longest_gap_us = longest_gap // timedelta(microseconds=1)
        self._committed = committed
        self._late = late

    async def run(self, group: Sequence[SentBatch]) -> list[BatchOutcome]:
        """Commit batches together; one outcome per batch. Error: Unavailable, for all."""
        return await self.commit(await self.prepare(group))

    async def prepare(self, group: Sequence[SentBatch]) -> "PreparedGroup":
        """Do what can be done of a group while another one is committed. Error: Unavailable."""
        try:
            known = await self._store.resolve(
                {name for each in group for name in each.batch.points}
            )
        except BaseException:
            self._meter.failed()
            raise
        latest_us = to_microseconds(self._clock.now() + self._future_tolerance)
        return PreparedGroup(group, known, latest_us)

    async def commit(self, group: "PreparedGroup") -> list[BatchOutcome]:
        """Commit what is prepared; one outcome per batch. Error: Unavailable, for all."""
        started = time.perf_counter()
        try:
            with traced(
                COMMIT_READINGS,
                parents=tuple(sent.batch.trace_parent for sent in group.sent),
                batches=len(group.sent),
                readings=sum(sent.batch.rows for sent in group.sent),
            ):
                outcomes = await self._commit(group)
        except BaseException:
            self._meter.failed()
            raise
        self._committed()
        self._meter.committed(
            GroupReport(
                batches=len(group.sent),
                stored=sum(outcome.stored for outcome in outcomes),
                duplicates=sum(outcome.duplicates for outcome in outcomes),
                revised=sum(outcome.revised for outcome in outcomes),
                rejected=sum(len(outcome.rejected) for outcome in outcomes),
                seconds=time.perf_counter() - started,
            )
        )
        return outcomes

    async def _commit(self, group: "PreparedGroup") -> list[BatchOutcome]:
        now = self._clock.now()
        async with self._store.transaction(group.sources, now) as transaction:
            fates = await group.keep(transaction)
            outcomes = group.outcomes(fates)
            await transaction.count(_counts(group.sent, outcomes))
            await transaction.arrived(group.touched(fates), group.sources)
            late = group.outdated(fates, to_microseconds(now), self._longest_gap_us)
            await transaction.outdate(late)
            await transaction.announce(group.news(fates))
        if len(late):
            self._late()
        return outcomes


class PreparedGroup:
    """The rows of a group's batches, screened, by point and time; and what becomes of each.

    Parameters: `known` holds the registered points by name, `latest_us` is the latest measure time
    allowed.
    """

    def __init__(
        self, sent: Sequence[SentBatch], known: Mapping[str, RegisteredPoint], latest_us: int
    ) -> None:
        self.sent = sent
        self.sources = sorted({each.source for each in sent})
        self._screened = [screen(each.batch, known, latest_us) for each in sent]
        self._known = known
        rows = Rows.concatenated([part.rows for part in self._screened])
        order = rows.order()  # of one point and time: as they came
        owners: Ints = np.repeat(np.arange(len(sent)), [len(part.rows) for part in self._screened])
        self._owners = owners[order]
        numbers = np.array([self.sources.index(each.source) for each in sent], np.int64)
        self._sources: Ints = numbers[self._owners]
        self._rows = rows[order]

    async def keep(self, transaction: IngestTransaction) -> Ints:
        """Keep what is new; return the fates of the rows."""
        if not len(self._rows):
            return np.zeros(0, np.int64)
        return await transaction.insert(self._rows, self.sources, self._sources)

    def news(self, fates: Ints) -> Rows:
        """Return what stands since this group."""
        fresh = fates != Fate.DUPLICATE
        return self._rows if fresh.all() else self._rows[fresh]

    def outdated(self, fates: Ints, now_us: int, longest_gap_us: int) -> PointDays:
        """Return the past days of registers on which this group has a say."""
        registers = [
            each.key for each in self._known.values() if each.quantity.kind is Kind.REGISTER
        ]
        late = self._rows.times_us - longest_gap_us < now_us - LATE_AFTER_US
        if not late.any():
            return outdated(Rows.empty(), now_us, longest_gap_us)
        which = late & (fates != Fate.DUPLICATE) & np.isin(self._rows.keys, registers)
        return outdated(self._rows[which], now_us, longest_gap_us)

    def touched(self, fates: Ints) -> Touched:
        """Return what is to be judged."""
        devices = _devices(self._known)
        which = (fates != Fate.DUPLICATE) | self._rows.resets
        rows = self._rows[which]
        known = np.array(sorted(devices), np.int64)
        numbers = np.array([devices[key] for key in known.tolist()], np.int64)
        return touched_by(
            rows,
            self._sources[which],
            numbers[np.searchsorted(known, rows.keys)] if len(rows) else rows.keys,
            (fates[which] == Fate.STORED).astype(np.int64),
        )

    def outcomes(self, fates: Ints) -> list[BatchOutcome]:
        """Return what became of each batch."""
        size = len(self._screened)
        stored, duplicates, revised = (
            np.bincount(self._owners[fates == fate], minlength=size)
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
