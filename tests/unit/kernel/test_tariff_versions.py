"""Tariffs that change: a month with a change is billed by part, to the cent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.fakes.tariff_strategies import meterings, tariffs, zones
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Site, TariffAssignment
from wattmesh_kernel.tariff import (
    Bill,
    BillingCycle,
    ChargeCause,
    ChargeInterval,
    ClockRange,
    DemandCharge,
    EnergyDirection,
    EnergyRates,
    FixedCharge,
    PowerLimit,
    Ratchet,
    RealTimePrice,
    Tariff,
    TariffVersion,
    Tier,
    TieredRate,
    TouPeriod,
    Window,
    bill,
    billing_periods_of,
    lower_tariff,
    parts_of,
    terms_at,
)
from wattmesh_kernel.time import TimeRange

PACIFIC = ZoneInfo("America/Los_Angeles")
QUARTER = timedelta(minutes=15)
FEBRUARY = datetime(2016, 2, 1, tzinfo=PACIFIC).astimezone(UTC)
CHANGE = datetime(2016, 2, 15, tzinfo=PACIFIC).astimezone(UTC)
MARCH = datetime(2016, 3, 1, tzinfo=PACIFIC).astimezone(UTC)
few = settings(max_examples=12, deadline=None)

NETWORK = DemandCharge(id="network", price_per_kw=4.0, averaging=timedelta(minutes=30))
BEFORE = Tariff(
    id=TariffId("t"),
    currency_code="USD",
    import_rates=EnergyRates(
        tou_periods=(
            TouPeriod(
                name="peak",
                price_per_kwh=0.40,
                window=Window(clock_ranges=(ClockRange.hours(16, 21),)),
            ),
            TouPeriod(name="rest", price_per_kwh=0.20),
        ),
        tiered_rates=(TieredRate(id="block", tiers=(Tier(price_per_kwh=0.05, from_kwh=300),)),),
    ),
    export_rates=EnergyRates(base_per_kwh=0.05),
    fixed_charges=(
        FixedCharge(name="contract", amount=12.0, interval=ChargeInterval.BILLING_PERIOD),
        FixedCharge(name="meter", amount=0.3, interval=ChargeInterval.DAY),
    ),
    demand_charges=(
        DemandCharge(id="supply", price_per_kw=10.0, averaging=QUARTER),
        NETWORK,
    ),
)
AFTER = replace(
    BEFORE,
    import_rates=EnergyRates(
        base_per_kwh=0.25,
        tiered_rates=(TieredRate(id="block", tiers=(Tier(price_per_kwh=0.02, from_kwh=400),)),),
    ),
    export_rates=EnergyRates(base_per_kwh=0.08),
    fixed_charges=(
        FixedCharge(name="contract", amount=18.0, interval=ChargeInterval.BILLING_PERIOD),
        FixedCharge(name="meter", amount=0.3, interval=ChargeInterval.DAY),
    ),
    demand_charges=(
        DemandCharge(id="supply", price_per_kw=15.0, averaging=QUARTER),
        NETWORK,
    ),
)
CHANGING = replace(BEFORE, versions=(TariffVersion(start=CHANGE, terms=AFTER),))


def month(seed: int = 7) -> tuple[Series, Series]:
    count = (MARCH - FEBRUARY) // QUARTER
    net_wh = np.random.default_rng(seed).normal(250, 700, count)
    return (
        Series(FEBRUARY, QUARTER, net_wh.clip(0)),
        Series(FEBRUARY, QUARTER, (-net_wh).clip(0)),
    )


def exact(*bills: Bill) -> Decimal:
    return sum((line.amount for each in bills for line in each.lines), Decimal(0))


def by_numpy(imports: NDArray[np.float64], exports: NDArray[np.float64]) -> float:
    """The month with the change, from energies [kWh], without any code of the product."""
    first = 14 * 96
    hour = np.arange(len(imports)) // 4 % 24
    tou = np.where((hour >= 16) & (hour < 21), 0.40, 0.20)
    energy = imports[:first] @ tou[:first] + imports[first:].sum() * 0.25
    sold = exports[:first].sum() * 0.05 + exports[first:].sum() * 0.08
    shares = 14 / 29, 15 / 29
    blocks = (
        max(imports[:first].sum() - 300 * shares[0], 0) * 0.05
        + max(imports[first:].sum() - 400 * shares[1], 0) * 0.02
    )
    supply = (imports[:first].max() * 4 * 10 * shares[0]) + (
        imports[first:].max() * 4 * 15 * shares[1]
    )
    network = imports.reshape(-1, 2).sum(axis=1).max() * 2 * 4
    fixed = 12 * shares[0] + 18 * shares[1] + 29 * 0.3
    return float(energy - sold + blocks + supply + network + fixed)


def test_a_month_with_a_change_is_what_numpy_adds_up_to_the_cent() -> None:
    imports, exports = month()
    found = bill(CHANGING, imports, exports, PACIFIC)
    wanted = by_numpy(imports.values / 1000, exports.values / 1000)
    assert found.total.amount == Decimal(f"{wanted:.2f}")
    assert float(exact(found)) == pytest.approx(wanted, abs=1e-6)


def test_lines_say_which_part_they_are_of_and_what_stays_is_billed_once() -> None:
    found = bill(CHANGING, *month(), PACIFIC)
    parts = {line.name: [] for line in found.lines}  # type: dict[str, list[TimeRange | None]]
    for line in found.lines:
        parts[line.name].append(line.part)
    whole = TimeRange(FEBRUARY, CHANGE), TimeRange(CHANGE, MARCH)
    assert parts["contract"] == parts["supply"] == parts["block"] == list(whole)
    assert parts["peak"] == [whole[0]]
    assert parts["network"] == parts["meter"] == [None]


def test_bills_of_weeks_with_carried_state_add_up_to_the_month_with_the_change() -> None:
    imports, exports = month()
    edges = [*(FEBRUARY + number * timedelta(days=5) for number in range(6)), MARCH]
    bills, state = list[Bill](), None
    for start, end in pairwise(edges):
        span = TimeRange(start, end)
        bills.append(bill(CHANGING, imports.window(span), exports.window(span), PACIFIC, state))
        state = bills[-1].state
    whole = exact(bill(CHANGING, imports, exports, PACIFIC))
    assert float(exact(*bills)) == pytest.approx(float(whole), abs=1e-6)


@few
@given(tariffs, meterings(120), zones, st.integers(-10, 200))
def test_a_version_that_says_the_same_changes_no_bill(
    tariff: Tariff, metering: tuple[Series, Series], zone: ZoneInfo, quarters: int
) -> None:
    start = metering[0].start + quarters * QUARTER
    same = replace(tariff, versions=(TariffVersion(start=start, terms=tariff),))
    whole, split = (bill(each, *metering, zone) for each in (tariff, same))
    assert float(exact(split)) == pytest.approx(float(exact(whole)), abs=1e-6)


@few
@given(tariffs, tariffs, meterings(120), zones, st.integers(0, 120), st.integers(1, 119))
def test_parts_of_a_changing_tariff_add_up_wherever_it_is_cut(
    one: Tariff,
    other: Tariff,
    metering: tuple[Series, Series],
    zone: ZoneInfo,
    quarters: int,
    cut: int,
) -> None:
    imports, exports = metering
    start = imports.start + quarters * QUARTER
    tariff = replace(one, versions=(TariffVersion(start=start, terms=other),))
    whole = bill(tariff, imports, exports, zone)
    middle = imports.start + min(cut, len(imports) - 1) * imports.resolution
    first, last = TimeRange(imports.start, middle), TimeRange(middle, imports.end)
    before = bill(tariff, imports.window(first), exports.window(first), zone)
    after = bill(tariff, imports.window(last), exports.window(last), zone, before.state)
    assert float(exact(before, after)) == pytest.approx(float(exact(whole)), abs=1e-6)


def test_a_ratchet_looks_at_peaks_of_the_same_charge_under_the_former_terms() -> None:
    def with_ratchet(price: float) -> Tariff:
        charge = DemandCharge(
            id="supply",
            price_per_kw=price,
            averaging=QUARTER,
            ratchet=Ratchet(share_ratio=1.0, lookback=1),
        )
        return Tariff(id=TariffId("t"), currency_code="USD", demand_charges=(charge,))

    tariff = replace(
        with_ratchet(10.0), versions=(TariffVersion(start=MARCH, terms=with_ratchet(20.0)),)
    )
    count = 29 * 96 + 96
    energy = np.full(count, 250.0)
    energy[96] = 2500.0  # 10 kW in February, 1 kW ever after
    imports = Series(FEBRUARY, QUARTER, energy)
    found = bill(tariff, imports, imports.with_values(np.zeros(count)), PACIFIC)
    assert float(exact(found)) == pytest.approx(10 * 10 + 20 * 10)


def test_prices_and_limits_of_a_plan_change_where_the_tariff_does() -> None:
    limit = PowerLimit(direction=EnergyDirection.IMPORT, max_power_w=4000.0)
    terms = replace(AFTER, power_limits=(limit,))
    tariff = replace(
        BEFORE,
        versions=(TariffVersion(start=CHANGE, end=CHANGE + timedelta(hours=2), terms=terms),),
    )
    span = TimeRange(CHANGE - timedelta(hours=1), CHANGE + timedelta(hours=3))
    lowered = lower_tariff(tariff, span, timedelta(hours=1), PACIFIC)
    assert lowered.import_price_per_kwh == pytest.approx([0.2, 0.25, 0.25, 0.2])
    assert lowered.export_price_per_kwh == pytest.approx([0.05, 0.08, 0.08, 0.05])
    assert lowered.import_limit_w.tolist() == [np.inf, 4000.0, 4000.0, np.inf]
    half = lower_tariff(
        replace(
            BEFORE, versions=(TariffVersion(start=CHANGE + timedelta(minutes=30), terms=AFTER),)
        ),
        span,
        timedelta(hours=1),
        PACIFIC,
    )
    assert half.import_price_per_kwh == pytest.approx([0.2, 0.225, 0.25, 0.25])


def test_a_version_with_another_billing_cycle_begins_a_period() -> None:
    quarterly = replace(AFTER, billing_cycle=BillingCycle(months=3))
    tariff = replace(BEFORE, versions=(TariffVersion(start=CHANGE, terms=quarterly),))
    april = datetime(2016, 4, 1, tzinfo=PACIFIC).astimezone(UTC)
    assert billing_periods_of(tariff, TimeRange(FEBRUARY, MARCH), PACIFIC) == [
        TimeRange(FEBRUARY, CHANGE),
        TimeRange(CHANGE, april),
    ]
    monthly = replace(BEFORE, versions=(TariffVersion(start=CHANGE, terms=AFTER),))
    assert billing_periods_of(monthly, TimeRange(FEBRUARY, MARCH), PACIFIC) == [
        TimeRange(FEBRUARY, MARCH)
    ]


def test_the_last_version_that_holds_counts_and_the_tariff_itself_elsewhere() -> None:
    day = timedelta(days=1)
    tariff = replace(
        BEFORE,
        versions=(
            TariffVersion(start=CHANGE, terms=AFTER),
            TariffVersion(start=CHANGE + day, end=CHANGE + 2 * day, terms=replace(BEFORE)),
        ),
    )
    assert [terms_at(tariff, CHANGE + number * day) for number in (-1, 0, 1, 2)] == [
        BEFORE, AFTER, BEFORE, AFTER,
    ]  # fmt: skip
    assert len(parts_of(tariff)) == 4


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (CHANGE + timedelta(minutes=7), None),
        (CHANGE, CHANGE),
        (datetime(1, 1, 1, tzinfo=UTC), None),
        (CHANGE, datetime(9999, 1, 1, tzinfo=UTC)),
    ],
)
def test_versions_off_the_raster_or_never_to_be_are_refused(
    start: datetime, end: datetime | None
) -> None:
    with pytest.raises(InvalidArgument):
        TariffVersion(start=start, end=end, terms=AFTER)


def test_a_version_keeps_the_currency() -> None:
    euros = replace(AFTER, currency_code="EUR")
    with pytest.raises(InvalidArgument):
        replace(BEFORE, versions=(TariffVersion(start=CHANGE, terms=euros),))


def site(*assignments: TariffAssignment, standing: TariffId | None = None) -> Site:
    return Site(
        id=SiteId("a"),
        time_zone="America/Los_Angeles",
        currency_code="USD",
        tariff=standing,
        tariff_assignments=assignments,
    )


def test_a_site_that_changes_its_tariff_in_mid_month_pays_as_by_versions() -> None:
    other = replace(AFTER, id=TariffId("other"))
    moved = site(TariffAssignment(tariff=other.id, start=CHANGE), standing=BEFORE.id)
    contract = moved.contract({BEFORE.id: BEFORE, other.id: other})
    assert contract == CHANGING
    assert moved.tariffs == (BEFORE.id, other.id)
    with pytest.raises(NotFound):
        moved.contract({BEFORE.id: BEFORE})


def test_energy_at_a_time_without_a_tariff_has_no_price_and_is_not_free() -> None:
    begins = site(TariffAssignment(tariff=BEFORE.id, start=CHANGE))
    contract = begins.contract({BEFORE.id: BEFORE})
    assert contract is not None
    found = bill(contract, *month(), PACIFIC)
    assert found.gaps[0].range.start >= FEBRUARY
    assert found.gaps[-1].range.end == CHANGE
    assert found.amount(ChargeCause.FIXED) == pytest.approx(
        Decimal(str(12 * 15 / 29 + 15 * 0.3)), abs=Decimal("1e-6")
    )


def test_assignments_that_overlap_are_refused() -> None:
    with pytest.raises(InvalidArgument):
        site(
            TariffAssignment(tariff=BEFORE.id, end=CHANGE + QUARTER),
            TariffAssignment(tariff=AFTER.id, start=CHANGE),
        )


def test_a_dynamic_version_prices_its_own_time_alone() -> None:
    published = Series(CHANGE, timedelta(hours=1), np.array([0.5, 0.6]))
    dynamic = replace(AFTER, import_rates=EnergyRates(real_time=RealTimePrice(published=published)))
    tariff = replace(BEFORE, versions=(TariffVersion(start=CHANGE, terms=dynamic),))
    span = TimeRange(CHANGE - timedelta(hours=1), CHANGE + timedelta(hours=2))
    lowered = lower_tariff(tariff, span, timedelta(hours=1), PACIFIC)
    assert lowered.import_price_per_kwh == pytest.approx([0.2, 0.5, 0.6])
