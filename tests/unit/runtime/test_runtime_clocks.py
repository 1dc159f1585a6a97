"""The clock that stands until its gate is opened, and goes at the pace that the gate says."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_runtime.clocks import Pace, clock_from_spec, gated_clock_spec, open_gate

START = datetime(2016, 9, 4, 22, tzinfo=UTC)


def pace(rate: float, begun_s: float = 0.0) -> Pace:
    return Pace(START, datetime.now(UTC) - timedelta(seconds=begun_s), rate)


async def test_no_time_passes_before_everybody_is_ready(tmp_path: Path) -> None:
    gate = tmp_path / "a folder with * and @" / "clock"
    gate.parent.mkdir()
    clock = clock_from_spec(gated_clock_spec(START, gate, 3600.0))
    sleeping = asyncio.create_task(clock.sleep(timedelta(minutes=6)))
    await asyncio.sleep(0.2)
    assert clock.now() == START
    assert not sleeping.done()
    open_gate(gate, pace(3600.0))
    await asyncio.wait_for(sleeping, 5)
    assert clock.now() >= START + timedelta(minutes=6)


async def test_who_starts_later_shows_what_the_others_show(tmp_path: Path) -> None:
    spec = gated_clock_spec(START, tmp_path / "clock", 3600.0)
    first = clock_from_spec(spec)
    open_gate(tmp_path / "clock", pace(3600.0, begun_s=10))
    await asyncio.sleep(0.05)
    second = clock_from_spec(spec)
    assert abs(first.now() - second.now()) < timedelta(minutes=1)
    assert first.now() >= START + timedelta(hours=10)


async def test_a_clock_that_is_told_to_wait_stands_where_it_was_and_wakes_nobody(
    tmp_path: Path,
) -> None:
    gate, running = tmp_path / "clock", pace(3600.0)
    open_gate(gate, running)
    clock = clock_from_spec(gated_clock_spec(START, gate, 3600.0))
    sleeping = asyncio.create_task(clock.sleep_until(START + timedelta(minutes=40)))
    await asyncio.sleep(0.05)
    standing = running.then(datetime.now(UTC) + timedelta(seconds=0.1), 0.0)
    open_gate(gate, standing)
    while clock.now() != standing.sim_start:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.7)  # in which the former pace would have come to the end of the sleep
    late_comer = clock_from_spec(gated_clock_spec(START, gate, 3600.0))
    assert clock.now() == late_comer.now() == standing.sim_start
    assert clock.rate == 3600.0  # whoever divides by it goes on as before
    assert not sleeping.done()
    open_gate(gate, standing.then(datetime.now(UTC) + timedelta(seconds=0.05), 1800.0))
    await asyncio.wait_for(sleeping, 10)
    assert clock.now() >= START + timedelta(minutes=40)
    assert clock.rate == 1800.0


async def test_what_is_not_in_the_future_is_not_waited_for(tmp_path: Path) -> None:
    clock = clock_from_spec(gated_clock_spec(START, tmp_path / "clock", 1.0))
    await asyncio.wait_for(clock.sleep_until(START), 1)


def test_a_clock_that_makes_no_sense_is_refused() -> None:
    assert isinstance(clock_from_spec("system"), SystemClock)
    for spec in ("gated:", "gated:2016@x*/tmp/clock", "gated:2016-09-04T22:00:00Z@0*/tmp/c"):
        with pytest.raises(InvalidArgument):
            clock_from_spec(spec)
