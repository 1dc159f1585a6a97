"""Sites of a group flatten what they exchange together, within what that may cost."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.optimizer.laws import broken_laws
from tests.unit.optimizer.sites import cost, horizon_of, prices, problem, solve
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff import DemandCharge, Tariff
from wattmesh_optimizer.domain.electrical import FixedLoad, RenewableSource
from wattmesh_optimizer.domain.flatness import changes_kw
from wattmesh_optimizer.domain.plan import CostCause, Plan
from wattmesh_optimizer.domain.problem import Goals, Problem, SiteGroup
from wattmesh_optimizer.domain.site import Asset, AssetKind, Site
from wattmesh_optimizer.domain.storage import Battery

NAMES = ("a", "b", "c")
NIGHT = 8
"""Cheap hours before as many dear ones."""
STORE = Battery(
    capacity_kwh=8, max_charge_power_kw=8, max_discharge_power_kw=8, initial_soc_ratio=0.0
)


def home(name: str, tariff: Tariff | None, **kinds: AssetKind) -> Site:
    assets = tuple(Asset(name=f"sites/{name}/assets/{key}", kind=of) for key, of in kinds.items())
    return Site(name=f"sites/{name}", assets=assets, tariff=tariff)


def night_and_day(**group: Any) -> Problem:
    """Three homes of 1 kW each, with a battery that is best filled somewhen at night."""
    horizon = horizon_of(2 * NIGHT)
    tariff = prices(horizon, [0.2] * NIGHT + [0.4] * NIGHT)
    load = FixedLoad(powers_kw=np.ones(horizon.count))
    sites = [home(name, tariff, load=load, battery=STORE) for name in NAMES]
    return problem(horizon, *sites, groups=(of_all(**group),))


def of_all(**more: Any) -> SiteGroup:
    names = tuple(f"sites/{name}" for name in NAMES)
    return SiteGroup(name="groups/street", site_names=names, **more)


def bill(plan: Plan) -> float:
    return cost(plan, CostCause.ENERGY) + cost(plan, CostCause.EXPORT_CREDIT)


def test_of_plans_that_cost_the_same_a_group_takes_the_flat_one() -> None:
    of = night_and_day()
    plan, cheapest = solve(of), solve(night_and_day(ramp_price_per_kw=0.0))
    assert bill(plan) == pytest.approx(bill(cheapest), abs=1e-6)
    assert plan.groups[0].peak_kw == pytest.approx(3 + 3 * 8 / NIGHT)
    assert changes_kw(plan.groups[0].powers_kw, None) == pytest.approx(6.0)
    assert list(broken_laws(of, plan)) == []


def test_flattening_costs_no_more_than_the_changes_it_saves_are_worth() -> None:
    of = night_and_day(ramp_price_per_kw=0.05)
    plan, cheapest = solve(of), solve(night_and_day(ramp_price_per_kw=0.0))
    saved = changes_kw(cheapest.groups[0].powers_kw, None)
    saved -= changes_kw(plan.groups[0].powers_kw, None)
    assert bill(plan) - bill(cheapest) <= 0.05 * saved + 1e-6


def test_flattening_counts_as_much_in_any_currency_where_the_group_does_not_say() -> None:
    of = night_and_day()
    changes = changes_kw(solve(of).groups[0].powers_kw, None)
    assert cost(solve(of), CostCause.RAMP) == pytest.approx(0.05 * 0.3 * changes)


def test_the_first_change_is_counted_from_the_power_before() -> None:
    of = night_and_day()
    sites = tuple(replace(site, power_before_kw=1.0) for site in of.sites)
    plan = solve(replace(of, sites=sites))
    changes = changes_kw(plan.groups[0].powers_kw, 3.0)
    assert cost(plan, CostCause.RAMP) == pytest.approx(0.05 * 0.3 * changes)
    assert list(broken_laws(replace(of, sites=sites), plan)) == []


def test_a_site_alone_flattens_its_power_when_told_so() -> None:
    horizon = horizon_of(NIGHT + 1)
    tariff = prices(horizon, [0.2] * NIGHT + [0.4])
    alone = home("a", tariff, battery=replace(STORE, final_soc_ratio=1.0))
    of = problem(horizon, alone, goals=Goals(ramp_price_per_kw=0.01))
    plan = solve(of)
    assert plan.sites[0].import_kw.max() == pytest.approx(1.0)
    assert list(broken_laws(of, plan)) == []


def sunny_neighbours(**group: Any) -> Problem:
    """One home has sun to spare while the others pay for what they take."""
    horizon = horizon_of(4)
    tariff = prices(horizon, [0.3] * 4, 0.05)
    sun = RenewableSource(powers_kw=np.full(4, -2.0))
    load = FixedLoad(powers_kw=np.full(4, 1.5))
    sites = (home("a", tariff, pv=sun), home("b", tariff, load=load), home("c", tariff, load=load))
    return problem(horizon, *sites, groups=(of_all(ramp_price_per_kw=0.0, **group),))


def test_netted_billing_bills_the_sum_and_not_each_site() -> None:
    of = sunny_neighbours(netted_billing=True)
    plan = solve(of)
    assert plan.total_cost == pytest.approx(4 * 1.0 * 0.3)
    assert list(broken_laws(of, plan)) == []
    assert solve(sunny_neighbours()).total_cost == pytest.approx(4 * (3.0 * 0.3 - 2.0 * 0.05))


def test_netted_billing_lets_a_battery_keep_to_itself_what_a_neighbour_can_use() -> None:
    of = sunny_neighbours(netted_billing=True)
    stored = replace(STORE, charge_efficiency_ratio=0.8)
    first = of.sites[0]
    battery = Asset(name="sites/a/assets/battery", kind=stored)
    of = replace(of, sites=(replace(first, assets=(*first.assets, battery)), *of.sites[1:]))
    assert np.abs(solve(of).asset("sites/a/assets/battery").powers_kw).max() < 1e-6


def test_netted_billing_is_refused_where_there_is_no_one_energy_tariff() -> None:
    of = sunny_neighbours(netted_billing=True)
    other = replace(of.sites[0], tariff=prices(of.horizon, [0.4] * 4))
    with pytest.raises(InvalidArgument, match="one tariff"):
        replace(of, sites=(other, *of.sites[1:]))
    charge = DemandCharge(id="peak", price_per_kw=5.0)
    dear = prices(of.horizon, [0.3] * 4, demand_charges=(charge,))
    with pytest.raises(InvalidArgument, match="energy prices alone"):
        replace(of, sites=tuple(replace(site, tariff=dear) for site in of.sites))


def test_a_flat_plan_does_not_lose_energy_on_purpose_nor_needs_binaries_not_to() -> None:
    """Sun that nobody takes would be flatter if a battery burnt some of it."""
    horizon = horizon_of(6)
    lossy = replace(STORE, charge_efficiency_ratio=0.8, discharge_efficiency_ratio=0.8)
    sun = RenewableSource(powers_kw=-np.array([0.0, 9.0, 9.0, 9.0, 9.0, 0.0]))
    tariff = prices(horizon, [0.3] * 6)
    sites = [home(name, tariff, pv=sun, battery=lossy) for name in NAMES]
    of = problem(horizon, *sites, groups=(of_all(ramp_price_per_kw=0.2),))
    plan = solve(of)
    assert plan.solver is not None
    assert not plan.solver.mixed_integer
    assert plan.solver.gap_ratio == 0.0
    assert list(broken_laws(of, plan)) == []


@pytest.mark.parametrize("export", [0.0, 0.05])
def test_no_sun_is_thrown_away_so_that_power_changes_less(export: float) -> None:
    of = sunny_noon(export)
    plan = solve(of)
    assert curtailed_kw(plan) == pytest.approx(0.0, abs=1e-6)
    assert list(broken_laws(of, plan)) == []


def test_sun_whose_export_costs_money_is_still_curtailed() -> None:
    assert curtailed_kw(solve(sunny_noon(-0.10))) == pytest.approx(5.0, abs=1e-6)


def sunny_noon(export: float) -> Problem:
    """A home of 1 kW that exports 5 kW in one hour of three."""
    horizon = horizon_of(3)
    tariff = prices(horizon, [0.3] * 3, [export] * 3)
    sun = RenewableSource(powers_kw=np.array([0.0, -6.0, 0.0]), curtailable=True)
    load = FixedLoad(powers_kw=np.ones(3))
    group = SiteGroup(name="groups/one", site_names=("sites/a",), ramp_price_per_kw=0.1)
    return problem(horizon, home("a", tariff, load=load, sun=sun), groups=(group,))


def curtailed_kw(plan: Plan) -> float:
    (sun,) = (each for each in plan.sites[0].assets if each.name.endswith("/sun"))
    assert sun.curtailed_kw is not None
    return float(np.sum(sun.curtailed_kw))
