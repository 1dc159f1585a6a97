from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    BillingCycle,
    BillingState,
    ClockRange,
    CoincidentPeakCharge,
    DemandCharge,
    DemandPeak,
    EnergyDirection,
    EnergyRates,
    FixedCharge,
    PowerLimit,
    Ratchet,
    RealTimePrice,
    Season,
    Tariff,
    Tier,
    TieredRate,
    TouPeriod,
)
from wattmesh_kernel.time import TimeRange

NOW = datetime(2024, 1, 1, tzinfo=UTC)
TARIFF = Tariff(id=TariffId("t"), currency_code="EUR")
DEMAND = DemandCharge(id="any", price_per_kw=1.0)
TIERED = TieredRate(id="a", tiers=(Tier(price_per_kwh=1.0),))


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(TARIFF, currency_code="euro"),
        lambda: replace(TARIFF, demand_charges=(DEMAND, DEMAND)),
        lambda: replace(
            TARIFF,
            import_rates=EnergyRates(tiered_rates=(TIERED,)),
            export_rates=EnergyRates(tiered_rates=(TIERED,)),
        ),
        lambda: EnergyRates(base_per_kwh=float("nan")),
        lambda: TouPeriod(name="", price_per_kwh=1.0),
        lambda: TouPeriod(name="a", price_per_kwh=float("inf")),
        lambda: RealTimePrice(minimum_per_kwh=1.0, maximum_per_kwh=0.0),
        lambda: RealTimePrice(published=Series(NOW, timedelta(hours=1), np.array([np.inf]))),
        lambda: RealTimePrice(published=Series(NOW, timedelta(hours=1), np.array([-1e300]))),
        lambda: EnergyRates(base_per_kwh=1e12),
        lambda: TieredRate(id="a", tiers=()),
        lambda: replace(TIERED, tiers=(*TIERED.tiers, *TIERED.tiers)),
        lambda: Tier(price_per_kwh=1.0, from_kwh=-1.0),
        lambda: replace(DEMAND, id=""),
        lambda: replace(DEMAND, price_per_kw=-1.0),
        lambda: replace(DEMAND, averaging=timedelta(minutes=7)),
        lambda: replace(DEMAND, averaging=timedelta(hours=2)),
        lambda: Ratchet(share_ratio=1.1, lookback=1),
        lambda: Ratchet(share_ratio=0.5, lookback=0),
        lambda: CoincidentPeakCharge(name="a", price_per_kw=1.0, events=(TimeRange(NOW, NOW),)),
        lambda: FixedCharge(name="a", amount=float("nan")),
        lambda: PowerLimit(direction=EnergyDirection.EXPORT, max_power_w=-1.0),
        lambda: BillingCycle(start_day=32),
        lambda: BillingCycle(months=5),
        lambda: Season(start_month=2, start_day=30, end_month=3),
        lambda: ClockRange(start_minute=1440, end_minute=0),
        lambda: DemandPeak(charge_id="a", period_start=NOW, peak_kw=float("nan")),
        lambda: BillingState(as_of=datetime(2024, 1, 1)),  # noqa: DTZ001
    ],
)
def test_a_tariff_that_makes_no_sense_cannot_be_built(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument):
        make()


def test_a_season_to_the_31st_means_the_end_of_the_month() -> None:
    assert Season(start_month=12, end_month=2).end_day == 29
    assert Season(start_month=4, end_month=4).end_day == 30


def test_hours_may_be_fractions() -> None:
    assert ClockRange.hours(8.5, 21.5) == ClockRange(start_minute=510, end_minute=1290)
