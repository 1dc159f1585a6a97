"""The clock that stands until its gate is opened."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_runtime.clocks import clock_from_spec, gated_clock_spec, open_gate

START = datetime(2016, 9, 4, 22, tzinfo=UTC)


async def test_no_time_passes_before_everybody_is_ready(tmp_path: Path) -> None:
    gate = tmp_path / "a folder with * and @" / "clock"
    gate.parent.mkdir()
    clock = clock_from_spec(gated_clock_spec(START, gate, 3600.0))
    sleeping = asyncio.create_task(clock.sleep(timedelta(minutes=6)))
    await asyncio.sleep(0.2)
    assert clock.now() == START
    assert not sleeping.done()
    open_gate(gate, datetime.now(UTC))
    await asyncio.wait_for(sleeping, 5)
    assert clock.now() >= START + timedelta(minutes=6)


async def test_who_starts_later_shows_what_the_others_show(tmp_path: Path) -> None:
    spec = gated_clock_spec(START, tmp_path / "clock", 3600.0)
    first = clock_from_spec(spec)
    open_gate(tmp_path / "clock", datetime.now(UTC) - timedelta(seconds=10))
    await asyncio.sleep(0.05)
    second = clock_from_spec(spec)
    assert abs(first.now() - second.now()) < timedelta(minutes=1)
    assert first.now() >= START + timedelta(hours=10)


async def test_what_is_not_in_the_future_is_not_waited_for(tmp_path: Path) -> None:
    clock = clock_from_spec(gated_clock_spec(START, tmp_path / "clock", 1.0))
    await asyncio.wait_for(clock.sleep_until(START), 1)


def test_a_clock_that_makes_no_sense_is_refused() -> None:
    assert isinstance(clock_from_spec("system"), SystemClock)
    for spec in ("gated:", "gated:2016@x*/tmp/clock", "gated:2016-09-04T22:00:00Z@0*/tmp/c"):
        with pytest.raises(InvalidArgument):
            clock_from_spec(spec)
