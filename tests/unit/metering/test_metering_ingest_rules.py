"""Committing batches against a store in memory: laws of replay and order."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.manual_clock import ManualClock
from tests.fakes.metering_store import MemoryMetering
from wattmesh_kernel.errors import InvalidArgument, Unavailable
from wattmesh_metering.app.commit_batches import BatchOutcome, CommitBatches, SentBatch
from wattmesh_metering.app.ingest import CommitQueue, Ingest, IngestAnswer
from wattmesh_metering.domain.readings import ReadingBatch, RejectionReason, to_microseconds

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
NOON_US = to_microseconds(NOON)
ENERGY = "sites/s/devices/d/points/import_energy_wh"
POWER = "sites/s/devices/d/points/active_power_w"
OTHER = "sites/s/devices/e/points/export_energy_wh"
POINTS = (ENERGY, POWER, OTHER)

Sample = tuple[str, int, float]
"""Point, minutes before noon, value."""


def _batch(
    samples: Sequence[Sample], sequence: int = 1, resets: Sequence[int] = ()
) -> ReadingBatch:
    return ReadingBatch(
        sequence=sequence,
        points=POINTS,
        point_indices=np.array([POINTS.index(name) for name, _, _ in samples], np.int64),
        times_us=np.array([NOON_US - minute * 60_000_000 for _, minute, _ in samples], np.int64),
        values=np.array([value for _, _, value in samples], np.float64),
        qualities=np.empty(0, np.int64),
        reset_rows=np.array(resets, np.int64),
    )


def _commit(store: MemoryMetering) -> CommitBatches:
    return CommitBatches(
        store,
        ManualClock(NOON),
        store,
        future_tolerance=timedelta(minutes=5),
        longest_gap=timedelta(hours=3),
    )


def _run(store: MemoryMetering, *batches: ReadingBatch, source: str = "g") -> list[BatchOutcome]:
    group = [SentBatch(source=source, batch=batch) for batch in batches]
    return asyncio.run(_commit(store).run(group))


rising = st.lists(st.floats(0, 1e6), min_size=1, max_size=30).map(
    lambda steps: np.cumsum(steps).tolist()
)


@settings(max_examples=60, deadline=None)
@given(
    energy=rising,
    other=rising,
    power=st.lists(st.floats(-1e6, 1e6), max_size=20),
    seed=st.integers(0, 10_000),
    batch_rows=st.integers(1, 12),
    group_batches=st.integers(1, 4),
)
def test_true_readings_are_all_kept_once_in_whatever_order_and_however_often_they_come(
    energy: list[float],
    other: list[float],
    power: list[float],
    seed: int,
    batch_rows: int,
    group_batches: int,
) -> None:
    truth: list[Sample] = [
        (name, 60 - minute, value)
        for name, values in ((ENERGY, energy), (OTHER, other), (POWER, power))
        for minute, value in enumerate(values)
    ]
    shuffled = truth + random.Random(seed).sample(truth, len(truth) // 2)
    random.Random(seed).shuffle(shuffled)
    batches = [
        _batch(shuffled[first : first + batch_rows], sequence)
        for sequence, first in enumerate(range(0, len(shuffled), batch_rows), start=1)
    ]
    store = MemoryMetering(POINTS)
    outcomes: list[BatchOutcome] = []
    for first in range(0, len(batches), group_batches):
        outcomes += _run(store, *batches[first : first + group_batches])
    assert not any(outcome.rejected for outcome in outcomes)
    assert sum(outcome.stored for outcome in outcomes) == len(truth)
    assert sum(outcome.duplicates for outcome in outcomes) == len(shuffled) - len(truth)
    assert store.values(ENERGY) == energy
    assert store.values(POWER) == power
    assert len(store.announced) == len(set(store.announced)) == len(truth)


@settings(max_examples=60, deadline=None)
@given(
    samples=st.lists(
        st.tuples(st.sampled_from(POINTS), st.integers(0, 8), st.integers(-1, 9).map(float)),
        max_size=40,
    ),
    batch_rows=st.integers(1, 9),
)
def test_whatever_comes_every_row_has_one_fate_and_coming_again_changes_nothing(
    samples: list[Sample], batch_rows: int
) -> None:
    batches = [
        _batch(samples[first : first + batch_rows], sequence)
        for sequence, first in enumerate(range(0, len(samples), batch_rows), start=1)
    ]
    store = MemoryMetering(POINTS)
    for batch in batches:
        (outcome,) = _run(store, batch)
        kept = dict(store.kept)
        (again,) = _run(store, batch)
        for one in (outcome, again):
            fates = one.stored + one.duplicates + one.revised + len(one.rejected)
            assert fates == batch.rows
        assert (again.stored, again.revised) == (0, 0)
        assert store.kept == kept
    possible = {sample for sample in samples if sample[2] >= 0 or sample[0] == POWER}
    told = {(key, time, value) for (key, time), (value, _, _) in store.kept.items()}
    told |= {(key, time, value) for key, time, value, _ in store.past}
    assert len(told) == len(possible)


def test_a_register_that_falls_is_kept_as_it_came() -> None:
    store = MemoryMetering(POINTS)
    (outcome,) = _run(store, _batch([(ENERGY, 30, 1e9), (ENERGY, 20, 101.0), (ENERGY, 10, 102.0)]))
    assert (outcome.stored, outcome.rejected) == (3, ())
    assert store.values(ENERGY) == [1e9, 101.0, 102.0]


def test_what_came_is_told_to_whoever_judges_by_point_and_device() -> None:
    store = MemoryMetering(POINTS)
    _run(store, _batch([(ENERGY, 30, 1.0), (POWER, 30, 2.0), (ENERGY, 10, 3.0), (OTHER, 5, 1.0)]))
    (touched,) = store.touched
    assert touched.spans() == {
        1: (NOON_US - 30 * 60_000_000, NOON_US - 10 * 60_000_000),
        2: (NOON_US - 30 * 60_000_000, NOON_US - 30 * 60_000_000),
        3: (NOON_US - 5 * 60_000_000, NOON_US - 5 * 60_000_000),
    }
    assert touched.stored.tolist() == [2, 1, 1]
    assert touched.telegrams.tolist() == [2, 0, 1]


@pytest.mark.parametrize(("point", "value"), [(ENERGY, 1e300), (POWER, 1e308), (POWER, -1e13)])
def test_what_no_plant_on_earth_can_is_refused(point: str, value: float) -> None:
    store = MemoryMetering(POINTS)
    (outcome,) = _run(store, _batch([(point, 0, value)]))
    assert [one.reason for one in outcome.rejected] == [RejectionReason.INVALID_VALUE]


def test_the_first_fault_of_a_reading_is_its_reason() -> None:
    store = MemoryMetering(POINTS)
    samples = [(ENERGY, -60, -1.0), (ENERGY, -60, 1.0), (ENERGY, 10, 5.0)]
    (outcome,) = _run(store, _batch(samples))
    assert [one.reason for one in outcome.rejected] == [
        RejectionReason.INVALID_VALUE,
        RejectionReason.INVALID_TIME,
    ]
    assert outcome.rejected[0].point == ENERGY
    assert outcome.rejected[0].value == -1


def test_the_future_begins_after_the_tolerance() -> None:
    (outcome,) = _run(MemoryMetering(POINTS), _batch([(POWER, -5, 1.0), (POWER, -6, 1.0)]))
    assert [one.row for one in outcome.rejected] == [1]


def test_sources_that_share_a_commit_are_counted_apart() -> None:
    store = MemoryMetering(POINTS)
    group = [
        SentBatch(source="b", batch=_batch([(POWER, 1, 1.0), (POWER, 2, 1.0)], 4)),
        SentBatch(source="a", batch=_batch([(POWER, 1, 2.0), (POWER, 3, 1.0)], 9)),
    ]
    outcomes = asyncio.run(_commit(store).run(group))
    assert [(one.stored, one.revised) for one in outcomes] == [(2, 0), (1, 1)]
    assert store.groups == [["a", "b"]]
    counted = {one.source: (one.stored, one.revised, one.last_sequence) for one in store.counts}
    assert counted == {"a": (1, 1, 9), "b": (2, 0, 4)}
    assert store.reports[0].batches == 2


async def _stream(*batches: ReadingBatch) -> AsyncIterator[ReadingBatch]:
    for batch in batches:
        yield batch


async def _collect(ingest: Ingest, *batches: ReadingBatch, source: str = "g") -> list[IngestAnswer]:
    return [answer async for answer in ingest.run(source, _stream(*batches))]


async def test_batches_that_wait_together_are_committed_together() -> None:
    store = MemoryMetering(POINTS)
    async with CommitQueue(_commit(store), group_rows=1000) as queue:
        ingest = Ingest(queue, batches_in_flight=4)
        batches = [_batch([(POWER, n, 1.0)], n) for n in range(1, 41)]
        answers = await _collect(ingest, *batches)
    assert [answer.acked_sequence for answer in answers] == list(range(1, 41))
    assert len(store.reports) < 40


async def test_a_group_has_about_as_many_rows_as_allowed() -> None:
    store = MemoryMetering(POINTS)
    batches = [_batch([(POWER, 10 * n + k, 1.0) for k in range(10)], n) for n in range(1, 11)]
    async with CommitQueue(_commit(store), group_rows=15) as queue:
        await _collect(Ingest(queue, batches_in_flight=100), *batches)
    assert {report.batches for report in store.reports} <= {1, 2}


async def test_an_ack_never_falls_when_an_old_batch_comes_again() -> None:
    store = MemoryMetering(POINTS)
    batches = [_batch([(POWER, n, 1.0)], n) for n in (1, 2, 3, 2, 4)]
    async with CommitQueue(_commit(store), group_rows=1) as queue:
        answers = await _collect(Ingest(queue, batches_in_flight=2), *batches)
    assert [answer.acked_sequence for answer in answers] == [1, 2, 3, 3, 4]


async def test_while_the_store_is_away_nothing_is_acked_and_later_all_is_well() -> None:
    store = MemoryMetering(POINTS)
    batches = [_batch([(POWER, n, 1.0)], n) for n in range(1, 6)]
    async with CommitQueue(_commit(store), group_rows=1) as queue:
        ingest = Ingest(queue, batches_in_flight=10)
        store.away = True
        with pytest.raises(Unavailable):
            await _collect(ingest, *batches)
        assert store.failures >= 1
        assert not store.kept
        store.away = False
        assert len(await _collect(ingest, *batches)) == 5


async def test_only_the_batch_that_is_to_blame_fails() -> None:
    store = MemoryMetering(POINTS)
    store.poison = 666.0
    async with CommitQueue(_commit(store), group_rows=1000) as queue:
        ingest = Ingest(queue, batches_in_flight=4)
        good, bad = await asyncio.gather(
            _collect(ingest, _batch([(POWER, 1, 1.0)]), source="good"),
            _collect(ingest, _batch([(POWER, 2, 666.0)]), source="bad"),
            return_exceptions=True,
        )
    assert isinstance(bad, ValueError)
    assert isinstance(good, list)
    assert good[0].stored == 1


async def test_an_error_of_the_sender_comes_after_the_answers_before_it() -> None:
    store = MemoryMetering(POINTS)

    async def broken() -> AsyncIterator[ReadingBatch]:
        yield _batch([(POWER, 1, 1.0)])
        raise InvalidArgument("BROKEN", "broken")

    answers = []
    async with CommitQueue(_commit(store), group_rows=10) as queue:
        with pytest.raises(InvalidArgument):  # noqa: PT012 (an iteration, of which the end counts)
            async for answer in Ingest(queue, batches_in_flight=2).run("g", broken()):
                answers.append(answer)  # noqa: PERF401
    assert [answer.stored for answer in answers] == [1]
