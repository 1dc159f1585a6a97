"""What a plan makes of assets, in money."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_alerting.domain.comfort import expected_kelvin_hours
from wattmesh_alerting.domain.plan_worth import PlannedAsset, PlannedSite
from wattmesh_kernel.sites import ComfortBand, CopPoint, HeatPumpRating, HvacZoneRating

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def planned(exchange_w: list[float], *assets: PlannedAsset) -> PlannedSite:
    """Two hours at 0.10 and 0.40 a kWh; export pays 0.05."""
    return PlannedSite(
        start=T0,
        resolution=HOUR,
        exchange_w=np.array(exchange_w),
        import_price_per_kwh=np.array([0.10, 0.40]),
        export_price_per_kwh=np.array([0.05, 0.05]),
        assets=assets,
    )


def asset(
    name: str, powers_w: list[float], kept_kwh: list[float], *, moved: bool = True
) -> PlannedAsset:
    return PlannedAsset(
        name=name, powers_w=np.array(powers_w), kept_kwh=np.array(kept_kwh), moved=moved
    )


BATTERY = asset("battery", [1000.0, -900.0], [0.9, -0.9])
VEHICLE = asset("vehicle", [10_000.0, 0.0], [10.0, 0.0])


def test_a_lost_battery_costs_what_it_would_have_saved_after_its_losses() -> None:
    site = planned([2000.0, 1100.0], BATTERY)
    assert site.worth({"battery"}, T0, site.end) == pytest.approx(0.9 * 0.40 - 0.10)


def test_a_lost_vehicle_costs_what_its_energy_would_at_no_chosen_time() -> None:
    site = planned([11_000.0, 1000.0], VEHICLE)
    assert site.worth({"vehicle"}, T0, site.end) == pytest.approx(10 * (0.25 - 0.10))


def test_generation_that_is_lost_is_bought_and_what_it_would_have_sold_is_not_earned() -> None:
    pv = asset("pv", [-2000.0, -2000.0], [0.0, 0.0], moved=False)
    site = planned([-1000.0, 1000.0], pv)
    assert site.worth({"pv"}, T0, site.end) == pytest.approx(0.05 + 0.10 + 2 * 0.40)
    assert site.worth(None, T0, site.end) is None, "it comes without a plan, too"


def test_only_what_is_left_of_the_plan_is_at_stake() -> None:
    site = planned([2000.0, 1100.0], BATTERY)
    whole = site.worth(None, T0, site.end)
    second = site.worth(None, T0 + HOUR, site.end)
    half = site.worth(None, T0 + 1.5 * HOUR, site.end)
    assert whole is not None
    assert second is not None
    assert half is not None
    assert second < whole
    assert second == pytest.approx(0.9 * 0.40 - 0.9 * 0.25)
    assert half == pytest.approx(second / 2)
    assert site.worth(None, site.end, site.end + HOUR) == 0.0


def test_where_nothing_has_a_price_nobody_can_tell() -> None:
    site = PlannedSite(
        start=T0,
        resolution=HOUR,
        exchange_w=np.array([2000.0]),
        import_price_per_kwh=np.array([np.nan]),
        export_price_per_kwh=np.array([np.nan]),
        assets=(asset("battery", [1000.0], [0.9]),),
    )
    assert site.worth(None, T0, site.end) is None
    assert planned([0.0, 0.0], BATTERY).worth({"other"}, T0, T0 + HOUR) is None


def test_comfort_at_stake_is_in_kelvin_hours_of_the_side_that_a_machine_can_mend() -> None:
    pump = HeatPumpRating(
        max_power_w=2_000.0, cop_points=(CopPoint(outdoor_temperature_celsius=7.0, cop_ratio=3.0),)
    )
    band = ComfortBand(min_temperature_celsius=20.0, max_temperature_celsius=23.0)
    heated = HvacZoneRating(occupied_band=band, heating=pump)
    temperatures = [19.0, 19.0, 21.0, 30.0]
    found = expected_kelvin_hours(temperatures, [band] * 4, heated, 0.5)
    assert found == pytest.approx(1.0)
