"""What a plan counts on at a grid connection: its exchange, and the peaks that are due anyway."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tests.fakes.planner_world import world_of_a_home
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import (
    BillingState,
    ClockRange,
    DemandCharge,
    DemandPeak,
    Tariff,
    Window,
    lower_tariff,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.optimizer import exchanges_from_plan
from wattmesh_planner.domain.exchange import Peak, peaks_of

START = datetime(2024, 5, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
ON_PEAK = Window(clock_ranges=(ClockRange(start_minute=9 * 60, end_minute=10 * 60),))


def peaks(*charges: DemandCharge, so_far_kw: float = 0.0) -> tuple[Peak | None, ...]:
    """Return the peaks of two hours that import 2, 3, 5 and 1 kW for half an hour each."""
    tariff = Tariff(id=TariffId("t"), currency_code="EUR", demand_charges=charges)
    month = datetime(2024, 5, 1, tzinfo=UTC)
    met = tuple(
        DemandPeak(charge_id=each.id, period_start=month, peak_kw=so_far_kw) for each in charges
    )
    lowered = lower_tariff(
        *(tariff, TimeRange.of(START, 2 * HOUR), QUARTER, ZoneInfo("UTC")),
        state=BillingState(as_of=START, demand_peaks=met),
    )
    return peaks_of(lowered, np.repeat([2.0, 3.0, 5.0, 1.0], 2))


def test_the_peak_is_the_highest_that_is_planned_or_due_already() -> None:
    anytime = DemandCharge(id="any", price_per_kw=10.0)
    assert set(peaks(anytime)) == {Peak(power_w=5000.0, averaging=QUARTER)}
    assert set(peaks(anytime, so_far_kw=7.0)) == {Peak(power_w=7000.0, averaging=QUARTER)}
    least = DemandCharge(id="any", price_per_kw=10.0, minimum_kw=6.0)
    assert set(peaks(least)) == {Peak(power_w=6000.0, averaging=QUARTER)}


def test_the_lowest_of_several_charges_counts_where_both_do() -> None:
    anytime = DemandCharge(id="any", price_per_kw=10.0)
    evening = DemandCharge(id="on-peak", price_per_kw=20.0, window=ON_PEAK, averaging=HOUR)
    found = peaks(anytime, evening, so_far_kw=2.0)
    assert found[:4] == (Peak(power_w=5000.0, averaging=QUARTER),) * 4
    assert found[4:] == (Peak(power_w=3000.0, averaging=HOUR),) * 4
    assert peaks(DemandCharge(id="free", price_per_kw=0.0)) == (None,) * 8
    assert peaks() == (None,) * 8


async def test_a_plan_says_what_it_counts_on_and_the_plan_of_no_control_nothing() -> None:
    world = await world_of_a_home()
    await world.plan()
    inputs = world.asked
    count = inputs.target.count(inputs.resolution)
    plan = plan_pb2.Plan()
    plan.sites.add(
        site_name=inputs.sites[0].site.site.name,
        import_powers_w=[500.0] * count,
        export_powers_w=[0.0] * (count - 1) + [800.0],
    )
    (exchange,) = exchanges_from_plan(plan, inputs)
    assert exchange.net_w == (500.0,) * (count - 1) + (-300.0,)
    assert exchange.peaks == (None,) * count
    assert (exchange.start, exchange.resolution) == (inputs.target.start, inputs.resolution)
    plan.solver.status = plan_pb2.SOLVE_STATUS_FALLBACK
    assert not list(exchanges_from_plan(plan, inputs))
