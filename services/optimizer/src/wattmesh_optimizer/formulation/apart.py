"""Sites of a problem written without what they share, and what they share written without them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.fleet import Cohort, Shared, as_one_site
from wattmesh_optimizer.domain.problem import PaidReduction, Problem
from wattmesh_optimizer.domain.site import PowerLimits, Site
from wattmesh_optimizer.domain.tariffs import SiteTariff
from wattmesh_optimizer.formulation.build import Formulation, export_pays
from wattmesh_optimizer.formulation.discrete import broken_columns
from wattmesh_optimizer.formulation.events import add_event, add_summed_event
from wattmesh_optimizer.formulation.groups import add_group
from wattmesh_optimizer.formulation.model import AssetModel, Context, Flow, Term
from wattmesh_optimizer.formulation.program import INFINITY, Ints
from wattmesh_optimizer.formulation.reserves import add_islanding_reserve
from wattmesh_optimizer.formulation.site import SiteModel, build_site


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """Some sites in one matrix in which nothing couples them.

    `indices`: the sites' in the problem. Site k has columns `edges[k]` to `edges[k + 1]`.
    Its exchange is the sum of `net_signs` times the columns `net_columns`, by `net_sites` (its
    position here) and `net_intervals`.
    """

    problem: Problem
    indices: tuple[int, ...]
    ctx: Context
    sites: tuple[SiteModel, ...]
    edges: NDArray[np.int64]
    net_columns: Ints
    net_sites: Ints
    net_intervals: Ints
    net_signs: Floats

    @property
    def formulation(self) -> Formulation:
        """The sites as a formulation of their own, to read plans and costs."""
        return Formulation(self.problem, self.ctx, self.sites, {})

    def nets_kw(self, values: Floats) -> Floats:
        """Return what each site exchanges, shape (sites, intervals) [kW]."""
        nets = np.zeros((len(self.sites), self.ctx.count))
        flows = self.net_signs * values[self.net_columns]
        np.add.at(nets, (self.net_sites, self.net_intervals), flows)
        return nets

    def by_site(self, amounts: Floats) -> Floats:
        """Return the sums of one amount per column over each site's columns."""
        return np.add.reduceat(amounts, self.edges[:-1])

    def breakers(self, values: Floats) -> NDArray[np.bool_]:
        """Return which sites' columns break a rule that only binaries hold."""
        broken = broken_columns(self.ctx, values)
        found = np.zeros(len(self.sites), dtype=np.bool_)
        found[np.searchsorted(self.edges, broken, side="right") - 1] = True
        return found


def write_apart(
    problem: Problem,
    shared: Shared,
    indices: Sequence[int],
    tariffs: Sequence[SiteTariff | None],
) -> Apart:
    """Write the sites with these indices, and what concerns each of them alone."""
    ctx = Context(
        horizon=problem.horizon,
        goals=problem.goals,
        ramp_prices_per_kw=[problem.goals.ramp_price_per_kw] * len(indices),
        export_pays=[export_pays(tariffs[index], problem.horizon.count) for index in indices],
    )
    models, edges = [], [0]
    for position, index in enumerate(indices):
        site = problem.sites[index]
        netted = problem.netted_group(site) is not None
        model = build_site(ctx, position, site, tariffs[index], netted=netted)
        for event in shared.own_events[index]:
            add_event(ctx, event, [model])
        add_islanding_reserve(ctx, model)
        models.append(model)
        edges.append(ctx.program.column_count)
    return Apart(problem, tuple(indices), ctx, tuple(models), np.array(edges), *_nets(ctx, models))


def _nets(ctx: Context, models: Sequence[SiteModel]) -> tuple[Ints, Ints, Ints, Floats]:
    parts: list[tuple[Ints, Ints, Ints, Floats]] = []
    for position, model in enumerate(models):
        for term in model.net_terms(ctx.intervals):
            size = len(term.columns)
            sites = np.full(size, position, dtype=np.int32)
            signs = np.full(size, float(np.asarray(term.factor)))
            parts.append((term.columns, sites, term.intervals, signs))
    columns, sites, intervals, signs = (np.concatenate(each) for each in zip(*parts, strict=True))
    return columns, sites, intervals, signs


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """What a cohort of sites exchanges, as columns, in the place of a site's model."""

    site: Site
    tariff: SiteTariff | None
    net: Ints
    flow: Flow
    models: tuple[AssetModel, ...] = ()

    def net_terms(self, intervals: Ints) -> tuple[Term, ...]:
        """Return the exchange."""
        return (Term(intervals, self.net),)


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """What is shared, written for free exchanges of the cohorts.

    Row `rows[b, k]` says that the exchange of cohort b in interval k, less what its sites
    exchange, is 0: its dual is what one more kW there costs all.
    """

    ctx: Context
    rows: Ints

    def put(self, cohort: Ints, nets_kw: Floats, columns: Ints) -> None:
        """Let column j exchange `nets_kw[j]` for the cohort `cohort[j]`, each interval."""
        self.ctx.program.put(
            self.rows[cohort].ravel(), np.repeat(columns, self.ctx.count), -nets_kw.ravel()
        )


def write_shared(
    ctx: Context,
    problem: Problem,
    shared: Shared,
    tariffs: Sequence[SiteTariff | None],
    flows: Sequence[Flow],
) -> Links:
    """Write what is shared; `flows` bound what each cohort can exchange."""
    count = problem.horizon.count
    exchanges, rows = {}, np.zeros((len(shared.cohorts), count), dtype=np.int32)
    for number, (cohort, flow) in enumerate(zip(shared.cohorts, flows, strict=True)):
        net = ctx.program.columns(count, lower=-INFINITY)
        rows[number] = ctx.program.rows(0.0, 0.0, count)
        ctx.program.put(rows[number], net, 1.0)
        site, tariff = as_one_site(cohort, problem.sites), tariffs[cohort.indices[0]]
        exchanges[cohort.name] = Exchange(site, tariff, net, flow)
    for group in shared.groups:
        add_group(ctx, group, [exchanges[name] for name in group.site_names])
    for event in shared.events:
        if isinstance(event.kind, PowerLimits | PaidReduction):
            own = [exchanges[name] for name in event.site_names]
            add_summed_event(ctx, event, event.kind, own)
    return Links(ctx, rows)


def flow_of(cohort: Cohort, count: int, flows: Sequence[Flow]) -> Flow:
    """Return the bounds of what a cohort exchanges; `flows` by index of the site."""
    low, high = np.zeros(count), np.zeros(count)
    for index in cohort.indices:
        low += flows[index].low_kw
        high += flows[index].high_kw
    return Flow(fixed_kw=np.zeros(count), terms=(), low_kw=low, high_kw=high)
