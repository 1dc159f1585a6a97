"""Plans that weigh what else may come: one first decision, and a later one for each member."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.optimizer_problem import SITE as SENT_SITE
from tests.fakes.optimizer_problem import every_kind
from tests.truth.optimizer.programme import INFINITY, Programme
from tests.unit.optimizer.sites import asset, horizon_of, power, prices, problem, site, solve
from wattmesh.optimizer.v1 import problem_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_optimizer.api.problem import problem_from_proto
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.electrical import FixedLoad
from wattmesh_optimizer.domain.ensemble import Ensemble
from wattmesh_optimizer.domain.fleet import separable
from wattmesh_optimizer.domain.plan import SolveStatus
from wattmesh_optimizer.domain.problem import Goals, Problem
from wattmesh_optimizer.domain.storage import Battery

PRICES = [0.2, 0.1, 0.3, 0.5, 0.4, 0.2]
HOURS = len(PRICES)
LOAD = "sites/home/assets/load"
PEAK_PRICE = 0.7
EFFICIENCY = 0.9
STORE = Battery(
    capacity_kwh=5.0,
    max_charge_power_kw=2.0,
    max_discharge_power_kw=2.0,
    initial_soc_ratio=0.4,
    charge_efficiency_ratio=EFFICIENCY,
    discharge_efficiency_ratio=EFFICIENCY,
)


def drawn(seed: int) -> tuple[Floats, ...]:
    """What is expected, and three other courses."""
    random = np.random.default_rng(seed)
    return tuple(random.uniform(0.2, 4.0, HOURS) for _ in range(4))


def of(loads: tuple[Floats, ...], *, risk: float = 0.0, shared: int = 2) -> Problem:
    """A battery beside a load, an hour at a time, with a price on the highest import."""
    horizon = horizon_of(HOURS)
    return problem(
        horizon,
        site(
            asset("load", FixedLoad(powers_kw=loads[0])),
            asset("battery", STORE),
            tariff=prices(horizon, PRICES),
        ),
        goals=Goals(peak_price_per_kw=PEAK_PRICE),
        ensemble=Ensemble(
            members=tuple({LOAD: each} for each in loads[1:]),
            shared_duration=shared * horizon.resolution,
            risk_ratio=risk,
        ),
    )


def least(loads: tuple[Floats, ...], first_kw: Floats | None, *, risk: float, shared: int) -> float:
    """Return the least of mean and worst tenth, written on its own; `first_kw` is then decided."""
    programme = Programme()
    chance = 1.0 / len(loads)
    edge = programme.column(risk, lower=-INFINITY)
    before: list[int] = []
    for load in loads:
        cost: list[tuple[int, float]] = []
        peak = programme.column((1 - risk) * chance * PEAK_PRICE)
        cost.append((peak, PEAK_PRICE))
        stored, powers = None, []
        for hour, price in enumerate(PRICES):
            buys = programme.column((1 - risk) * chance * price)
            cost.append((buys, price))
            sells, charge = programme.column(), programme.column(upper=2.0)
            give, energy = programme.column(upper=2.0), programme.column(upper=5.0)
            programme.row([(buys, 1), (sells, -1), (charge, -1), (give, 1)], load[hour], load[hour])
            terms = [(energy, 1.0), (charge, -EFFICIENCY), (give, 1 / EFFICIENCY)]
            begins = 2.0 if stored is None else 0.0
            programme.row([*terms, *([] if stored is None else [(stored, -1.0)])], begins, begins)
            programme.row([(peak, 1.0), (buys, -1.0), (sells, 1.0)], lower=0.0)
            stored = energy
            told = programme.column(lower=-INFINITY)
            programme.row([(told, 1.0), (charge, -1.0), (give, 1.0)], 0.0, 0.0)
            powers.append(told)
        for hour in range(shared):
            if before:
                programme.row([(powers[hour], 1.0), (before[hour], -1.0)], 0.0, 0.0)
            elif first_kw is not None:
                programme.row([(powers[hour], 1.0)], first_kw[hour], first_kw[hour])
        before = before or powers
        above = programme.column(risk * chance / 0.1)
        less = [(column, -amount) for column, amount in cost]
        programme.row([(above, 1.0), (edge, 1.0), *less], lower=0.0)
    return programme.least()


@pytest.mark.parametrize("risk", [0.0, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_decided_first_costs_no_more_over_all_members_than_the_best(
    seed: int, risk: float
) -> None:
    loads = drawn(seed)
    plan = solve(of(loads, risk=risk))
    assert plan.solver is not None
    assert plan.solver.status is SolveStatus.OPTIMAL
    best = least(loads, None, risk=risk, shared=2)
    told = least(loads, power(plan, "battery"), risk=risk, shared=2)
    assert told == pytest.approx(best, abs=1e-6)


def test_a_plan_for_what_is_expected_alone_would_cost_more() -> None:
    missed = []
    for seed in range(4):
        loads = drawn(seed)
        alone = solve(replace(of(loads), ensemble=None))
        told = least(loads, power(alone, "battery"), risk=0.0, shared=2)
        missed.append(told - least(loads, None, risk=0.0, shared=2))
    assert min(missed) > -1e-6
    assert max(missed) > 0.01


def test_the_plan_and_its_bill_are_those_of_what_is_expected() -> None:
    loads = drawn(1)
    plan = solve(of(loads))
    bought = plan.sites[0].import_kw
    assert bought - plan.sites[0].export_kw == pytest.approx(loads[0] + power(plan, "battery"))
    bill = float(bought @ PRICES) + PEAK_PRICE * float(bought.max())
    assert plan.total_cost == pytest.approx(bill)


def test_members_that_are_all_as_expected_change_nothing_and_plans_say_why() -> None:
    loads = drawn(2)
    sure = solve(replace(of(loads), ensemble=None))
    plan = solve(of((loads[0],) * 3, risk=0.3), explain=True)
    assert plan.total_cost == pytest.approx(sure.total_cost)
    assert plan.explanation is not None


def test_sites_with_members_are_planned_in_one_matrix() -> None:
    assert not separable(of(drawn(0)))


def sent() -> problem_pb2.Problem:
    proto = every_kind()
    member = proto.ensemble.members.add()
    member.powers.add(asset=f"{SENT_SITE}/assets/load", powers_w=[2000.0] * 4)
    proto.ensemble.risk_ratio = 0.25
    proto.ensemble.shared_duration.seconds = 7200
    return proto


def test_members_come_as_they_were_sent_and_every_kind_of_asset_is_planned_by_them() -> None:
    found = problem_from_proto(sent())
    assert found.ensemble is not None
    assert found.ensemble.members[0][f"{SENT_SITE}/assets/load"] == pytest.approx([2.0] * 4)
    assert found.ensemble.risk_ratio == 0.25
    assert found.ensemble.shared_count(found.horizon.resolution, found.horizon.count) == 2
    plan = solve(found, gap_ratio=0.01)
    assert plan.solver is not None
    assert plan.solver.status is SolveStatus.OPTIMAL


def test_members_that_make_no_sense_are_refused_with_their_field() -> None:
    nobody, short, twice, none, risky = (sent() for _ in range(5))
    nobody.ensemble.members[0].powers[0].asset = f"{SENT_SITE}/assets/battery"
    del short.ensemble.members[0].powers[0].powers_w[0]
    twice.ensemble.members[0].powers.append(twice.ensemble.members[0].powers[0])
    del none.ensemble.members[:]
    risky.ensemble.risk_ratio = float("nan")
    for proto in (nobody, short, twice, none, risky):
        with pytest.raises(InvalidArgument) as refused:
            problem_from_proto(proto)
        assert "ensemble" in str(refused.value.field)
