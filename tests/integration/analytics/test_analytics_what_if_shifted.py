"""Past days over again with tanks and work that can wait, through the optimizer itself."""

from typing import Any

import numpy as np
import pytest

from tests.fakes.past_house import HOUR, HOUSE, START, TANK, WASHER, PastHouse, playing
from wattmesh_analytics.domain.scenario import Policy, Runs, Scenario, ScenarioResult, Tanks
from wattmesh_analytics.domain.work import PastRun
from wattmesh_kernel.time import TimeRange

pytestmark = pytest.mark.time_limit(120)
DAYS = 3
PRICE = np.tile(np.where((np.arange(24) >= 16) & (np.arange(24) < 21), 0.5, 0.2), DAYS)
DEMAND = np.full(24 * DAYS, 0.5)


async def nothing_told(ratio: float, stage: str) -> None:
    """Nobody listens."""


async def played(house: PastHouse, *changes: dict[str, Any]) -> list[ScenarioResult]:
    asked = [
        Scenario(site=HOUSE, range=house.span, resolution=HOUR, policy=Policy.FORESIGHT, **each)
        for each in changes
    ]
    async with playing(house) as play:
        return [await play(each, nothing_told) for each in asked]


def bathed(**changes: Any) -> PastHouse:
    """Each evening at 18, 3 kWh of heat are drawn, and made at once by 1 kWh, in a dear hour."""
    at = np.zeros(24 * DAYS)
    at[18::24] = 1.0
    return PastHouse(demand=DEMAND, tank_kwh=at, tank_celsius=np.full(24 * DAYS, 50.0), **changes)


async def test_a_tank_is_heated_before_it_is_dear_with_foresight_and_stays_warm() -> None:
    same, best = await played(bathed(), {"tanks": Tanks.THERMOSTAT}, {"tanks": Tanks.FORESIGHT})
    assert float(same.cost.amount - same.metered.amount) == pytest.approx(0, abs=1e-6)
    assert same.tanks_below == pytest.approx((0.0, 0.0), abs=1e-6)
    assert float(best.metered.amount - best.cost.amount) == pytest.approx(DAYS * 0.3, abs=0.01)
    assert best.tanks_below == pytest.approx((0.0, 0.0), abs=0.01)
    assert best.covered_ratio == 1.0
    assert best.saved is not None
    assert float(best.saved.amount) == pytest.approx(DAYS * 0.3, abs=0.02)


async def test_a_tank_without_a_sensor_stays_as_metered_and_is_named() -> None:
    (found,) = await played(bathed(tank_sensor=False), {"tanks": Tanks.FORESIGHT})
    assert found.cost == found.metered
    assert found.tanks_below is None
    assert [(each.subject, each.message) for each in found.left_out] == [
        (TANK, "no temperature was metered in it")
    ]


def washed(profile_kwh: list[float], begin: int, window: tuple[int, int], **more: Any) -> PastHouse:
    """One run, which began at an hour of the first day and might have run within a window."""
    at = np.zeros(24 * DAYS)
    at[begin : begin + len(profile_kwh)] = profile_kwh
    run = PastRun(
        ran=TimeRange.of(START + begin * HOUR, len(profile_kwh) * HOUR),
        earliest=START + window[0] * HOUR,
        latest_end=START + window[1] * HOUR,
    )
    return PastHouse(demand=DEMAND, washer_kwh=at, runs_of={WASHER: [run]}, **more)


def cost_of(kwh: list[float], begin: int) -> float:
    return float((np.array(kwh) * PRICE[begin : begin + len(kwh)]).sum())


async def test_a_run_is_done_at_once_or_when_it_is_cheap_and_its_profile_stays_whole() -> None:
    kwh = [1.0, 2.0, 0.5]
    at_once, best = await played(
        washed(kwh, 17, (15, 24)), {"runs": Runs.AT_ONCE}, {"runs": Runs.FORESIGHT}
    )
    base = float((DEMAND * PRICE).sum())
    assert float(best.metered.amount) == pytest.approx(base + cost_of(kwh, 17), abs=0.01)
    assert float(at_once.cost.amount) == pytest.approx(base + cost_of(kwh, 15), abs=0.01)
    assert float(best.cost.amount) == pytest.approx(base + cost_of(kwh, 21), abs=0.01)
    assert at_once.unfinished_kwh == pytest.approx(0, abs=1e-6)
    assert best.unfinished_kwh == pytest.approx(0, abs=1e-6)


async def test_a_run_that_goes_on_over_midnight_is_carried_into_the_next_day() -> None:
    """From 18 to 22 it ran; the five hours that are cheap begin at 21, and end after midnight."""
    kwh = [1.0, 1.0, 1.0, 1.0, 1.0]
    (best,) = await played(washed(kwh, 18, (16, 26)), {"runs": Runs.FORESIGHT})
    base = float((DEMAND * PRICE).sum())
    assert float(best.cost.amount) == pytest.approx(base + 5 * 0.2, abs=0.01)
    assert best.unfinished_kwh == pytest.approx(0, abs=1e-6)
    assert best.import_kwh == pytest.approx(0.5 * 24 * DAYS + 5, abs=0.01)


async def test_a_run_that_may_pause_takes_the_cheap_hours_on_both_sides_of_the_dear() -> None:
    house = washed([2.0, 2.0, 2.0, 2.0], 16, (14, 23), interruptible=True)
    (best,) = await played(house, {"runs": Runs.FORESIGHT})
    base = float((DEMAND * PRICE).sum())
    assert float(best.cost.amount) == pytest.approx(base + 8 * 0.2, abs=0.01)


async def test_where_nobody_knows_of_runs_machines_stay_as_metered() -> None:
    house = washed([1.0], 17, (15, 24))
    house.runs_of = {}
    (found,) = await played(house, {"runs": Runs.FORESIGHT})
    assert found.cost == found.metered
    assert found.unfinished_kwh is None
