"""Days are settled, and settled again when readings are corrected: what, by how much, why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.fakes.analytics_world import (
    DAY,
    HOME,
    HOUR,
    QUARTER,
    START,
    AnalyticsWorld,
    HomeDays,
    analytics_world,
)
from tests.fakes.eventually import eventually
from tests.fakes.metering_world import batch, point, samples
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import settlement_pb2
from wattmesh.metering.v1 import metering_pb2
from wattmesh.type.v1 import quality_pb2, tariff_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.time import TimeRange

DAYS = 4
SPAN = TimeRange.of(START, DAYS * timedelta(days=1))
FIRST_TWO = TimeRange.of(START, timedelta(days=2))
PEAK_PRICE = 10.0


def demand() -> tariff_pb2.Tariff:
    """0.20 per kWh and 10 per kW of the month's peak."""
    return tariff_pb2.Tariff(
        name="tariffs/home",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.2),
        demand_charges=[
            tariff_pb2.DemandCharge(
                id="peak", price_per_kw=PEAK_PRICE, averaging=duration_to_proto(QUARTER)
            )
        ],
    )


def days_of(load: Any) -> HomeDays:
    return HomeDays(sun=np.zeros(len(load)), battery=np.zeros(len(load)), load=load)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[AnalyticsWorld]:
    async with known(database_url) as world:
        yield world


@asynccontextmanager
async def known(database_url: str, settle_hours: float = 0.0) -> AsyncIterator[AnalyticsWorld]:
    """The first two days are known; the peak of the first is 4 kW, of the second 2 kW."""
    load = np.full(2 * DAY, 0.25)
    load[40], load[DAY + 40] = 1.0, 0.5
    async with analytics_world(database_url, SPAN.end + HOUR, settle_hours=settle_hours) as world:
        await world.add_home(demand(), days_of(load))
        yield world


async def settle(world: AnalyticsWorld, span: TimeRange) -> Any:
    request = pb.SettleSiteRequest(site=HOME, range=time_range_to_proto(span))
    return await world.analytics.SettleSite(request, timeout=30)


async def send_rest(world: AnalyticsWorld, load: Any) -> None:
    """Send what the grid's meter shows from the third day on."""
    rows = samples(
        point("meter", "import_energy_wh"), FIRST_TWO.end + QUARTER, QUARTER, registers(load)
    )
    rows += samples(
        point("meter", "export_energy_wh"), FIRST_TWO.end + QUARTER, QUARTER, np.zeros(len(load))
    )
    await world.metering.send(batch(50, rows))


def registers(load: Any) -> Any:
    """What the grid's meter shows from the third day on [Wh]."""
    return (2 * DAY * 0.25 + 0.75 + 0.25) * 1000 + np.cumsum(load * 1000)


def correction(load: Any) -> metering_pb2.CorrectReadingsRequest:
    rows = samples(
        point("meter", "import_energy_wh"), FIRST_TWO.end + QUARTER, QUARTER, registers(load)
    )
    return metering_pb2.CorrectReadingsRequest(
        point=rows[0][0],
        measure_times=[timestamp_to_proto(moment) for _, moment, _ in rows],
        values=[value for _, _, value in rows],
        quality=quality_pb2.QUALITY_SUBSTITUTED,
        reason="the meter's face was read anew",
    )


def amounts(found: Any) -> list[Decimal]:
    return [Decimal(each.cost_amount) for each in found]


async def test_days_add_up_to_the_bill_and_settling_again_changes_nothing(
    world: AnalyticsWorld,
) -> None:
    found = await asyncio.gather(*(settle(world, FIRST_TWO) for _ in range(6)))
    first, *later = sorted(found, key=lambda each: len(each.changed), reverse=True)
    assert not any(each.changed for each in later), "whoever comes second finds them settled"
    again = await settle(world, FIRST_TWO)
    bill = await world.analytics.QueryBills(
        pb.QueryBillsRequest(site=HOME, range=time_range_to_proto(FIRST_TWO))
    )

    assert [each.version for each in first.changed] == [1, 1]
    assert amounts(first.changed) == [Decimal("44.95"), Decimal("4.85")]
    assert sum(amounts(first.changed)) == Decimal(bill.bills[0].bill.total_amount)
    assert (list(again.changed), again.days_read) == ([], 2)


