"""A plan of many sites that share limits, each of them planned apart at prices of its exchange.

Sites answer prices by what they would do; a master programme chooses among their answers and makes
new prices of that; what all answers cost at one price bounds what any plan does. Whatever the time,
what was chosen last is a plan, with a stated gap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.app.fleet.assemble import assembled
from wattmesh_optimizer.app.fleet.finish import MOST_TOGETHER, Replanned, chosen
from wattmesh_optimizer.app.fleet.master import Choice, Master, Prices
from wattmesh_optimizer.app.fleet.sample import sampled_prices
from wattmesh_optimizer.app.fleet.search import Search
from wattmesh_optimizer.app.fleet.sites import Block, FleetSites, sites_a_block
from wattmesh_optimizer.app.options import SolveOptions, gap_ratio
from wattmesh_optimizer.app.ports import Solver
from wattmesh_optimizer.app.stopwatch import Stopwatch
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.fleet import Shared, shared_by, within_horizon
from wattmesh_optimizer.domain.plan import Plan, SitePlan, SolverInformation, SolveStatus
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.schedule import Schedule
from wattmesh_optimizer.domain.tariffs import SiteTariff, site_tariffs
from wattmesh_optimizer.domain.trajectory import simulate
from wattmesh_optimizer.formulation.apart import Links, flow_of, write_apart, write_shared
from wattmesh_optimizer.formulation.model import Context, Flow
from wattmesh_optimizer.formulation.program import Program

MOST_IN_A_LOT = 5
LOTS = 100
"""So many lots are enough for prices that fit; more make the choice among them longer."""

KEPT_RATIO = 0.6
"""Time kept for what comes after the search, over that of writing the sites."""

SEARCH_SHARE = 0.8
"""The part of the gap asked for that the search leaves."""

LEAST_TO_SETTLE = timedelta(seconds=0.2)

Together = Callable[[Problem, SolveOptions], Plan]


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A fleet in matrices."""

    shared: Shared
    tariffs: Sequence[SiteTariff | None]
    sites: FleetSites
    flows: Sequence[Flow]
    links: Links
    offset: float
    cohort_of: NDArray[np.int64]

    def size(self, of: Callable[[Program], int]) -> int:
        """Return a size of all matrices together."""
        programs = [block.apart.ctx.program for block in self.sites.blocks]
        return sum(of(program) for program in (*programs, self.links.ctx.program))


