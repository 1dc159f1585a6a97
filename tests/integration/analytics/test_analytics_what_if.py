"""Past days over again with other charging and other heating, through the optimizer itself."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.fakes.past_house import (
    BOX,
    DAY,
    HOUR,
    HOUSE,
    ROOM,
    SECOND_BOX,
    START,
    PastHouse,
    playing,
)
from wattmesh_analytics.domain.charge_at_once import Stay
from wattmesh_analytics.domain.scenario import (
    Charging,
    Climate,
    EdgeShift,
    Policy,
    Scenario,
    ScenarioResult,
)
from wattmesh_kernel.errors import InvalidArgument

pytestmark = pytest.mark.time_limit(120)
DAYS = 3
PRICE = np.tile(np.where((np.arange(24) >= 16) & (np.arange(24) < 21), 0.5, 0.2), DAYS)


async def nothing_told(ratio: float, stage: str) -> None:
    """Nobody listens."""


def asked(house: PastHouse, **changes: Any) -> Scenario:
    return Scenario(
        site=HOUSE, range=house.span, resolution=HOUR, policy=Policy.FORESIGHT, **changes
    )


async def played(house: PastHouse, *scenarios: Scenario) -> list[ScenarioResult]:
    async with playing(house) as play:
        return [await play(each, nothing_told) for each in scenarios]


def evenings(power_kw: float) -> PastHouse:
    """A car that comes at 17 and leaves at 6, and took 8 kWh from 18 on, in the dear hours."""
    at = np.zeros(24 * DAYS)
    for day in range(DAYS):
        at[day * 24 + 18 : day * 24 + 20] = 4.0
    stays = [
        Stay(
            arrival=START + day * DAY + 17 * HOUR,
            departure=START + (day + 1) * DAY + 6 * HOUR,
            max_power_w=power_kw * 1000,
        )
        for day in range(DAYS)
    ]
    return PastHouse(
        demand=np.full(24 * DAYS, 0.5), boxes={BOX: at}, stays_of={BOX: stays}, discharge_w=4_000
    )


async def test_vehicles_are_charged_again_at_once_by_other_power_and_with_foresight() -> None:
    """By 8 kW at once the 8 kWh cost 4.00 at 17; with foresight 1.60 at night, each evening."""
    house = evenings(4.0)
    at_once, fast, best = await played(
        house,
        asked(house, charging=Charging.AT_ONCE),
        asked(house, charging=Charging.AT_ONCE, charger_power_w=2_000),
        asked(house, charging=Charging.FORESIGHT),
    )
    demand = float(0.5 * PRICE.sum())
    assert float(at_once.metered.amount) == pytest.approx(demand + DAYS * 4.0, abs=0.01)
    assert float(at_once.cost.amount) == pytest.approx(demand + DAYS * 4.0, abs=0.01)
    # Four hours of 2 kW from 17 on are dear to the last.
    assert float(fast.cost.amount) == pytest.approx(demand + DAYS * 8 * 0.5, abs=0.01)
    assert float(best.cost.amount) == pytest.approx(demand + DAYS * 1.6, abs=0.01)
    assert best.lacking_kwh == pytest.approx(0, abs=1e-3)
    assert float(best.saved.amount if best.saved else 0) == pytest.approx(DAYS * 2.4, abs=0.02)
    assert best.covered_ratio == 1.0


async def test_what_a_weak_charge_point_does_not_manage_is_told_and_priced() -> None:
    """From 17 to 6 half a kilowatt gives 6.5 of 8 kWh; on the last day, until midnight, 3.5."""
    house = evenings(4.0)
    (weak,) = await played(house, asked(house, charging=Charging.FORESIGHT, charger_power_w=500))
    assert weak.lacking_kwh == pytest.approx(1.5 + 1.5 + 4.5, abs=0.05)
    assert weak.stored is not None
    assert float(weak.stored.amount) == pytest.approx(-7.5 * float(PRICE[-24:].mean()), abs=0.05)


async def test_a_vehicle_gives_back_what_it_got_in_its_stay_and_leaves_with_all() -> None:
    """It comes at noon, fills up before 16, feeds the house's 3 kWh an hour, and fills up again."""
    house = evenings(4.0)
    stays = [replace(each, arrival=each.arrival - 5 * HOUR) for each in house.stays_of[BOX]]
    house.stays_of = {BOX: stays}
    house.demand = np.full(24 * DAYS, 3.0)
    one_way, both_ways = await played(
        house,
        asked(house, charging=Charging.FORESIGHT),
        asked(house, charging=Charging.FORESIGHT, vehicle_to_grid=True),
    )
    assert both_ways.lacking_kwh == pytest.approx(0, abs=1e-3)
    gain = float(one_way.cost.amount - both_ways.cost.amount)
    given = 8 * 0.95 * 0.95
    assert gain == pytest.approx(DAYS * (given * 0.5 - 8 * 0.2), abs=0.02)


