from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    BillGap,
    BillingState,
    ChargeCause,
    ClockRange,
    EnergyDirection,
    EnergyRates,
    FixedCharge,
    GapReason,
    PowerLimit,
    RealTimePrice,
    Tariff,
    Tier,
    TieredRate,
    TierUsage,
    TouPeriod,
    Window,
    bill,
    evaluate,
    lower_tariff,
)
from wattmesh_kernel.time import TimeRange

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
START = datetime(2024, 7, 2, 22, tzinfo=UTC)  # midnight in Berlin
JULY = datetime(2024, 6, 30, 22, tzinfo=UTC)
NAN = float("nan")


def wh(*values: float) -> Series:
    return Series(START, HOUR, np.array(values))


def tariff_of(
    import_rates: EnergyRates, export_rates: EnergyRates | None = None, **more: object
) -> Tariff:
    return Tariff(
        id=TariffId("t"),
        currency_code="EUR",
        import_rates=import_rates,
        export_rates=export_rates or EnergyRates(),
        **more,  # type: ignore[arg-type]
    )


def flat(price: float) -> EnergyRates:
    return EnergyRates(base_per_kwh=price)


def real_time(*prices: float, **more: float) -> EnergyRates:
    return EnergyRates(real_time=RealTimePrice(published=wh(*prices), **more))


def test_import_export_and_day_charge_stand_in_lines_of_their_own() -> None:
    tariff = tariff_of(
        flat(0.25), flat(0.08), fixed_charges=(FixedCharge(name="standing", amount=0.48),)
    )
    answer = bill(tariff, wh(10_000, 0), wh(0, 5_000), BERLIN)
    assert [(line.cause, line.quantity, line.amount) for line in answer.lines] == [
        (ChargeCause.IMPORT_ENERGY, 10.0, Decimal("2.5")),
        (ChargeCause.EXPORT_ENERGY, 5.0, Decimal("-0.4")),
        (ChargeCause.FIXED, pytest.approx(2 / 24), Decimal("0.04")),
    ]
    assert str(answer.total) == "2.14 EUR"
    assert answer.amount(ChargeCause.EXPORT_ENERGY) == Decimal("-0.4")


def test_rounding_happens_once_in_the_total() -> None:
    thirds = EnergyRates(
        tou_periods=(
            TouPeriod(
                name="a", price_per_kwh=0.004, window=Window(clock_ranges=(ClockRange.hours(0, 1),))
            ),
            TouPeriod(name="b", price_per_kwh=0.004),
        )
    )
    answer = bill(tariff_of(thirds), wh(1000, 1000), wh(0, 0), BERLIN)
    assert [line.amount for line in answer.lines] == [Decimal("0.004")] * 2
    assert answer.total.amount == Decimal("0.01")


def test_an_unpublished_price_is_a_gap_and_never_free() -> None:
    tariff = tariff_of(real_time(0.10, NAN))
    answer = bill(tariff, wh(1000, 1000, 1000), wh(0, 0, 0), BERLIN)
    assert answer.gaps == (
        BillGap(range=TimeRange.of(START + HOUR, 2 * HOUR), reason=GapReason.PRICE),
    )
    assert answer.subtotal.amount == Decimal("0.10")
    with pytest.raises(FailedPrecondition, match="missing price"):
        _ = answer.total
    lowered = lower_tariff(tariff, TimeRange.of(START, 2 * HOUR), HOUR, BERLIN)
    assert np.isnan(evaluate(lowered, np.ones(2), np.zeros(2)).total)


def test_a_missing_price_does_not_matter_where_nothing_flows() -> None:
    assert bill(tariff_of(real_time(0.10, NAN)), wh(1000, 0), wh(0, 0), BERLIN).total.amount == (
        Decimal("0.10")
    )


def test_a_missing_reading_is_a_gap() -> None:
    answer = bill(tariff_of(flat(1.0)), wh(1000, NAN, 1000), wh(0, 0, NAN), BERLIN)
    assert answer.gaps == (
        BillGap(range=TimeRange.of(START + HOUR, 2 * HOUR), reason=GapReason.READING),
    )
    assert answer.subtotal.amount == Decimal("1.00")


def test_a_time_no_period_holds_has_no_price() -> None:
    window = Window(clock_ranges=(ClockRange.hours(0, 1),))
    rates = EnergyRates(tou_periods=(TouPeriod(name="night", price_per_kwh=0.1, window=window),))
    lowered = lower_tariff(tariff_of(rates), TimeRange.of(START, 2 * HOUR), HOUR, BERLIN)
    np.testing.assert_array_equal(lowered.import_price_per_kwh, [0.1, NAN])


def test_real_time_prices_take_factor_adder_and_bounds() -> None:
    rates = real_time(0.05, -0.30, 0.90, multiplier=1.2, adder_per_kwh=0.10, maximum_per_kwh=1.0)
    lowered = lower_tariff(tariff_of(rates), TimeRange.of(START, 3 * HOUR), HOUR, BERLIN)
    assert lowered.import_price_per_kwh.tolist() == pytest.approx([0.16, -0.26, 1.0])


def test_prices_of_another_resolution_are_held_or_averaged() -> None:
    rates = real_time(0.10, 0.30)
    for resolution, expected in (
        (timedelta(minutes=30), [0.10, 0.10, 0.30, 0.30]),
        (2 * HOUR, [0.20]),
    ):
        span = TimeRange.of(START, 2 * HOUR)
        lowered = lower_tariff(tariff_of(rates), span, resolution, BERLIN)
        assert lowered.import_price_per_kwh.tolist() == pytest.approx(expected)


