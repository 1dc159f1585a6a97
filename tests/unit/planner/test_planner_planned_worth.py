"""What a plan says that energy is worth at a site, and where it had better say nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.fakes.planner_world import world_of_a_home
from wattmesh.control.v1 import control_pb2
from wattmesh.optimizer.v1 import plan_pb2
from wattmesh_contracts.worth import energy_worth_from_proto
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.programme_ids import EventId, ParticipationId, ProgrammeId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import BatteryRating, PlanningGoals, SiteGroup
from wattmesh_kernel.tariff import DemandCharge
from wattmesh_kernel.time import TimeRange
from wattmesh_kernel.worth import EnergyWorth
from wattmesh_planner.adapters.control import _exchange_to_proto
from wattmesh_planner.adapters.optimizer import exchanges_from_plan
from wattmesh_planner.domain.events import (
    GridEvent,
    LimitTerms,
    PriceTerms,
    ReductionTerms,
    Terms,
)
from wattmesh_planner.domain.inputs import PlanInputs

HOUR = timedelta(hours=1)
LIMIT = LimitTerms(max_import_w=(1000.0,))


@pytest.fixture
async def inputs() -> PlanInputs:
    world = await world_of_a_home()
    await world.plan()
    return world.asked


def plan_of(inputs: PlanInputs, soc_ratio: float = 0.6) -> plan_pb2.Plan:
    """Return a plan that imports 2 kW, with the battery idle at a state of charge."""
    count = inputs.target.count(inputs.resolution)
    plan = plan_pb2.Plan()
    (site,) = inputs.sites
    made = plan.sites.add(
        site_name=site.site.site.name,
        import_powers_w=[2000.0] * count,
        export_powers_w=[0.0] * count,
    )
    for asset in site.assets:
        if isinstance(asset.asset.rating, BatteryRating):
            made.assets.add(
                asset_name=asset.asset.name,
                powers_w=[0.0] * count,
                soc_ratios=[soc_ratio] * (count + 1),
            )
    return plan


def worths(inputs: PlanInputs, **of_site: Any) -> tuple[EnergyWorth, ...]:
    (site,) = inputs.sites
    inputs = replace(inputs, sites=(replace(site, **of_site),))
    (exchange,) = exchanges_from_plan(plan_of(inputs), inputs)
    return exchange.worths


def test_the_interval_that_runs_and_the_next_ones_have_prices_and_a_store(
    inputs: PlanInputs,
) -> None:
    found = worths(inputs)
    price = inputs.sites[0].price
    assert price is not None
    assert [each.import_price_per_kwh for each in found] == list(price.import_prices_per_kwh[:3])
    for each in found:
        (stored,) = each.stores
        values = np.array(stored.values_per_kwh)
        assert np.all(values <= price.highest_import_price_per_kwh + 1e-9)
        assert np.all(values >= 0)
        assert stored.kept_soc_ratio == 0.0


def test_what_is_said_goes_over_the_wire_with_the_exchange(inputs: PlanInputs) -> None:
    (exchange,) = exchanges_from_plan(plan_of(inputs), inputs)
    sent = control_pb2.ExchangeSchedule.FromString(_exchange_to_proto(exchange).SerializeToString())
    told = [
        energy_worth_from_proto(each.worth) for each in sent.intervals if each.HasField("worth")
    ]
    assert tuple(told) == exchange.worths
    assert len(sent.intervals) == len(exchange.net_w)


def test_energy_is_kept_where_a_peak_is_billed_which_is_in_no_price(inputs: PlanInputs) -> None:
    price = inputs.sites[0].price
    assert price is not None
    charge = DemandCharge(id="any", price_per_kw=10.0)
    billed = replace(price, tariff=replace(price.tariff, demand_charges=(charge,)))
    assert {each.stores[0].kept_soc_ratio for each in worths(inputs, price=billed)} == {0.6}
    goals = PlanningGoals(site_peak_price_per_kw=5.0)
    aimed = replace(inputs, scope=replace(inputs.scope, **_goals(inputs, goals)))
    assert {each.stores[0].kept_soc_ratio for each in worths(aimed)} == {0.6}


def _goals(inputs: PlanInputs, goals: PlanningGoals) -> Mapping[str, Any]:
    """Return the change of a scope without a group that gives its site goals."""
    (site,) = inputs.scope.sites
    return {"sites": (replace(site, site=replace(site.site, goals=goals)),)}


def test_nothing_is_said_without_a_price_or_for_a_group_that_is_billed_as_one(
    inputs: PlanInputs,
) -> None:
    assert worths(inputs, price=None) == ()
    price = inputs.sites[0].price
    assert price is not None
    unknown = replace(price, import_prices_per_kwh=(float("nan"),) * 24)
    assert worths(inputs, price=unknown) == ()
    netted = SiteGroup(id=GroupId("street"), sites=(SiteId("home-1"),), netted_billing=True)
    assert worths(replace(inputs, scope=replace(inputs.scope, group=netted))) == ()


def event(
    inputs: PlanInputs,
    hours: int,
    subject: str = "",
    terms: Terms = LIMIT,
    **other: Any,
) -> GridEvent:
    """Return what the grid asks for an hour, of the home unless it is of somebody else."""
    span = TimeRange.of(inputs.target.start + hours * HOUR, HOUR)
    return GridEvent(
        id=ParticipationId(EventId(ProgrammeId("street"), "evening"), "home-1"),
        subject=subject or inputs.sites[0].site.site.name,
        span=span,
        step=HOUR,
        priority=0,
        terms=terms,
        baseline_w=Series.filled(span, HOUR, 2_500.0),
        **other,
    )


def test_from_where_the_grid_asks_what_has_no_price_commands_are_kept(inputs: PlanInputs) -> None:
    def told(hours: int, subject: str = "") -> int:
        return len(worths(replace(inputs, events=(event(inputs, hours, subject),))))

    assert [told(hours) for hours in (0, 2, 5)] == [0, 2, 3]
    assert told(0, "sites/elsewhere") == 3
    (first, *_) = worths(replace(inputs, events=(event(inputs, 5),)))
    assert first.stores[0].kept_soc_ratio == 0.6, "and energy is kept for it"


def test_a_reduction_that_is_paid_is_paid_for_more_load_too_down_to_what_is_asked(
    inputs: PlanInputs,
) -> None:
    """Else the store would stand by while a load that nobody expected breaks the promise."""
    paid = ReductionTerms(price_per_kwh=0.5, powers_w=(1_200.0,))
    usual = worths(inputs)
    found = worths(replace(inputs, events=(event(inputs, 1, terms=paid),)))
    assert [each.reduction_price_per_kwh for each in found] == [0.0, 0.5, 0.0]
    assert [each.reduction_floor_w for each in found] == [None, 1_300.0, None]
    assert {each.stores[0].kept_soc_ratio for each in found} == {0.0}
    assert found[0].stores[0].values_per_kwh[0] > usual[0].stores[0].values_per_kwh[0], (
        "before it energy is worth what it will be paid"
    )
    any_w = replace(inputs, events=(event(inputs, 1, terms=replace(paid, powers_w=())),))
    assert worths(any_w)[1].reduction_floor_w is None, "however much it is"


def test_a_reduction_pays_nothing_where_its_net_cannot_or_another_is_paid(
    inputs: PlanInputs,
) -> None:
    paid = ReductionTerms(price_per_kwh=0.5)
    lost = event(inputs, 0, terms=paid, delivered_wh=-5_000.0)
    assert worths(replace(inputs, events=(lost,)))[0].reduction_price_per_kwh == 0.0
    second = event(inputs, 0, terms=replace(paid, price_per_kwh=0.9))
    both = (event(inputs, 0, terms=paid), second)
    assert worths(replace(inputs, events=both))[0].reduction_price_per_kwh == 0.5


def test_a_price_that_the_grid_asks_is_told_and_commands_are_moved_by_it(
    inputs: PlanInputs,
) -> None:
    price = inputs.sites[0].price
    assert price is not None
    dearer = PriceTerms(import_per_kwh=(0.4,), additional=True)
    found = worths(replace(inputs, events=(event(inputs, 1, terms=dearer),)))
    usual = price.import_prices_per_kwh[1]
    assert [each.import_price_per_kwh for each in found] == pytest.approx(
        [price.import_prices_per_kwh[0], usual + 0.4, price.import_prices_per_kwh[2]]
    )
    other = PriceTerms(import_per_kwh=(0.9,), export_per_kwh=(0.7,))
    told = worths(replace(inputs, events=(event(inputs, 0, terms=other),)))[0]
    assert (told.import_price_per_kwh, told.export_price_per_kwh) == pytest.approx((0.9, 0.7))


def test_a_reduction_of_a_group_is_left_to_commands(inputs: PlanInputs) -> None:
    """What one site gives another may take: no kWh of one has a price."""
    group = SiteGroup(id=GroupId("street"), sites=(SiteId("home-1"),))
    shared = replace(inputs, scope=replace(inputs.scope, id=group.id, group=group))
    asked = event(inputs, 1, group.id.name, ReductionTerms(price_per_kwh=0.5))
    assert len(worths(replace(shared, events=(asked,)))) == 1
