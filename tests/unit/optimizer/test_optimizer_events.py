"""Demand response, reserves and islanding reserve."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.unit.optimizer.sites import (
    START,
    asset,
    cost,
    horizon_of,
    power,
    prices,
    problem,
    site,
    solve,
)
from wattmesh_kernel.time import TimeRange
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.plan import CostCause, RequirementKind
from wattmesh_optimizer.domain.problem import (
    DemandResponseEvent,
    EventPrice,
    PaidReduction,
    Reserve,
    ReserveDirection,
)
from wattmesh_optimizer.domain.site import IslandingReserve, PowerLimits
from wattmesh_optimizer.domain.storage import Battery

HOUR = timedelta(hours=1)
LOAD = FixedLoad(powers_kw=np.full(4, 3.0))
STORE = Battery(
    capacity_kwh=10, max_charge_power_kw=5, max_discharge_power_kw=5, initial_soc_ratio=0.5
)
HORIZON = horizon_of(4)
HOME = site(asset("load", LOAD), asset("battery", STORE), tariff=prices(HORIZON, [0.2] * 4))


def event(kind: PowerLimits | EventPrice | PaidReduction) -> DemandResponseEvent:
    """Return an event in the second hour."""
    return DemandResponseEvent(id="dr", range=TimeRange.of(START + HOUR, HOUR), kind=kind)


def test_an_event_limit_is_kept_with_the_battery() -> None:
    plan = solve(problem(HORIZON, HOME, events=(event(PowerLimits(max_import_power_kw=0.5)),)))
    assert plan.sites[0].import_kw[1] <= 0.5 + 1e-6
    assert plan.unmet_requirements == ()


def test_an_event_limit_gives_way_before_the_connections() -> None:
    bare = site(asset("load", LOAD))
    limit = PowerLimits(max_import_power_kw=1.0, limit_price_per_kwh=50)
    plan = solve(problem(HORIZON, bare, events=(event(limit),)))
    (requirement,) = plan.unmet_requirements
    assert requirement.kind is RequirementKind.EVENT_LIMIT
    assert requirement.message.startswith("dr: import limit 1.0 kW, 3.0 kW needed, 2.0 kW too much")


def test_an_event_price_moves_the_discharge() -> None:
    plan = solve(problem(HORIZON, HOME, events=(event(EventPrice(import_adder_per_kwh=0.5)),)))
    assert plan.sites[0].import_kw[1] == pytest.approx(0.0, abs=1e-6)
    assert cost(plan, CostCause.DEMAND_RESPONSE) == pytest.approx(0.0, abs=1e-6)


def test_a_paid_reduction_pays_below_the_baseline_and_says_what_can_be_promised() -> None:
    reduction = PaidReduction(
        baseline_kw=np.full(4, 3.0), price_per_kwh=1.0, power_deviation_kw=1.0
    )
    plan = solve(problem(HORIZON, HOME, events=(event(reduction),)))
    (commitment,) = plan.commitments
    assert commitment.reductions_kw.tolist() == pytest.approx([0, 5, 0, 0], abs=1e-6)
    assert commitment.committed_kw == pytest.approx(5.0 - 1.2816, abs=1e-3)
    assert commitment.confidence_ratio == 0.9
    assert cost(plan, CostCause.DEMAND_RESPONSE) == pytest.approx(-5.0)


def test_energy_that_is_moved_within_an_event_earns_nothing() -> None:
    empty = replace(STORE, initial_soc_ratio=0.0)
    dear = prices(HORIZON, [2.0, 0.2, 0.2, 2.0])  # not worth charging before the event
    home = site(asset("load", LOAD), asset("battery", empty), tariff=dear)
    reduction = PaidReduction(baseline_kw=np.full(4, 3.0), price_per_kwh=1.0)
    during = DemandResponseEvent(
        id="dr", range=TimeRange.of(START + HOUR, 2 * HOUR), kind=reduction
    )
    plan = solve(problem(HORIZON, home, events=(during,)))

    assert cost(plan, CostCause.DEMAND_RESPONSE) == pytest.approx(0.0, abs=1e-6)
    assert plan.commitments[0].reductions_kw.sum() <= 1e-6


@pytest.mark.parametrize(
    ("before_kwh", "lost", "charges"), [(0, 0, True), (2, 2, True), (9, 0, False)]
)
def test_what_counted_before_is_lost_by_using_more_now(
    before_kwh: float, lost: float, charges: bool
) -> None:
    empty = replace(STORE, initial_soc_ratio=0.0, capacity_kwh=5.0)
    later = prices(HORIZON, [0.2, 0.8, 0.8, 0.8])  # a kWh stored in the event earns 0.6 later
    home = site(asset("load", LOAD), asset("battery", empty), tariff=later)
    reduction = PaidReduction(
        baseline_kw=np.full(4, 3.0), price_per_kwh=1.0, delivered_kwh=before_kwh
    )
    during = DemandResponseEvent(
        id="dr", range=TimeRange.of(START - HOUR, 2 * HOUR), kind=reduction
    )
    plan = solve(problem(HORIZON, home, events=(during,)))

    assert cost(plan, CostCause.DEMAND_RESPONSE) == pytest.approx(lost, abs=1e-6)
    assert bool(power(plan, "battery")[0] > 4.0) is charges


def test_using_more_than_the_baseline_is_allowed_and_not_paid() -> None:
    reduction = PaidReduction(baseline_kw=np.full(4, 1.0), price_per_kwh=0.01)
    bare = site(asset("load", LOAD), tariff=prices(HORIZON, [0.2] * 4))
    plan = solve(problem(HORIZON, bare, events=(event(reduction),)))
    assert cost(plan, CostCause.DEMAND_RESPONSE) == 0
    assert plan.commitments[0].committed_kw == 0


def reserve(**more: object) -> Reserve:
    given = {
        "id": "afrr",
        "range": TimeRange.of(START, 4 * HOUR),
        "direction": ReserveDirection.UP,
        "power_kw": 4.0,
        "activation_duration": HOUR,
    }
    return Reserve(**{**given, **more})  # type: ignore[arg-type]


def test_a_reserve_keeps_the_energy_behind_it() -> None:
    dear = replace(HOME, tariff=prices(HORIZON, [0.2, 0.2, 0.9, 0.2]))
    free = solve(problem(HORIZON, dear))
    held = solve(problem(HORIZON, dear, reserves=(reserve(),)))
    store = held.asset("sites/home/assets/battery").soc_ratios
    assert store is not None
    assert store.min() >= 0.4 - 1e-6
    assert held.reserves[0].powers_kw.tolist() == pytest.approx([4.0] * 4)
    assert held.total_cost > free.total_cost
    assert held.unmet_requirements == ()


def test_a_reserve_beyond_what_is_there_is_named() -> None:
    plan = solve(problem(HORIZON, HOME, reserves=(reserve(power_kw=12.0),)))
    (requirement,) = plan.unmet_requirements
    assert requirement.kind is RequirementKind.RESERVE
    assert requirement.impossible
    assert "Reserve afrr wants 12.0 kW up" in requirement.message


def test_a_reserve_of_a_group_says_what_each_site_holds_of_it() -> None:
    stores = (STORE, replace(STORE, max_discharge_power_kw=2.0))
    sites = [
        site(asset("load", LOAD), asset("battery", store), tariff=prices(HORIZON, [0.2] * 4))
        for store in stores
    ]
    both = [
        replace(
            each, name=name, assets=tuple(replace(a, name=f"{name}/{a.name}") for a in each.assets)
        )
        for name, each in zip(("sites/one", "sites/other"), sites, strict=True)
    ]
    plan = solve(problem(HORIZON, *both, reserves=(reserve(power_kw=6.0),)))

    (held,) = plan.reserves
    assert held.powers_kw.tolist() == pytest.approx([6.0] * 4)
    assert sum(held.sites_kw.values()).tolist() == pytest.approx([6.0] * 4)  # type: ignore[union-attr]
    assert held.sites_kw["sites/one"].min() >= 4.0 - 1e-6  # the other gives 2 kW at most
    assert plan.unmet_requirements == ()


def test_an_offered_reserve_is_held_only_when_it_pays() -> None:
    offer = reserve(shortfall_price_per_kw_hour=0.0, price_per_kw_hour=0.05)
    plan = solve(problem(HORIZON, HOME, reserves=(offer,)))
    assert cost(plan, CostCause.RESERVE) < -0.1
    assert plan.unmet_requirements == ()


def test_generation_can_be_turned_down_for_a_reserve_down() -> None:
    pv = site(asset("pv", RenewableSource(powers_kw=np.full(4, -5.0))))
    down = reserve(direction=ReserveDirection.DOWN, power_kw=5.0)
    plan = solve(problem(HORIZON, pv, reserves=(down,)))
    assert plan.reserves[0].powers_kw.tolist() == pytest.approx([5.0] * 4)


def test_an_islanding_reserve_holds_hours_of_critical_load() -> None:
    load = FixedLoad(powers_kw=np.full(4, 3.0), critical_powers_kw=np.full(4, 1.0))
    reserve = IslandingReserve(duration=2 * HOUR, percentile_ratio=0.9)
    home = site(
        asset("load", load),
        asset("battery", STORE),
        tariff=prices(HORIZON, [0.9, 0.2, 0.2, 0.2]),
        islanding_reserve=reserve,
    )
    plan = solve(problem(HORIZON, home))
    socs = plan.asset("sites/home/assets/battery").soc_ratios
    assert socs is not None
    assert socs[1] == pytest.approx(0.2)
    assert power(plan, "battery")[0] == pytest.approx(-3.0)


def test_an_islanding_reserve_out_of_reach_is_named_with_its_percentile() -> None:
    reserve = IslandingReserve(duration=8 * HOUR, percentile_ratio=0.9)
    home = site(asset("load", LOAD), asset("battery", STORE), islanding_reserve=reserve)
    plan = solve(problem(HORIZON, home))
    (requirement,) = plan.unmet_requirements
    assert requirement.kind is RequirementKind.ISLANDING_RESERVE
    assert "should hold 24.0 kWh for 8 h without grid (P90 of critical load)" in requirement.message
