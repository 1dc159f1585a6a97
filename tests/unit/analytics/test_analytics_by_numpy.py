"""Bill, emissions and peak of homes, beside the same by numpy alone: to the cent and the gram."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from wattmesh_analytics.domain.bills import cost_of, exact_total
from wattmesh_analytics.domain.energy import Energy, peak_kw, total_net_wh
from wattmesh_analytics.domain.site_energy import Counterfactual, SiteEnergy
from wattmesh_carbon.domain.footprint import location_based
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating
from wattmesh_kernel.tariff import (
    ChargeInterval,
    DemandCharge,
    EnergyRates,
    FixedCharge,
    RealTimePrice,
    Tariff,
)

Floats = NDArray[np.float64]

ZONE = ZoneInfo("America/Los_Angeles")
START = datetime(2016, 11, 1, 7, tzinfo=UTC)
"""Midnight of the first of November there; clocks go back on the sixth."""
DAYS = 61
HOUR, HOURS = timedelta(hours=1), 61 * 24 + 1
HOMES = range(17)


def noise(home: int) -> np.random.Generator:
    return np.random.default_rng(home)


def load_kw(home: int) -> Floats:
    """A home with a dear evening, its weekends and its moods."""
    hours = np.arange(HOURS)
    evening = np.exp(-(((hours % 24) - 18 - home % 4) ** 2) / 8)
    weekend = 1.0 + 0.3 * ((hours // 24) % 7 >= 5)
    return np.asarray((0.3 + 1.5 * evening) * weekend * noise(home).uniform(0.7, 1.4, HOURS))


def sun_kw(home: int) -> Floats:
    hours = np.arange(HOURS)
    shape = np.clip(np.sin((hours % 24 - 6) / 12 * np.pi), 0, None)
    return np.asarray(home % 5 * shape * noise(100 + home).uniform(0.2, 1.0, HOURS))


def battery_kw(home: int) -> Floats:
    return np.asarray(noise(200 + home).uniform(-1.0, 1.0, HOURS))


PRICES = np.asarray(0.22 + 0.32 * ((np.arange(HOURS) % 24 >= 16) & (np.arange(HOURS) % 24 < 21)))
INTENSITY = np.asarray(0.16 + 0.05 * np.sin(np.arange(HOURS) / 24 * 2 * np.pi))
TARIFF = Tariff(
    id=TariffId("dynamic"),
    currency_code="USD",
    import_rates=EnergyRates(real_time=RealTimePrice(published=Series(START, HOUR, PRICES))),
    export_rates=EnergyRates(base_per_kwh=0.05),
    fixed_charges=(FixedCharge(name="meter", amount=0.31),),
    demand_charges=(
        DemandCharge(id="peak", price_per_kw=9.0, averaging=HOUR),
        DemandCharge(id="day", price_per_kw=0.4, averaging=HOUR, interval=ChargeInterval.DAY),
    ),
)


def metered(home: int) -> SiteEnergy:
    """A home with what its connection, plant and battery were metered at."""
    site = SiteId(f"home-{home + 1}")
    battery = AssetId(site, "battery")
    rating = BatteryRating(
        capacity_wh=6_400.0, max_charge_power_w=5_000.0, max_discharge_power_w=5_000.0
    )
    net = load_kw(home) - sun_kw(home) + battery_kw(home)
    return SiteEnergy(
        site=site,
        zone=ZONE,
        grid=energy(net),
        generation=(energy(-sun_kw(home)),),
        batteries={battery: energy(battery_kw(home))},
        ratings={battery: rating},
    )


def energy(net_kw: Floats) -> Energy:
    return Energy.of_net(Series(START, HOUR, net_kw * 1000))


def local_days() -> NDArray[np.int64]:
    """The local day of each hour, by hand: UTC-7 until the sixth at 9 h UTC, UTC-8 after."""
    hours = np.arange(HOURS)
    shift = np.where(hours < 5 * 24 + 2, 0, -1)
    return np.asarray((hours + shift) // 24)


def alone(net_kw: Floats) -> tuple[float, float, float]:
    """Cost [USD], emissions [g] and peak [kW], without any of the product's code."""
    days = local_days()
    imported, exported = np.clip(net_kw, 0, None), np.clip(-net_kw, 0, None)
    cost = float(imported @ PRICES) - 0.05 * float(exported.sum()) + 0.31 * DAYS
    cost += sum(9.0 * imported[month].max() for month in (days < 30, days >= 30))
    cost += sum(0.4 * imported[days == day].max() for day in range(DAYS))
    return cost, float(imported @ INTENSITY * 1000), float(imported.max())


@pytest.mark.parametrize("counterfactual", [None, Counterfactual.IDLE_STORAGE])
def test_bill_emissions_and_peak_of_seventeen_homes_are_numpys(
    counterfactual: Counterfactual | None,
) -> None:
    """With dynamic prices, an export price, a fixed charge, peaks of month and day, and a change
    of clocks; as metered, and with the battery idle."""
    assert set(local_days()) == set(range(DAYS))
    per_kwh = Series(START, HOUR, INTENSITY * 1000)
    for home in HOMES:
        site = metered(home)
        exchange = site.exchange(counterfactual)
        net_kw = load_kw(home) - sun_kw(home)
        if counterfactual is None:
            net_kw = net_kw + battery_kw(home)
        cost, grams, peak = alone(net_kw)
        ours = exact_total(cost_of(TARIFF, exchange, ZONE, exchange.range))
        assert abs(ours - Decimal(cost)) < Decimal("0.000001")
        assert location_based(exchange.import_wh, per_kwh).total_gco2e == pytest.approx(
            grams, abs=1e-6
        )
        assert peak_kw(exchange.net_wh, 1.0) == pytest.approx(peak, abs=1e-9)


def test_the_peak_of_homes_together_is_that_of_their_sum() -> None:
    together = total_net_wh([metered(home).grid for home in HOMES])
    sums = np.sum([load_kw(home) - sun_kw(home) + battery_kw(home) for home in HOMES], axis=0)
    assert peak_kw(together, 1.0) == pytest.approx(float(sums.max()), abs=1e-9)
