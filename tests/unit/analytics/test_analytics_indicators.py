"""Indicators of a site: by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.indicators import (
    Division,
    asset_indicators,
    divide,
    indicators,
)
from wattmesh_analytics.domain.site_energy import SiteEnergy, together
from wattmesh_kernel.ids import AssetId, GroupId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, BatteryRating, PvRating
from wattmesh_kernel.time import TimeRange

START = datetime(2024, 3, 30, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
BATTERY = AssetId(SiteId("home-1"), "battery")
RATING = BatteryRating(capacity_wh=4000, max_charge_power_w=4000, max_discharge_power_w=4000)
NAN = float("nan")


def energy(net_kwh: list[float]) -> Energy:
    return Energy.of_net(Series(START, HOUR, np.array(net_kwh) * 1000))


def home(grid: list[float], sun: list[float], battery: list[float]) -> SiteEnergy:
    return SiteEnergy(
        site=SiteId("home-1"),
        zone=ZoneInfo("Europe/Berlin"),
        grid=energy(grid),
        generation=(energy(sun),),
        batteries={BATTERY: energy(battery)},
        ratings={BATTERY: RATING},
    )


def test_own_use_is_told_from_exchange_and_storage() -> None:
    """Of 6 kWh of sun 1 was exported; of 8 kWh used 3 were imported."""
    found = indicators(home(grid=[3, -1, 0], sun=[0, -6, 0], battery=[0, 2, -2]))
    assert (found.generation_kwh, found.consumption_kwh) == (6.0, 8.0)
    assert found.self_sufficiency_ratio == pytest.approx(1 - 3 / 8)
    assert found.self_consumption_ratio == pytest.approx(1 - 1 / 6)
    assert found.full_cycles == pytest.approx(0.5)
    assert (found.import_peak_kw, found.export_peak_kw) == (3.0, 1.0)
    assert found.load_factor_ratio == pytest.approx(1 / 3)


def test_a_meter_that_was_silent_lowers_the_coverage_and_no_ratio() -> None:
    whole = indicators(home(grid=[2, 2], sun=[-2, -2], battery=[0, 0]))
    half = indicators(home(grid=[2, NAN], sun=[-2, -2], battery=[0, 0]))
    assert half.covered_ratio == 0.5
    assert half.self_sufficiency_ratio == whole.self_sufficiency_ratio == pytest.approx(0.5)


def test_a_plant_that_was_not_metered_is_not_known_and_not_nothing() -> None:
    found = indicators(home(grid=[2, 2], sun=[NAN, NAN], battery=[0, 0]))
    assert found.generation_kwh is None
    assert found.consumption_kwh is None
    assert found.self_sufficiency_ratio is None


def test_days_and_months_are_those_of_the_site() -> None:
    """The day on which clocks go forward has 23 hours."""
    span, berlin = TimeRange.of(START, timedelta(days=3)), ZoneInfo("Europe/Berlin")
    days = divide(span, Division.DAY, berlin)
    assert [day.duration // HOUR for day in days] == [23, 24, 24, 1]
    weeks = divide(span, Division.WEEK, berlin)
    assert [week.duration // HOUR for week in weeks] == [23, 49], "the next one begins on Monday"
    (year,) = divide(span, Division.YEAR, berlin)
    assert year == span
    march, april = divide(span, Division.MONTH, berlin)
    assert march.end == april.start == datetime(2024, 3, 31, 22, tzinfo=UTC)


def test_each_asset_is_told_by_itself_and_what_was_not_metered_is_not_made_up() -> None:
    site = home(grid=[3, -1, 0], sun=[0, -6, 0], battery=[0, 2, -2])
    battery = asset_indicators(Asset(id=BATTERY, rating=RATING), site.batteries[BATTERY])
    assert (battery.import_kwh, battery.export_kwh, battery.peak_kw) == (2.0, 2.0, 2.0)
    assert battery.full_cycles == pytest.approx(0.5)
    assert battery.full_load_hours is None
    plant = Asset(id=AssetId(SiteId("home-1"), "pv"), rating=PvRating(peak_power_w=3000.0))
    assert asset_indicators(plant, site.generation[0]).full_load_hours == pytest.approx(2.0)
    silent = asset_indicators(plant, energy([NAN, NAN, NAN]))
    assert (silent.covered_ratio, silent.full_load_hours) == (0.0, None)


def test_a_group_counts_imports_of_its_sites_and_the_peak_of_their_sum() -> None:
    one = home(grid=[3, -1, 0], sun=[0, -6, 0], battery=[0, 0, 0])
    other = home(grid=[1, 4, 0], sun=[0, 0, 0], battery=[0, 0, 0])
    found = indicators(together(GroupId("street"), [one, other]))
    assert found.subject == GroupId("street")
    assert (found.import_kwh, found.export_kwh) == (8.0, 1.0)
    assert found.import_peak_kw == 4.0
