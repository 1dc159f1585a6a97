"""Simulated time goes no faster than plans are made."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from wattmesh_kernel.errors import Unavailable
from wattmesh_local.running.pacing import Paced, Pacing, Planned, next_rate
from wattmesh_runtime.clocks import GatedClock, Pace, open_gate

START = datetime(2017, 7, 4, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


def minutes(*each: float) -> list[timedelta]:
    return [timedelta(minutes=one) for one in each]


@pytest.mark.parametrize(
    ("rate", "took", "then"),
    [
        (600.0, minutes(20, 5), 300.0),  # 2 s of the wall, which are to be ten minutes
        (600.0, minutes(1), 600.0),  # never faster than was asked
        (200.0, minutes(1), 250.0),
        (200.0, [], 250.0),
        (600.0, minutes(1000), 60.0),  # nor does it come to a stand by and by
    ],
)
def test_time_goes_as_fast_as_plans_are_made(
    rate: float, took: list[timedelta], then: float
) -> None:
    assert next_rate(rate, 600.0, took) == pytest.approx(then)


class Planner:
    """Answers as told; how often it was asked is counted."""

    def __init__(self) -> None:
        self.answer: Planned | None = None
        self.asked = 0

    async def planned(self, start: datetime) -> Planned:
        self.asked += 1
        if self.answer is None:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "it is being restarted")
        return self.answer


async def test_an_hour_does_not_begin_before_it_is_planned(tmp_path: Path) -> None:
    gate, planner, told = tmp_path / "clock", Planner(), list[str]()
    begin = START + timedelta(minutes=41, seconds=58)  # the guard is at 7:42, 18 s before the hour
    clock, pace = GatedClock(begin, gate, 60.0), Pace(begin, datetime.now(UTC), 60.0)
    open_gate(gate, pace)
    pacing = Pacing(
        gate=gate,
        clock=clock,
        pace=pace,
        plans=planner,
        first=START + HOUR,
        lead=HOUR,
        tell=told.append,
    )
    running = asyncio.create_task(pacing.run())
    try:
        await eventually(lambda: planner.asked >= 3)
        stands_at = clock.now()
        planner.answer = Planned(complete=False)
        await eventually(lambda: planner.asked >= 6)
        assert START < stands_at == clock.now() < START + HOUR
        assert told == ["time stands until the next hour is planned: the machine is busy"]
        planner.answer = Planned(complete=True, took=(timedelta(minutes=20),))
        await eventually(lambda: clock.now() > stands_at)
    finally:
        running.cancel()
    assert told[-1] == ""
    assert clock.rate == 30.0  # and it goes on no faster than the machine can
    assert pacing.content()["stood_s"] > 0
    assert pacing.content()["intervals_without_plan"] == 0


def test_a_run_says_how_fast_it_went() -> None:
    paced = Paced(ceiling=600.0, stood_s=4.0, began=Pace(START, START, 600.0))
    assert paced.content(START + HOUR, START + timedelta(seconds=10)) == {
        "asked": 600.0,
        "mean": 360.0,
        "stood_s": 4.0,
        "intervals_without_plan": 0,
    }
