"""Gaps are billed by what validation put in their place, where asked for; what that was is told."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.fakes.analytics_world import (
    DAY,
    HOME,
    HOUR,
    QUARTER,
    START,
    HomeDays,
    analytics_world,
)
from tests.fakes.eventually import eventually
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.time import TimeRange

SPAN = TimeRange.of(START, timedelta(days=2))
GONE = slice(DAY + 24, DAY + 72)
GAP = TimeRange(START + GONE.start * QUARTER, START + GONE.stop * QUARTER)
PRICES = np.where(np.arange(2 * DAY) % DAY < 48, 0.2, 0.5)
TARIFF = tariff_pb2.Tariff(
    name="tariffs/home",
    currency_code="USD",
    import_rates=tariff_pb2.EnergyRates(
        tou_periods=[
            tariff_pb2.TouPeriod(
                display_name="Forenoon",
                window=tariff_pb2.TariffWindow(
                    clock_ranges=[tariff_pb2.ClockRange(start_minute=0, end_minute=12 * 60)]
                ),
                price_per_kwh=0.2,
            ),
            tariff_pb2.TouPeriod(display_name="Afternoon", price_per_kwh=0.5),
        ]
    ),
    fixed_charges=[
        tariff_pb2.FixedCharge(
            display_name="Meter", interval=tariff_pb2.CHARGE_INTERVAL_DAY, amount=3.0
        ),
    ],
)


async def test_a_gap_is_billed_by_its_substitutes_and_every_line_says_how_much_of_it_is_that(
    database_url: str,
) -> None:
    """Twelve hours of the second day are missing: what both registers rose is spread evenly."""
    days = HomeDays.of(7, 2)
    into = np.maximum(days.grid, 0)
    put = into.copy()
    put[GONE] = into[GONE].mean()
    asked = pb.QueryBillsRequest(site=HOME, range=time_range_to_proto(SPAN))
    by_substitutes = pb.QueryBillsRequest(include_substitutes=True)
    by_substitutes.MergeFrom(asked)
    async with analytics_world(database_url, SPAN.end + HOUR) as world:
        await world.add_home(TARIFF, days, without=GAP)

        async def whole() -> bool:
            (bill,) = (await world.analytics.QueryBills(by_substitutes)).bills
            return bill.covered_ratio == 1.0

        await eventually(whole)
        (found,) = (await world.analytics.QueryBills(by_substitutes)).bills
        (plain,) = (await world.analytics.QueryBills(asked)).bills

    fixed = sum(Decimal(each.amount) for each in found.bill.lines if each.unit != "kWh")
    assert Decimal(found.bill.total_amount) - fixed == pytest.approx(
        Decimal(float(put @ PRICES)), abs=Decimal("0.005")
    )
    assert list(found.bill.gaps) == []
    assert list(found.estimated_ranges) == [time_range_to_proto(GAP)]
    assert float(found.estimated_import_energy_kwh) == pytest.approx(into[GONE].sum(), abs=1e-3)
    shares = {each.display_name: each.estimated_ratio for each in found.bill.lines}
    forenoon = np.arange(2 * DAY) % DAY < 48
    gone = np.zeros(2 * DAY, np.bool_)
    gone[GONE] = True
    assert shares["Forenoon"] == pytest.approx(put[forenoon & gone].sum() / put[forenoon].sum())
    assert shares["Afternoon"] == pytest.approx(put[~forenoon & gone].sum() / put[~forenoon].sum())
    assert shares["Meter"] == 0.0

    assert plain.covered_ratio == 0.75
    assert [each.range for each in plain.bill.gaps] == [time_range_to_proto(GAP)]
    assert {each.estimated_ratio for each in plain.bill.lines} == {0.0}
    assert not plain.estimated_ranges