async def test_late_readings_make_a_version_that_says_by_how_much(world: AnalyticsWorld) -> None:
    before = await settle(world, SPAN)
    await send_rest(world, np.full(2 * DAY, 0.25))
    third = TimeRange.of(FIRST_TWO.end, timedelta(days=1))
    after = await settle(world, third)

    assert [each.covered_ratio for each in before.changed] == [1, 1, 0, 0]
    (changed,) = after.changed
    assert changed.name == f"{HOME}/settlements/2024-06-03"
    assert (changed.version, changed.reason) == (
        *(2, settlement_pb2.SETTLEMENT_REASON_LATE_READINGS),
    )
    assert Decimal(changed.changed_cost_amount) == Decimal("4.8")
    assert Decimal(changed.changed_import_energy_kwh) == 24
    assert after.days_read == 1
    listed = await world.analytics.ListSettlements(
        pb.ListSettlementsRequest(parent=HOME, all_versions=True)
    )
    assert [(each.name[-2:], each.version) for each in listed.settlements] == [
        *(("01", 1), ("02", 1), ("03", 1), ("03", 2), ("04", 1)),
    ]


async def test_a_new_peak_is_carried_over_to_later_days_without_reading_them(
    world: AnalyticsWorld,
) -> None:
    """The last day was settled first, with a peak of 6 kW; then the third turns out to have 8."""
    load = np.full(2 * DAY, 0.25)
    load[DAY + 40] = 1.5
    await send_rest(world, load)
    await settle(world, SPAN)
    load[40] = 2.0
    await world.metering.metering.CorrectReadings(correction(load))
    found = await settle(world, TimeRange.of(FIRST_TWO.end, timedelta(days=1)))

    third, fourth = found.changed
    assert third.reason == settlement_pb2.SETTLEMENT_REASON_CORRECTED_READINGS
    assert fourth.reason == settlement_pb2.SETTLEMENT_REASON_CARRIED_OVER
    assert found.days_read == 1
    # 4 kW more than the peak of 4 so far; on the fourth day 2 kW less are new.
    assert Decimal(third.changed_cost_amount) == pytest.approx(Decimal("40.35"))
    assert Decimal(fourth.changed_cost_amount) == pytest.approx(Decimal("-20"))


async def test_pages_of_newest_versions_go_on_where_they_ended(world: AnalyticsWorld) -> None:
    await settle(world, SPAN)
    names, token = [], ""
    while True:
        page = await world.analytics.ListSettlements(
            pb.ListSettlementsRequest(parent=HOME, page_size=3, page_token=token)
        )
        names += [each.name[-2:] for each in page.settlements]
        token = page.next_page_token
        if not token:
            break
    assert names == ["01", "02", "03", "04"]
    one = await world.analytics.GetSettlement(
        pb.GetSettlementRequest(name=f"{HOME}/settlements/2024-06-02", version=1)
    )
    assert one.settlement.range.start_time.ToDatetime() == (
        (START + timedelta(days=1)).replace(tzinfo=None)
    )


async def test_days_are_settled_by_themselves_and_anew_when_late_readings_have_changed_one(
    database_url: str,
) -> None:
    async with known(database_url, settle_hours=1.0) as world:

        async def versions() -> dict[str, int]:
            request = pb.ListSettlementsRequest(parent=HOME)
            listed = (await world.analytics.ListSettlements(request)).settlements
            return {each.name.rpartition("/")[2]: each.version for each in listed}

        async def become(expected: dict[str, int]) -> bool:
            world.metering.clock.advance(timedelta(minutes=20))
            await asyncio.sleep(0.1)
            return await versions() == expected

        first = {"2024-06-01": 1, "2024-06-02": 1}
        await eventually(lambda: become(first), 20)
        late = np.full(DAY, 0.25)
        await send_rest(world, late)
        await eventually(lambda: become({**first, "2024-06-03": 1}), 20)
        await world.metering.metering.CorrectReadings(correction(2 * late))
        await eventually(lambda: become({**first, "2024-06-03": 2}), 20)
