"""Keeps a group of batches in one transaction."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from wattmesh_kernel.clock import Clock
from wattmesh_metering.app.ports import (
    GroupReport,
    IngestMeter,
    IngestStore,
    IngestTransaction,
    SourceCount,
)
from wattmesh_metering.domain.readings import (
    Ints,
    Mask,
    ReadingBatch,
    Rejection,
    RejectionReason,
    Rows,
    to_microseconds,
)
from wattmesh_metering.domain.registers import judge
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
    rejected: tuple[Rejection, ...]


class CommitBatches:
    """Screens batches, holds registers against their neighbours and keeps what is new.

    Parameters: `future_tolerance` is how far ahead of the clock a measure time may be.
    """

    def __init__(
        self,
        store: IngestStore,
        clock: Clock,
        meter: IngestMeter,
        *,
        future_tolerance: timedelta,
    ) -> None:
        self._store = store
        self._clock = clock
        self._meter = meter
        self._future_tolerance = future_tolerance

    async def run(self, group: Sequence[SentBatch]) -> list[BatchOutcome]:
        """Commit the batches together; one outcome per batch. Error: Unavailable, for all."""
        started = time.perf_counter()
        try:
            outcomes = await self._commit(group)
        except BaseException:
            self._meter.failed()
            raise
        self._meter.committed(
            GroupReport(
                batches=len(group),
                stored=sum(outcome.stored for outcome in outcomes),
                duplicates=sum(outcome.duplicates for outcome in outcomes),
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
        async with self._store.transaction(sources) as transaction:
            await work.keep(transaction, sources)
            outcomes = work.outcomes()
            await transaction.count(_counts(group, outcomes), now)
            await transaction.announce(work.rows[work.stored])
        return outcomes


class _Group:
    """The rows of a group's batches, one after the other, and what becomes of each."""

    def __init__(self, screened: Sequence[Screened], sources: Sequence[int]) -> None:
        self._screened = screened
        self._sources: Ints = np.array(sources, np.int64)
        self.rows = Rows.concatenated([part.rows for part in screened])
        self._owners: Ints = np.repeat(
            np.arange(len(screened)), [len(part.rows) for part in screened]
        )
        self._places: Ints = np.concatenate([part.places for part in screened])
        self._registers: Mask = np.concatenate([part.registers for part in screened])
        self.stored: Mask = np.zeros(len(self.rows), np.bool_)
        self._duplicate: Mask = np.zeros(len(self.rows), np.bool_)
        self._fallen: dict[int, str] = {}

    async def keep(self, transaction: IngestTransaction, sources: Sequence[str]) -> None:
        """Keep what is new. Of several rows with one key the first that is not refused stands."""
        pending: Ints = np.lexsort((self.rows.times_us, self.rows.keys))
        while len(pending):
            first = self._first_of_each_key(pending)
            fallen = await self._keep(transaction, sources, pending[first])
            rest = pending[~first]
            refused = self._same_key(rest, fallen)
            self._duplicate[rest[~refused]] = True
            pending = rest[refused]

    def outcomes(self) -> list[BatchOutcome]:
        """Return what became of each batch."""
        size = len(self._screened)
        stored = np.bincount(self._owners[self.stored], minlength=size)
        duplicates = np.bincount(self._owners[self._duplicate], minlength=size)
        rejected = [list(part.rejected) for part in self._screened]
        for row, message in self._fallen.items():
            owner = int(self._owners[row])
            rejection = self._screened[owner].reject(
                int(self._places[row]), RejectionReason.REGISTER_DECREASED, message
            )
            rejected[owner].append(rejection)
        return [
            BatchOutcome(
                sequence=part.batch.sequence,
                stored=int(stored[index]),
                duplicates=int(duplicates[index]),
                rejected=tuple(sorted(rejected[index], key=lambda one: one.row)),
            )
            for index, part in enumerate(self._screened)
        ]

    def _first_of_each_key(self, pending: Ints) -> Mask:
        """Return which of the pending rows, ordered by key, are the first of theirs."""
        rows = self.rows[pending]
        first: Mask = np.ones(len(pending), np.bool_)
        first[1:] = (np.diff(rows.keys) != 0) | (np.diff(rows.times_us) != 0)
        return first

    async def _keep(
        self, transaction: IngestTransaction, sources: Sequence[str], chosen: Ints
    ) -> Ints:
        """Keep those of the chosen rows that are new and fit; return those that do not fit."""
        registers = chosen[self._registers[chosen]]
        fallen: Ints = np.empty(0, np.int64)
        if len(registers):
            candidates = self.rows[registers]
            verdict = judge(candidates, await transaction.kept_around(candidates))
            self._duplicate[registers[verdict.duplicate]] = True
            self._fallen.update({int(registers[i]): why for i, why in verdict.fallen.items()})
            fallen = registers[list(verdict.fallen)] if verdict.fallen else fallen
        fresh = chosen[~self._duplicate[chosen]]
        fresh = fresh[~np.isin(fresh, fallen)] if len(fallen) else fresh
        if len(fresh):
            owners = self._sources[self._owners[fresh]]
            new = await transaction.insert(self.rows[fresh], sources, owners)
            self.stored[fresh[new]] = True
            self._duplicate[fresh[~new]] = True
        return fallen

    def _same_key(self, rows: Ints, others: Ints) -> Mask:
        """Return which rows have the key of one of the others."""
        keys = {(int(self.rows.keys[i]), int(self.rows.times_us[i])) for i in others}
        found = [(int(self.rows.keys[i]), int(self.rows.times_us[i])) in keys for i in rows]
        return np.array(found, np.bool_) if keys else np.zeros(len(rows), np.bool_)


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
                rejected=[one for outcome in own for one in outcome.rejected],
            )
        )
    return counts