async def test_two_vehicles_stay_within_the_connection() -> None:
    """Both want 11 kW at once from a connection of 12."""
    house = evenings(11.0)
    second = {SECOND_BOX: house.boxes[BOX]}
    house.boxes = {**house.boxes, **second}
    house.stays_of = {**house.stays_of, SECOND_BOX: house.stays_of[BOX]}
    at_once, best = await played(
        house, asked(house, charging=Charging.AT_ONCE), asked(house, charging=Charging.FORESIGHT)
    )
    assert at_once.peak_kw == pytest.approx(12.0, abs=1e-6)
    assert best.peak_kw <= 12.0 + 1e-3
    assert best.cost.amount < at_once.cost.amount


def heated() -> PastHouse:
    """A room at 20 °C in frost: 2 kW are lost, which takes two thirds of a kilowatt."""
    count = 24 * DAYS
    return PastHouse(
        demand=np.full(count, 0.5), heating=np.full(count, 2 / 3), air=np.full(count, 20.0)
    )


async def test_a_room_is_heated_again_by_its_thermostat_and_by_another_setpoint() -> None:
    house = heated()
    same, colder = await played(
        house,
        asked(house, climate=Climate.THERMOSTAT),
        asked(house, climate=Climate.THERMOSTAT, edge_shift=EdgeShift(lower_kelvin=-2.0)),
    )
    assert float(same.cost.amount - same.metered.amount) == pytest.approx(0, abs=0.01)
    assert same.discomfort == pytest.approx((0.0, 0.0), abs=1e-6)
    assert colder.cost.amount < same.cost.amount
    assert colder.discomfort is not None
    # Told by the 20 °C that were wanted: it cools by 2 K within some hours, and stays there.
    assert 70 < colder.discomfort[0] < 2 * 24 * DAYS
    assert colder.discomfort[1] == pytest.approx(0, abs=1e-6)
    assert colder.stored is not None
    assert colder.stored.amount < 0, "it is left colder"


async def test_a_room_that_is_planned_with_foresight_is_warmed_before_it_is_dear() -> None:
    house = heated()
    (best,) = await played(house, asked(house, climate=Climate.FORESIGHT))
    assert best.discomfort is not None
    assert best.discomfort[0] < 1.0
    assert best.saved is not None
    assert best.saved.amount > 0
    assert best.import_kwh > 24 * DAYS * (0.5 + 2 / 3) * 0.97


async def test_a_room_nobody_knows_stays_as_metered_and_is_named() -> None:
    house = heated()
    house.answer = "two weeks of operation are too few"
    (found,) = await played(house, asked(house, climate=Climate.FORESIGHT))
    assert found.cost == found.metered
    assert found.discomfort is None
    assert [(each.subject, each.message) for each in found.left_out] == [
        (ROOM, "two weeks of operation are too few")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"charger_power_w": 11_000.0},
        {"charger_power_w": 0.0, "charging": Charging.AT_ONCE},
        {"vehicle_to_grid": True, "charging": Charging.AT_ONCE},
        {"edge_shift": EdgeShift(lower_kelvin=1.0)},
    ],
)
def test_what_changes_nothing_or_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        asked(heated(), **changes)
