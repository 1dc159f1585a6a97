"""The whole problem as one matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.assumptions import assumptions
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.ensemble import as_in
from wattmesh_optimizer.domain.flatness import ramp_price_per_kw
from wattmesh_optimizer.domain.plan import CostCause, CostItem, ReserveHolding, SitePlan
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.site import Site
from wattmesh_optimizer.domain.tariffs import SiteTariff, site_tariffs
from wattmesh_optimizer.formulation.ensemble import add_members
from wattmesh_optimizer.formulation.events import add_event
from wattmesh_optimizer.formulation.groups import add_group
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.program import Charge, Constant, Ints
from wattmesh_optimizer.formulation.reserves import ReserveBuilder, add_islanding_reserve
from wattmesh_optimizer.formulation.site import SiteModel, build_site


@dataclass(frozen=True, slots=True, eq=False)
class Formulation:
    """The matrix in the making, and how to read a solution."""

    problem: Problem
    ctx: Context
    sites: tuple[SiteModel, ...]
    reserves_missing: Mapping[str, tuple[Ints, Ints]]
    reserves_held: Mapping[str, Sequence[tuple[int, Ints, Ints]]] = field(default_factory=dict)
    charges: Sequence[Charge] | None = None
    constants: Sequence[Constant] | None = None
    """What counts of what is expected where members are planned beside it; None: all."""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What was assumed where the problem said nothing, in words."""
        of_tariffs = (site.tariff.assumptions for site in self.sites if site.tariff is not None)
        return (*assumptions(self.problem), *(words for each in of_tariffs for words in each))

    def read_sites(self, values: Floats) -> tuple[SitePlan, ...]:
        """Return the sites' plans from the columns' values."""
        return tuple(site.read(values) for site in self.sites)

    def read_reserves(self, values: Floats) -> tuple[ReserveHolding, ...]:
        """Return the power held for each reserve."""
        held = []
        for reserve in self.problem.reserves:
            power = np.zeros(self.problem.horizon.count)
            if reserve.id in self.reserves_missing:
                intervals, missing = self.reserves_missing[reserve.id]
                power[intervals] = np.maximum(0.0, reserve.power_kw - values[missing])
            sites = self._held_by_site(reserve.id, values)
            held.append(ReserveHolding(reserve_id=reserve.id, powers_kw=power, sites_kw=sites))
        return tuple(held)

    def _held_by_site(self, reserve_id: str, values: Floats) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        for index, intervals, columns in self.reserves_held.get(reserve_id, ()):
            none = np.zeros(self.problem.horizon.count)
            power = found.setdefault(self.problem.sites[index].name, none)
            power[intervals] += np.maximum(0.0, values[columns])
        return {name: power for name, power in found.items() if power.any()}

    def costs(self, values: Floats) -> tuple[CostItem, ...]:
        """Return the cost by cause, subject and site."""
        amounts: dict[tuple[int | None, int, str], float] = {}
        charges, constants = self.charges, self.constants
        for charge in self.ctx.program.charges if charges is None else charges:
            key = (charge.site, charge.cause, charge.subject)
            amount = float(charge.prices @ values[charge.columns])
            amounts[key] = amounts.get(key, 0.0) + amount
        for constant in self.ctx.program.constants if constants is None else constants:
            key = (constant.site, constant.cause, constant.subject)
            amounts[key] = amounts.get(key, 0.0) + constant.amount
        names = [site.site.name for site in self.sites]
        return tuple(
            CostItem(
                cause=CostCause(cause),
                amount=amount,
                subject=subject,
                site=None if site is None else names[site],
            )
            for (site, cause, subject), amount in amounts.items()
            if amount
        )

    def objective(self, values: Floats) -> float:
        """Return what a solution costs as it is weighed: over all members, where there are."""
        program = self.ctx.program
        return program.offset + float(
            sum(charge.prices @ values[charge.columns] for charge in program.charges)
        )


def formulate(problem: Problem) -> Formulation:
    """Build the matrix of a problem."""
    tariffs = site_tariffs(problem.sites, problem.horizon)
    ctx = Context(
        horizon=problem.horizon,
        goals=problem.goals,
        ramp_prices_per_kw=_ramp_prices(problem, tariffs),
        export_pays=[export_pays(each, problem.horizon.count) for each in tariffs],
    )
    sites, reserves = _written(ctx, problem, problem.sites, tariffs)
    if problem.ensemble is None:
        return Formulation(problem, ctx, sites, reserves.missing, reserves.held)
    charges, constants = tuple(ctx.program.charges), tuple(ctx.program.constants)
    members = problem.ensemble.members

    def write(number: int) -> Sequence[SiteModel]:
        there = [as_in(site, members[number]) for site in problem.sites]
        return _written(ctx, problem, there, tariffs)[0]

    add_members(ctx, problem.ensemble, sites, write)
    return Formulation(problem, ctx, sites, reserves.missing, reserves.held, charges, constants)


def _written(
    ctx: Context, problem: Problem, sites: Sequence[Site], tariffs: Sequence[SiteTariff | None]
) -> tuple[tuple[SiteModel, ...], ReserveBuilder]:
    """Write all sites and what they share; return their models, and what is held of reserves."""
    models = tuple(
        build_site(ctx, index, site, tariff, netted=problem.netted_group(site) is not None)
        for index, (site, tariff) in enumerate(zip(sites, tariffs, strict=True))
    )
    for group in problem.groups:
        add_group(ctx, group, [models[index] for index in problem.site_indices(group.site_names)])
    for event in problem.events:
        add_event(ctx, event, [models[index] for index in problem.site_indices(event.site_names)])
    reserves = ReserveBuilder(ctx)
    for reserve in problem.reserves:
        reserves.add(reserve, [models[index] for index in problem.site_indices(reserve.site_names)])
    for model in models:
        add_islanding_reserve(ctx, model)
    return models, reserves


def _ramp_prices(problem: Problem, tariffs: Sequence[SiteTariff | None]) -> list[float]:
    prices = [problem.goals.ramp_price_per_kw] * len(problem.sites)
    for group in problem.groups:
        indices = problem.site_indices(group.site_names)
        price = ramp_price_per_kw(group, [tariffs[index] for index in indices])
        for index in indices:
            prices[index] += price
    return prices


def export_pays(tariff: SiteTariff | None, count: int) -> NDArray[np.bool_]:
    """Return in which intervals exporting costs nothing, shape (n,)."""
    if tariff is None:
        return np.ones(count, dtype=np.bool_)
    return np.asarray(tariff.lowered.export_price_per_kwh >= 0, dtype=np.bool_)
