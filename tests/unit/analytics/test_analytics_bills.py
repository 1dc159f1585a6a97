"""Bills by period: what a reader could reckon by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from wattmesh_analytics.domain.bills import bill_by_period, history_start
from wattmesh_analytics.domain.energy import Energy
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import (
    ChargeCause,
    DemandCharge,
    EnergyRates,
    GapReason,
    Ratchet,
    Tariff,
)
from wattmesh_kernel.time import TimeRange

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
FLAT = Tariff(id=TariffId("flat"), currency_code="EUR", import_rates=EnergyRates(base_per_kwh=0.25))
PEAKY = Tariff(
    id=TariffId("peaky"),
    currency_code="EUR",
    demand_charges=(
        DemandCharge(
            id="peak",
            price_per_kw=10,
            averaging=HOUR,
            ratchet=Ratchet(share_ratio=0.5, lookback=2),
        ),
    ),
)


def berlin(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=BERLIN).astimezone(UTC)


def importing(start: datetime, kwh: list[float]) -> Energy:
    return Energy.of_net(Series(start, HOUR, np.array(kwh) * 1000))


def test_a_month_begins_at_local_midnight() -> None:
    """The last hour of May in Berlin is in UTC still the evening of the day before."""
    energy = importing(berlin(5, 31, 23), [4.0, 8.0])
    may, june = bill_by_period(FLAT, energy, BERLIN, energy.range)
    assert [each.bill.subtotal.amount for each in (may, june)] == [Decimal("1.00"), Decimal("2.00")]
    assert june.period == TimeRange(berlin(6, 1), berlin(7, 1))
    assert not may.whole_period


def test_a_peak_of_months_ago_is_carried_on() -> None:
    """Half of the 8 kW of April is due in June, although June is all that is asked for."""
    hours = (berlin(6, 2) - berlin(4, 1)) // HOUR
    kwh = [1.0] * hours
    kwh[100] = 8.0
    energy, june = importing(berlin(4, 1), kwh), TimeRange(berlin(6, 1), berlin(6, 2))
    assert history_start(PEAKY, june.start, BERLIN, HOUR) == berlin(4, 1)
    (bill,) = bill_by_period(PEAKY, energy, BERLIN, june)
    assert bill.bill.amount(ChargeCause.DEMAND) == Decimal("40")


def test_what_was_not_metered_is_named_and_not_billed() -> None:
    energy = importing(berlin(6, 1), [4.0, float("nan"), 4.0, 4.0])
    (bill,) = bill_by_period(FLAT, energy, BERLIN, energy.range)
    assert (bill.covered_ratio, bill.import_kwh) == (0.75, 12.0)
    assert [gap.reason for gap in bill.bill.gaps] == [GapReason.READING]
    assert bill.bill.subtotal.amount == Decimal("3.00")


def test_a_line_says_how_much_less_it_would_be_without_what_was_estimated() -> None:
    """Of 20 kWh 8 were estimated; so was the peak of 8 kW, the highest that was metered is 6 kW."""
    metered = importing(berlin(6, 1), [2.0, 8.0, 6.0, 4.0])
    energy = replace(metered, estimated=metered.import_wh.with_values([0, 1, 0, 0]))
    for tariff, share in ((FLAT, 0.4), (PEAKY, 0.25)):
        (bill,) = bill_by_period(tariff, energy, BERLIN, energy.range)
        assert [line.estimated_ratio for line in bill.bill.lines] == [pytest.approx(share)]
        assert bill.estimated == (TimeRange.of(energy.range.start + HOUR, HOUR),)
        assert (bill.estimated_import_kwh, bill.estimated_export_kwh) == (8.0, 0.0)
    later = TimeRange(energy.range.start + 2 * HOUR, energy.range.end)
    (bill,) = bill_by_period(FLAT, energy, BERLIN, later)
    assert [line.estimated_ratio for line in bill.bill.lines] == [0.0]


@pytest.mark.parametrize("tariff", [FLAT, PEAKY])
def test_bills_of_parts_add_up_to_the_bill_of_the_whole(tariff: Tariff) -> None:
    rng = np.random.default_rng(5)
    hours = (berlin(7, 1) - berlin(5, 1)) // HOUR
    energy = importing(berlin(5, 1), list(rng.uniform(0, 5, hours)))
    whole = bill_by_period(tariff, energy, BERLIN, energy.range)
    cut = berlin(6, 11, 7)
    parts = [
        *bill_by_period(tariff, energy, BERLIN, TimeRange(energy.range.start, cut)),
        *bill_by_period(tariff, energy, BERLIN, TimeRange(cut, energy.range.end)),
    ]

    def exact(bills: list[object]) -> Decimal:
        return sum((line.amount for each in bills for line in each.bill.lines), Decimal(0))  # type: ignore[attr-defined]

    assert exact([*parts]) == pytest.approx(exact([*whole]), abs=Decimal("0.000001"))
