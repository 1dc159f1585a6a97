import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_kernel.clock import Clock, ScaledClock, SystemClock, format_clock_spec, parse_clock
from wattmesh_kernel.errors import InvalidArgument

SPEC = "scaled:2016-09-05T07:00:00Z@2026-01-01T10:00:00.123456Z*1200.0"


def test_a_specification_survives_being_parsed_and_formatted() -> None:
    clock = parse_clock(SPEC)
    assert isinstance(clock, ScaledClock)
    assert clock.sim_start == datetime(2016, 9, 5, 7, tzinfo=UTC)
    assert format_clock_spec(clock) == SPEC
    assert format_clock_spec(SystemClock()) == "system"
    assert isinstance(parse_clock("system"), SystemClock)


@pytest.mark.parametrize(
    "spec", ["", "scaled", "scaled:2016@x*1", "scaled:2016-09-05T07:00:00@2026-01-01T10:00Z*1",
             SPEC.replace("1200.0", "0"), SPEC.replace("1200.0", "nan")],
)  # fmt: skip
def test_a_senseless_specification_is_refused(spec: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_clock(spec)


async def test_the_scaled_clock_runs_at_its_rate_and_sleeps_in_its_own_time() -> None:
    sim_start, wall_start = datetime(2016, 9, 5, tzinfo=UTC), datetime.now(UTC)
    clock: Clock = ScaledClock(sim_start, wall_start, 36_000.0)
    await clock.sleep_until(sim_start + timedelta(minutes=10))
    shown = clock.now() - sim_start
    assert shown >= timedelta(minutes=10)
    assert shown <= (datetime.now(UTC) - wall_start) * clock.rate


async def test_the_scaled_clock_stands_still_until_the_run_begins() -> None:
    sim_start = datetime(2016, 9, 5, tzinfo=UTC)
    clock = ScaledClock(sim_start, datetime.now(UTC) + timedelta(seconds=0.2), 3600.0)
    assert clock.now() == sim_start
    await asyncio.wait_for(clock.sleep_until(sim_start + timedelta(minutes=1)), 2)
    assert clock.now() >= sim_start + timedelta(minutes=1)


async def test_sleep_until_the_past_returns_at_once() -> None:
    for clock in (SystemClock(), ManualClock()):
        await asyncio.wait_for(clock.sleep_until(datetime(2000, 1, 1, tzinfo=UTC)), 1)


async def test_the_manual_clock_wakes_sleepers_at_the_time_they_asked_for() -> None:
    clock = ManualClock()
    start, seen = clock.now(), []

    async def every_hour() -> None:
        while True:
            await clock.sleep(timedelta(hours=1))
            seen.append(clock.now() - start)

    task = asyncio.create_task(every_hour())
    await clock.run_for(timedelta(hours=3, minutes=30))
    task.cancel()
    assert seen == [timedelta(hours=1), timedelta(hours=2), timedelta(hours=3)]
    assert clock.now() - start == timedelta(hours=3, minutes=30)
