"""What bills and savings cost by site-years, and a settlement of one corrected day."""

import resource
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Energy
from wattmesh_analytics.domain.savings import site_savings
from wattmesh_analytics.domain.settlement import settle
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    WEEKDAYS,
    ClockRange,
    DemandCharge,
    EnergyRates,
    Tariff,
    TouPeriod,
    Window,
)
from wattmesh_kernel.time import local_days

_START = datetime(2023, 1, 1, 8, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)
_ZONE = ZoneInfo("America/Los_Angeles")
_YEAR = 365 * 96
_EVENING = Window(days=WEEKDAYS, clock_ranges=(ClockRange.hours(16, 21),))
TARIFF = Tariff(
    id=TariffId("tou"),
    currency_code="USD",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(name="on", price_per_kwh=0.54, window=_EVENING),
            TouPeriod(name="off", price_per_kwh=0.22),
        )
    ),
    export_rates=EnergyRates(base_per_kwh=0.05),
    demand_charges=(DemandCharge(id="peak", price_per_kw=10, averaging=_QUARTER),),
)


def measure(sites: list[int]) -> dict[str, Any]:
    """Return CPU seconds by number of site-years, and how they grow."""
    runs = [_savings(count) for count in sites]
    grown = [row["cpu_s"] for row in runs]
    exponent = None
    if len(sites) > 1:
        exponent = round(float(np.polyfit(np.log(sites), np.log(grown), 1)[0]), 3)
    return {"site_years": runs, "exponent": exponent, "settlement": _resettle()}


def _savings(count: int) -> dict[str, Any]:
    began = time.process_time()
    for number in range(count):
        energy = _site(number)
        site_savings(energy, TARIFF, energy.grid.range, Counterfactual.IDLE_STORAGE)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "count": count,
        "cpu_s": round(spent, 3),
        "cpu_ms_each": round(1000 * spent / count, 2),
        "most_rss_mb": round(peak, 1),
    }


def _site(number: int) -> SiteEnergy:
    rng = np.random.default_rng(number)
    battery = rng.uniform(-500, 500, _YEAR)
    rest = rng.uniform(-300, 1_000, _YEAR)
    name = SiteId(f"home-{number}")
    return SiteEnergy(
        site=name,
        zone=_ZONE,
        grid=Energy.of_net(Series(_START, _QUARTER, rest + battery)),
        batteries={AssetId(name, "battery"): Energy.of_net(Series(_START, _QUARTER, battery))},
    )


def _resettle() -> dict[str, Any]:
    """Return CPU of settling a year, and again with one day corrected, the arithmetic alone."""
    energy = _site(0).grid
    days = [day for day in local_days(energy.range, _ZONE) if day.duration >= timedelta(hours=23)]
    began = time.process_time()
    kept, state = {}, None
    for day in days:
        made = settle(SiteId("home-0"), TARIFF, energy.window(day), _ZONE, state, None, _START)
        assert made is not None
        kept[day], state = made, made.settlement.last_state
    first = time.process_time() - began
    corrected = days[len(days) // 2]
    before = kept[days[len(days) // 2 - 1]].settlement.last_state
    part = energy.window(corrected)
    less = replace(part, import_wh=part.import_wh.with_values(part.import_wh.values * 0.9))
    began = time.process_time()
    again = settle(SiteId("home-0"), TARIFF, less, _ZONE, before, kept[corrected], _START)
    once = time.process_time() - began
    assert again is not None
    return {
        "days": len(days),
        "year_cpu_s": round(first, 3),
        "corrected_day_cpu_s": round(once, 5),
        "ratio": round(once / first, 5),
    }