class PlanApart:
    """Plans sites apart; `together` plans a few of them in one matrix."""

    def __init__(self, solver: Solver, together: Together) -> None:
        self._solver = solver
        self._together = together

    def __call__(self, problem: Problem, options: SolveOptions, watch: Stopwatch) -> Plan:
        """Return a plan: of no control where there was no time for any other.

        The problem must be separable. Zones are planned within the horizon: the bound is of what
        plans cost, and what comes after them would be a part of it.
        """
        problem = within_horizon(problem)
        written = self._written(problem)
        watch.keep(KEPT_RATIO)
        before = watch.elapsed
        lot_of, lot_cohorts = _lots(written)
        search = Search(
            written.sites,
            Master(self._solver, written.links, lot_cohorts),
            lot_of,
            watch.left_to_solve,
        )
        first = self._first_prices(problem, written, watch)
        if first is not None:
            prices, exchanges = first
            if written.shared.cohorts:
                search.start(prices, exchanges)
            search.run(prices, SEARCH_SHARE * options.gap_ratio, written.offset)
        choice = search.settle(max(watch.left_to_solve(), LEAST_TO_SETTLE))
        solver_s = (watch.elapsed - before).total_seconds()
        if choice is None:
            plan = simulate(problem, Schedule(as_orders=True))[0]
        else:
            plan = self._finished(problem, written, search, choice, options, watch)
        gap = gap_ratio(plan.total_cost, search.bound + written.offset)
        status = SolveStatus.FALLBACK if choice is None else _status(gap, options)
        information = SolverInformation(
            status=status,
            gap_ratio=gap,
            solver_duration=timedelta(seconds=solver_s),
            total_duration=watch.elapsed,
            mixed_integer=False,
            row_count=written.size(lambda program: program.row_count),
            column_count=written.size(lambda program: program.column_count),
            entry_count=written.size(lambda program: program.entry_count),
            integer_count=0,
            solver_name=self._solver.name,
            rounds=search.rounds,
        )
        return replace(plan, solver=information)

    def _written(self, problem: Problem) -> Written:
        count, horizon = len(problem.sites), problem.horizon
        size = sites_a_block(count)
        tariffs = site_tariffs(problem.sites, horizon)
        shared = shared_by(problem, tariffs)
        cohort_of = np.full(count, -1)
        for number, cohort in enumerate(shared.cohorts):
            cohort_of[list(cohort.indices)] = number
        parts = [
            write_apart(problem, shared, range(first, min(count, first + size)), tariffs)
            for first in range(0, count, size)
        ]
        own = [site.flow for part in parts for site in part.sites]
        flows = [flow_of(cohort, horizon.count, own) for cohort in shared.cohorts]
        ctx = Context(horizon=horizon, goals=problem.goals)
        return Written(
            shared=shared,
            tariffs=tariffs,
            sites=FleetSites([Block(self._solver, part, cohort_of) for part in parts]),
            flows=flows,
            links=write_shared(ctx, problem, shared, tariffs, flows),
            offset=sum(part.ctx.program.offset for part in parts),
            cohort_of=cohort_of,
        )

    def _first_prices(
        self, problem: Problem, written: Written, watch: Stopwatch
    ) -> tuple[Prices, Floats] | None:
        if not written.shared.cohorts:
            nothing = np.zeros((0, problem.horizon.count))
            return Prices(nothing, 0.0), nothing
        return sampled_prices(
            self._solver,
            problem,
            written.shared,
            written.tariffs,
            written.flows,
            watch.left_to_solve(),
        )

    def _finished(
        self,
        problem: Problem,
        written: Written,
        search: Search,
        choice: Choice,
        options: SolveOptions,
        watch: Stopwatch,
    ) -> Plan:
        """Return a plan of every site in which no rule is broken."""
        replan = Replanned(self._solver, problem, written.shared, written.tariffs, self._together)
        found = chosen(search, choice)
        count = int((found.mixed | found.unsound).sum())
        if count > MOST_TOGETHER:
            for index in np.flatnonzero(found.unsound & ~found.mixed).tolist():
                cohort = written.cohort_of[index]
                prices = choice.prices.per_kw[cohort] if cohort >= 0 else None
                if watch.left_to_solve() <= timedelta(0):
                    break
                alone = replan.alone(index, prices, options.gap_ratio, watch.left_to_solve)
                found.put(index, alone)
        again = np.flatnonzero(found.mixed | found.unsound)[:MOST_TOGETHER].tolist()
        if not choice.is_plan:  # some more are needed to bring the sum where it has to be
            every = np.linspace(0, len(problem.sites) - 1, MOST_TOGETHER).astype(int).tolist()
            again = list(dict.fromkeys((*again, *every)))[:MOST_TOGETHER]
        replanned: dict[int, SitePlan] = {}
        if again and watch.left() > timedelta(0):
            limited = replace(options, time_limit=watch.left())
            replanned = replan.together(again, found.nets_kw, limited)
        found.unsound[list(replanned)] = False
        for index in np.flatnonzero(found.unsound).tolist():
            replanned[index] = found.by_physics(problem, index)
        return assembled(problem, written.tariffs, written.sites, found.values, replanned)


def _status(gap: float, options: SolveOptions) -> SolveStatus:
    enough = max(options.gap_ratio, 1e-6) * 1.001
    return SolveStatus.OPTIMAL if gap <= enough else SolveStatus.TIME_LIMIT


def _lots(written: Written) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return to which lot each site belongs, and to which cohort each lot."""
    count = len(written.cohort_of)
    size = int(np.clip(count // LOTS, 1, MOST_IN_A_LOT))
    lot_of, cohorts, first = np.zeros(count, dtype=np.int64), list[int](), 0
    for cohort in np.unique(written.cohort_of):
        own = np.flatnonzero(written.cohort_of == cohort)
        lot_of[own] = first + np.arange(len(own)) // size
        fresh = -(-len(own) // size)
        cohorts += [int(cohort)] * fresh
        first += fresh
    return lot_of, np.array(cohorts)
