"""Outlooks on a public holiday: nobody is expected, and fans do not run by the clock."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np

from tests.fakes.forecast_ports import GivenHolidays
from tests.fakes.manual_clock import ManualClock
from tests.fakes.thermal_site import LOAD, START, STEP, ZONE, ThermalSite
from tests.fakes.thermal_zone import zone_record
from wattmesh_forecast.app.thermal_history import ThermalHistory
from wattmesh_forecast.app.thermal_outlooks import IssueThermalOutlooks
from wattmesh_forecast.domain.outcome import NotForecast
from wattmesh_forecast.domain.thermal.outlook import ZoneOutlook
from wattmesh_forecast.domain.thermal.subjects import ThermalSubject
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.ids import AssetId, DeviceId, PointId
from wattmesh_kernel.time import TimeRange

DAYS = 16
PEOPLE = PointId(DeviceId(ZONE.site, "sensor"), "occupancy_ratio")
OTHERS = AssetId(ZONE.site, "others")
"""Plants that run on workdays from 6 to 18, with fans of 1 kW that run then whatever they do."""
WEDNESDAY = date(2026, 1, 21)
NOON = 12


class Office:
    """A workplace with people from 8 to 16 on workdays."""

    def __init__(self) -> None:
        self._site = ThermalSite(zone_record(DAYS))
        index = np.arange(DAYS * 48)
        hour, works = index % 48 / 2, index // 48 % 7 < 5
        clocked = works & (hour >= 6) & (hour < 18)
        random = np.random.default_rng(1)
        self._site.values[PEOPLE] = (works & (hour >= 8) & (hour < 16)).astype(float)
        self._site.powers[LOAD] = 500.0 + 1000.0 * clocked + random.normal(0, 20, len(index))
        self._site.powers[OTHERS] = np.where(clocked, random.uniform(500, 3000, len(index)), 0.0)
        self.mean, self.last, self.power_w = self._site.mean, self._site.last, self._site.power_w

    def thermal(self, asset: AssetId, at: datetime) -> ThermalSubject | NotForecast:
        found = self._site.thermal(asset, at)
        assert isinstance(found, ThermalSubject)
        return replace(found, occupancy=PEOPLE, plants=(OTHERS,))


async def said_of_wednesday(*holidays: date) -> ZoneOutlook:
    office, now = Office(), START + DAYS * timedelta(days=1)
    history, clock = ThermalHistory(office, office), ManualClock(now)
    issue = IssueThermalOutlooks(office, history, clock, GivenHolidays(holidays))
    span = TimeRange.of(now, timedelta(days=1))
    wanted = Wanted(assets=(ZONE,), span=span, resolution=2 * STEP, ratios=())
    (said,) = await issue(wanted)
    assert isinstance(said, ZoneOutlook)
    return said


async def test_nobody_is_expected_on_a_holiday() -> None:
    usual, off = await said_of_wednesday(), await said_of_wednesday(WEDNESDAY)
    assert usual.occupancy_ratio is not None
    assert off.occupancy_ratio is not None
    assert usual.occupancy_ratio[NOON] > 0.9
    assert off.occupancy_ratio[NOON] < 0.2


async def test_fans_that_run_by_the_clock_on_workdays_have_their_price_on_a_holiday() -> None:
    usual, off = await said_of_wednesday(), await said_of_wednesday(WEDNESDAY)
    assert usual.along_ratio is not None
    assert off.along_ratio is not None
    assert usual.along_ratio[NOON] == 0.0
    assert off.along_ratio[NOON] > 0.2


async def test_whoever_worked_on_the_last_holiday_is_expected_on_the_next() -> None:
    said = await said_of_wednesday(date(2026, 1, 19), WEDNESDAY)
    assert said.occupancy_ratio is not None
    assert said.occupancy_ratio[NOON] > 0.9
