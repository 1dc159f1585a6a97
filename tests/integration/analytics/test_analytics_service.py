"""Bills, savings and indicators over the wire, beside the same reckoned with numpy alone."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import grpc
import numpy as np
import pytest

from tests.fakes.analytics_home_days import (
    DAYS,
    HOME_DAYS,
    INTENSITY,
    PEAK_PRICE,
    PRICE,
    SPAN,
    cost,
    grams,
    time_of_use,
)
from tests.fakes.analytics_world import (
    DAY,
    HOME,
    HOUR,
    QUARTER,
    START,
    AnalyticsWorld,
    analytics_world,
)
from tests.fakes.eventually import eventually
from wattmesh.analytics.v1 import analytics_service_pb2 as pb
from wattmesh.analytics.v1 import bill_pb2, savings_pb2
from wattmesh.site.v1 import asset_pb2, site_pb2, site_service_pb2
from wattmesh.type.v1 import rating_pb2, tariff_pb2
from wattmesh_contracts.values import (
    duration_to_proto,
    time_range_to_proto,
    timestamp_to_proto,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.errors import error_from_rpc


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[AnalyticsWorld]:
    async with analytics_world(database_url, SPAN.end + HOUR) as world:
        await world.add_home(time_of_use(), HOME_DAYS)
        await world.publish(INTENSITY)
        yield world


async def test_a_bill_is_what_the_tariff_says_to_the_cent(world: AnalyticsWorld) -> None:
    request = pb.QueryBillsRequest(site=HOME, range=time_range_to_proto(SPAN))
    (bill,) = (await world.analytics.QueryBills(request)).bills
    assert Decimal(bill.bill.total_amount) == pytest.approx(
        Decimal(f"{cost(HOME_DAYS.grid):.2f}"), abs=Decimal("0.005")
    )
    assert (bill.covered_ratio, list(bill.bill.gaps), bill.whole_period) == (1.0, [], False)
    assert float(bill.import_energy_kwh) == pytest.approx(
        np.maximum(HOME_DAYS.grid, 0).sum(), abs=0.001
    )


async def test_a_tariff_that_changes_in_mid_month_is_billed_by_part_and_as_it_was_known(
    world: AnalyticsWorld,
) -> None:
    """The second day is by another tariff; of June 2 of 30 days by the one, the rest by both."""
    asked = pb.QueryBillsRequest(site=HOME, range=time_range_to_proto(SPAN))
    (before,) = (await world.analytics.QueryBills(asked)).bills
    known_then = world.metering.clock.now()
    world.metering.clock.advance(HOUR)
    other = tariff_pb2.Tariff(
        name="tariffs/other",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.31),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=0.02),
        demand_charges=[
            tariff_pb2.DemandCharge(
                id="peak", price_per_kw=20.0, averaging=duration_to_proto(QUARTER)
            )
        ],
    )
    await world.metering.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=other))
    site = site_pb2.Site(name=HOME)
    change = timestamp_to_proto(START + timedelta(days=1))
    site.tariff_assignments.add(tariff=other.name, start_time=change)
    await world.metering.sites.UpdateSite(site_service_pb2.UpdateSiteRequest(site=site))

    async def changed() -> bool:
        return (await world.analytics.QueryBills(asked)).bills[0].tariff == other.name

    await eventually(changed)
    (bill,) = (await world.analytics.QueryBills(asked)).bills
    one, two = HOME_DAYS.grid[:DAY], HOME_DAYS.grid[DAY:]
    into, out = np.maximum(HOME_DAYS.grid, 0), np.maximum(-HOME_DAYS.grid, 0)
    wanted = (
        into[:DAY] @ PRICE[:DAY]
        - out[:DAY].sum() * 0.05
        + PEAK_PRICE * one.max() * 4 * 1 / 30
        + into[DAY:].sum() * 0.31
        - out[DAY:].sum() * 0.02
        + 20.0 * two.max() * 4 * 29 / 30
    )
    assert Decimal(bill.bill.total_amount) == Decimal(f"{wanted:.2f}")
    assert {line.range.start_time == change for line in bill.bill.lines} == {True, False}

    then = pb.QueryBillsRequest(
        site=HOME, range=time_range_to_proto(SPAN), as_of_time=timestamp_to_proto(known_then)
    )
    answer = await world.analytics.QueryBills(then)
    assert answer.bills[0].tariff == "tariffs/home"
    assert answer.bills[0].bill.total_amount == before.bill.total_amount


async def test_what_it_would_have_cost_without_the_battery(world: AnalyticsWorld) -> None:
    request = pb.QueryBillsRequest(
        site=HOME,
        range=time_range_to_proto(SPAN),
        counterfactual=bill_pb2.COUNTERFACTUAL_IDLE_STORAGE,
    )
    (bill,) = (await world.analytics.QueryBills(request)).bills
    idle = HOME_DAYS.load + HOME_DAYS.sun
    assert float(bill.bill.total_amount) == pytest.approx(cost(idle), abs=0.01)


async def test_a_bill_of_what_would_have_been_names_what_stayed_as_it_was(
    world: AnalyticsWorld,
) -> None:
    """Nobody here tells who was at the charge point: its vehicles cannot be charged at once."""
    rating = rating_pb2.EvChargerRating(max_current_a=32)
    charger = asset_pb2.Asset(name=f"{HOME}/assets/charger", ev_charger=rating)
    await world.metering.sites.CreateAsset(site_service_pb2.CreateAssetRequest(asset=charger))
    request = pb.QueryBillsRequest(
        site=HOME,
        range=time_range_to_proto(SPAN),
        counterfactual=bill_pb2.COUNTERFACTUAL_CHARGE_AT_ONCE,
    )

    async def named() -> bool:
        answer = await world.analytics.QueryBills(request)
        return [each.subject for each in answer.left_out] == [charger.name]

    await eventually(named)


async def test_savings_and_emissions_are_the_difference_of_both_sides(
    world: AnalyticsWorld,
) -> None:
    request = pb.QuerySavingsRequest(
        sites=[HOME],
        range=time_range_to_proto(SPAN),
        counterfactual=bill_pb2.COUNTERFACTUAL_IDLE_STORAGE,
    )
    answer = await world.analytics.QuerySavings(request)
    total, idle = answer.total, HOME_DAYS.load + HOME_DAYS.sun
    expected = cost(idle) - cost(HOME_DAYS.grid)
    assert float(total.saved_amount) == pytest.approx(expected, abs=0.01)
    assert sum(float(part.amount) for part in total.parts) == pytest.approx(expected, abs=1e-4)
    (peak,) = (each for each in total.parts if each.cause == savings_pb2.SAVINGS_CAUSE_PEAK)
    gained = PEAK_PRICE * 4 * (idle.max() - HOME_DAYS.grid.max())
    assert float(peak.amount) == pytest.approx(gained, abs=1e-4)
    assert total.metered.emissions_gco2e == pytest.approx(grams(HOME_DAYS.grid), rel=1e-6)
    assert total.without.emissions_gco2e == pytest.approx(grams(idle), rel=1e-6)
    assert total.covered_ratio == 1.0


async def test_another_tariff_is_held_against_the_same_energy_with_and_without_battery(
    world: AnalyticsWorld,
) -> None:
    flat = tariff_pb2.Tariff(
        name="tariffs/flat",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=0.3),
    )
    await world.metering.sites.CreateTariff(site_service_pb2.CreateTariffRequest(tariff=flat))
    request = pb.QueryTariffCostsRequest(
        site=HOME, range=time_range_to_proto(SPAN), tariffs=["tariffs/flat", "tariffs/home"]
    )

    async def both() -> bool:
        try:
            await world.analytics.QueryTariffCosts(request)
        except grpc.aio.AioRpcError:
            return False
        return True

    await eventually(both)
    by_flat, by_own = (await world.analytics.QueryTariffCosts(request)).costs
    idle = HOME_DAYS.load + HOME_DAYS.sun
    assert float(by_flat.cost_amount) == pytest.approx(
        0.3 * np.maximum(HOME_DAYS.grid, 0).sum(), abs=0.01
    )
    assert float(by_flat.without_storage_amount) == pytest.approx(
        0.3 * np.maximum(idle, 0).sum(), abs=0.01
    )
    assert float(by_own.cost_amount) == pytest.approx(cost(HOME_DAYS.grid), abs=0.01)
    assert float(by_own.without_storage_amount) == pytest.approx(cost(idle), abs=0.01)
    assert by_own.covered_ratio == 1.0


async def test_the_plain_rule_is_what_a_battery_comes_with(world: AnalyticsWorld) -> None:
    """With its state unknown it begins empty; what it does is reckoned here anew."""
    request = pb.QuerySavingsRequest(
        sites=[HOME],
        range=time_range_to_proto(SPAN),
        counterfactual=bill_pb2.COUNTERFACTUAL_SELF_CONSUMPTION,
    )
    total = (await world.analytics.QuerySavings(request)).total
    stored, grid = 0.0, []
    for rest in (HOME_DAYS.load + HOME_DAYS.sun).tolist():
        taken = min(max(-rest, 0), 1.25, max(6.4 - stored, 0) / 0.95)
        given = min(max(rest, 0), 1.25, stored * 0.95)
        stored += 0.95 * taken - given / 0.95
        grid.append(rest + taken - given)
    assert float(total.without.cost_amount) == pytest.approx(cost(np.array(grid)), abs=0.02)


async def test_a_bill_as_of_then_has_only_the_readings_of_then(world: AnalyticsWorld) -> None:
    request = pb.QueryBillsRequest(
        site=HOME,
        range=time_range_to_proto(SPAN),
        as_of_time=timestamp_to_proto(START - HOUR),
    )
    (bill,) = (await world.analytics.QueryBills(request)).bills
    assert bill.covered_ratio == 0.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"site": "sites/nowhere"}, "SITE_NOT_FOUND"),
        ({"tariff": "tariffs/nobodys"}, "TARIFF_NOT_FOUND"),
        ({"range": TimeRange.of(SPAN.end, DAYS * timedelta(days=1))}, "NOT_OVER"),
        ({"range": TimeRange.of(START + timedelta(minutes=1), HOUR)}, "OFF_RASTER"),
        ({"range": TimeRange.of(START, timedelta(0))}, "EMPTY_RANGE"),
        ({"resolution": timedelta(minutes=7)}, "INVALID_RESOLUTION"),
        ({"counterfactual": 99}, "UNKNOWN_VALUE"),
    ],
)
async def test_a_question_without_an_answer_is_refused_with_its_reason(
    world: AnalyticsWorld, change: dict[str, Any], reason: str
) -> None:
    fields = {"site": HOME, "range": SPAN, "resolution": QUARTER, **change}
    fields["range"] = time_range_to_proto(fields["range"])
    fields["resolution"] = duration_to_proto(fields["resolution"])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.analytics.QueryBills(pb.QueryBillsRequest(**fields))
    assert error_from_rpc(refused.value).reason == reason