def test_negative_prices_pay_for_import_and_charge_for_export() -> None:
    tariff = tariff_of(real_time(-0.10), real_time(-0.10))
    assert bill(tariff, wh(4000), wh(0), BERLIN).total.amount == Decimal("-0.40")
    assert bill(tariff, wh(0), wh(4000), BERLIN).total.amount == Decimal("0.40")


def baseline() -> TieredRate:
    """4 kWh a day of July (124 kWh) at -0.05, above that nothing, above 200 kWh 0.10."""
    return TieredRate(
        id="baseline",
        tiers=(
            Tier(price_per_kwh=-0.05),
            Tier(price_per_kwh=0.0, from_kwh_per_day=4.0),
            Tier(price_per_kwh=0.10, from_kwh_per_day=4.0, from_kwh=76.0),
        ),
    )


@pytest.mark.parametrize(
    ("used", "imported", "expected"),
    [(0, 100, "-5.00"), (0, 250, "-1.20"), (120, 10, "-0.20"), (190, 20, "1.00"), (300, 7, "0.70")],
)
def test_tiers_price_the_energy_beyond_what_the_period_has_used(
    used: float, imported: float, expected: str
) -> None:
    tariff = tariff_of(EnergyRates(tiered_rates=(baseline(),)))
    usage = TierUsage(rate_id="baseline", period_start=JULY, energy_kwh=used)
    state = BillingState(as_of=START, tier_usages=(usage,))
    answer = bill(tariff, wh(imported * 1000), wh(0), BERLIN, state)
    assert answer.amount(ChargeCause.TIER) == Decimal(expected)
    assert answer.state.tier_usages[0].energy_kwh == used + imported


def test_a_cap_on_paid_export_is_a_tier_that_takes_the_price_back() -> None:
    cap = TieredRate(id="cap", tiers=(Tier(price_per_kwh=-0.08, from_kwh=100.0),))
    export = EnergyRates(base_per_kwh=0.08, tiered_rates=(cap,))
    answer = bill(tariff_of(flat(0.3), export), wh(0), wh(150_000), BERLIN)
    assert answer.total.amount == Decimal("-8.00")
    lowered = lower_tariff(tariff_of(flat(0.3), export), answer.range, HOUR, BERLIN)
    assert lowered.tiers[0].convex
    widths, prices = lowered.tiers[0].segments()
    assert (widths.tolist(), prices.tolist()) == ([100.0, np.inf], [0.0, -0.08])


def test_falling_import_tiers_are_not_convex() -> None:
    bulk = TieredRate(
        id="bulk", tiers=(Tier(price_per_kwh=0.3), Tier(price_per_kwh=0.2, from_kwh=10.0))
    )
    tariff = tariff_of(EnergyRates(tiered_rates=(bulk,)))
    assert not lower_tariff(tariff, TimeRange.of(START, HOUR), HOUR, BERLIN).tiers[0].convex


def test_limits_are_the_strictest_that_hold_anywhere_in_the_interval() -> None:
    evening = Window(clock_ranges=(ClockRange.hours(1.5, 3),))
    limits = (
        PowerLimit(direction=EnergyDirection.EXPORT, max_power_w=5000.0),
        PowerLimit(direction=EnergyDirection.EXPORT, max_power_w=2000.0, window=evening),
    )
    tariff = tariff_of(flat(0.3), power_limits=limits)
    lowered = lower_tariff(tariff, TimeRange.of(START, 4 * HOUR), HOUR, BERLIN)
    assert lowered.export_limit_w.tolist() == [5000, 2000, 2000, 5000]
    assert np.isinf(lowered.import_limit_w).all()


def test_assumed_prices_fill_only_what_is_missing() -> None:
    tariff = tariff_of(
        EnergyRates(base_per_kwh=0.05, real_time=RealTimePrice(published=wh(0.10, NAN))),
        flat(0.08),
    )
    span = TimeRange.of(START, 2 * HOUR)
    lowered = lower_tariff(tariff, span, HOUR, BERLIN)
    lowered = lowered.with_assumed_prices(np.array([9.0, 0.40]), np.array([9.0, 9.0]))
    assert lowered.import_price_per_kwh.tolist() == pytest.approx([0.15, 0.40])
    assert lowered.export_price_per_kwh.tolist() == [0.08, 0.08]
    assert evaluate(lowered, np.ones(2), np.zeros(2)).total == pytest.approx(0.55)


def test_what_makes_no_sense_is_refused() -> None:
    tariff = tariff_of(flat(0.3))
    with pytest.raises(InvalidArgument, match="differ in their intervals"):
        bill(tariff, wh(1, 2), wh(1), BERLIN)
    with pytest.raises(InvalidArgument, match="never negative"):
        bill(tariff, wh(-1000), wh(0), BERLIN)
    with pytest.raises(InvalidArgument, match="billing state"):
        bill(tariff, wh(1), wh(1), BERLIN, BillingState(as_of=START + HOUR))
    with pytest.raises(InvalidArgument, match="whole number of intervals"):
        lower_tariff(tariff, TimeRange.of(START, HOUR / 2), HOUR, BERLIN)
    with pytest.raises(InvalidArgument, match="whole number of intervals"):
        lower_tariff(tariff, TimeRange(START, START), HOUR, BERLIN)
