"""What a vehicle is told is a limit: nobody can make one draw more than it takes."""

import pytest

from wattmesh_control.domain.effects.asked import Ceiling, Level, asked_of
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import BatteryRating, EvChargerRating

CHARGER = EvChargerRating(max_current_a=16.0, min_current_a=6.0)
BATTERY = BatteryRating(
    capacity_wh=10_000.0, max_charge_power_w=5_000.0, max_discharge_power_w=5_000.0
)


@pytest.mark.parametrize(
    ("rating", "value", "asked"),
    [
        (CHARGER, 11_040.0, Ceiling(11_040.0)),
        (CHARGER, 0.0, Level(0.0)),
        (CHARGER, -5_000.0, Level(-5_000.0)),
        (BATTERY, 3_000.0, Level(3_000.0)),
    ],
)
def test_a_charging_power_bounds_a_vehicle_and_no_battery(
    rating: EvChargerRating | BatteryRating, value: float, asked: Ceiling | Level
) -> None:
    assert asked_of(SetpointKind.ACTIVE_POWER_W, value, rating) == asked
