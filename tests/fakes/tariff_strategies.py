"""Hypothesis strategies of random tariffs and metered energies, for laws that hold for all."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    ALWAYS,
    WEEKDAYS,
    WEEKENDS,
    BillingCycle,
    ChargeInterval,
    ClockRange,
    CoincidentPeakCharge,
    Day,
    DemandCharge,
    EnergyRates,
    FixedCharge,
    Ratchet,
    RealTimePrice,
    Season,
    Tariff,
    Tier,
    TieredRate,
    TouPeriod,
    Window,
)
from wattmesh_kernel.time import TimeRange

ZONES = tuple(map(ZoneInfo, ("America/Los_Angeles", "Europe/London", "UTC", "Asia/Kolkata")))
# Around changes of daylight-saving time, ends of months, of years and of February.
STARTS = tuple(
    datetime(*ymd, tzinfo=UTC)
    for ymd in (
        (2024, 3, 9), (2024, 11, 2), (2024, 3, 30), (2024, 10, 26), (2024, 7, 3),
        (2024, 12, 30), (2024, 2, 28), (2023, 4, 29),
    )
)  # fmt: skip

zones = st.sampled_from(ZONES)
starts = st.builds(
    lambda day, quarters: day + quarters * timedelta(minutes=30),
    st.sampled_from(STARTS),
    st.integers(0, 47),
)
resolutions = st.sampled_from([timedelta(minutes=m) for m in (15, 30)])
prices = st.integers(-20, 60).map(lambda cents: cents / 100)
energies = st.integers(0, 40).map(lambda tenths: tenths / 10)

seasons = st.sampled_from(
    [
        Season(start_month=6, end_month=9),
        Season(start_month=11, end_month=4),
        Season(start_month=3, start_day=10, end_month=11, end_day=2),
    ]
)
clock_ranges = st.builds(
    lambda start, length: ClockRange(
        start_minute=start * 30, end_minute=(start * 30 + length * 30) % 1440
    ),
    st.integers(0, 47),
    st.integers(1, 47),
)
windows = st.builds(
    Window,
    seasons=st.lists(seasons, max_size=1).map(tuple),
    days=st.sampled_from([frozenset[Day](), WEEKDAYS, WEEKENDS]),
    clock_ranges=st.lists(clock_ranges, max_size=2).map(tuple),
) | st.just(ALWAYS)

tiers = st.lists(
    st.tuples(st.integers(0, 40), prices), min_size=1, max_size=3, unique_by=lambda each: each[0]
).map(
    lambda steps: tuple(
        Tier(price_per_kwh=price, from_kwh=float(start), from_kwh_per_day=start / 20)
        for start, price in sorted(steps)
    )
)


@st.composite
def energy_rates(draw: st.DrawFn, label: str) -> EnergyRates:
    """Rates in one direction; every instant of the strategies' times has a price."""
    periods = [
        TouPeriod(name=f"period {number}", price_per_kwh=draw(prices), window=draw(windows))
        for number in range(draw(st.integers(0, 2)))
    ]
    if periods:
        periods.append(TouPeriod(name="otherwise", price_per_kwh=draw(prices)))
    tiered = tuple(
        TieredRate(id=f"{label}-{number}", tiers=draw(tiers), window=draw(windows))
        for number in range(draw(st.integers(0, 2)))
    )
    return EnergyRates(
        base_per_kwh=draw(prices),
        tou_periods=tuple(periods),
        real_time=draw(st.none() | real_time_prices()),
        tiered_rates=tiered,
    )


@st.composite
def real_time_prices(draw: st.DrawFn) -> RealTimePrice:
    """Hourly prices, some negative, over two years without a gap."""
    seed = draw(st.integers(0, 1000))
    values = np.random.default_rng(seed).normal(0.1, 0.2, 20_000).round(3)
    return RealTimePrice(
        published=Series(datetime(2023, 1, 1, tzinfo=UTC), timedelta(hours=1), values),
        multiplier=draw(st.sampled_from([1.0, 1.25])),
        adder_per_kwh=draw(prices),
        maximum_per_kwh=draw(st.none() | st.just(0.3)),
    )


ratchets = st.builds(
    Ratchet,
    share_ratio=st.sampled_from([0.5, 0.8, 1.0]),
    lookback=st.integers(1, 11),
    season=st.none() | seasons,
)


@st.composite
def demand_charges(draw: st.DrawFn) -> tuple[DemandCharge, ...]:
    """Up to three demand charges."""
    return tuple(
        DemandCharge(
            id=f"demand-{number}",
            price_per_kw=draw(st.integers(0, 20)) * 1.0,
            window=draw(windows),
            averaging=timedelta(minutes=draw(st.sampled_from([5, 15, 30, 60]))),
            interval=draw(st.sampled_from(ChargeInterval)),
            minimum_kw=draw(st.sampled_from([0.0, 2.5])),
            ratchet=draw(st.none() | ratchets),
        )
        for number in range(draw(st.integers(0, 3)))
    )


coincident_peaks = st.lists(
    st.builds(
        CoincidentPeakCharge,
        name=st.just("coincident peak"),
        price_per_kw=st.integers(0, 30).map(float),
        events=st.lists(
            st.builds(
                lambda start, minutes: TimeRange.of(start, minutes * timedelta(minutes=10)),
                starts,
                st.integers(1, 12),
            ),
            max_size=2,
        ).map(tuple),
    ),
    max_size=1,
).map(tuple)

fixed_charges = st.lists(
    st.builds(
        FixedCharge,
        name=st.sampled_from(["standing", "meter"]),
        amount=prices,
        interval=st.sampled_from(ChargeInterval),
    ),
    max_size=2,
).map(tuple)

tariffs = st.builds(
    Tariff,
    id=st.just(TariffId("random")),
    currency_code=st.just("EUR"),
    import_rates=energy_rates("import"),
    export_rates=energy_rates("export"),
    fixed_charges=fixed_charges,
    demand_charges=demand_charges(),
    coincident_peak_charges=coincident_peaks,
    billing_cycle=st.builds(
        BillingCycle, start_day=st.integers(1, 31), months=st.sampled_from([1, 2, 12])
    ),
    holidays=st.sampled_from([frozenset[date](), frozenset({date(2024, 7, 4)})]),
)


@st.composite
def meterings(draw: st.DrawFn, max_intervals: int = 200) -> tuple[Series, Series]:
    """Import and export energies [Wh] over the same intervals."""
    start, resolution = draw(starts), draw(resolutions)
    count = draw(st.integers(2, max_intervals))
    seed = draw(st.integers(0, 2**32 - 1))
    net_wh = np.random.default_rng(seed).normal(300, 1500, count).round()
    return series(start, resolution, net_wh.clip(0)), series(start, resolution, -net_wh.clip(max=0))


def series(start: datetime, resolution: timedelta, values: NDArray[np.float64]) -> Series:
    """A series, for short."""
    return Series(start, resolution, values)
