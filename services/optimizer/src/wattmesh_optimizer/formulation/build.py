"""The whole problem as one matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.assumptions import assumptions
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.flatness import ramp_price_per_kw
from wattmesh_optimizer.domain.plan import CostCause, CostItem, ReserveHolding, SitePlan
from wattmesh_optimizer.domain.problem import Problem
from wattmesh_optimizer.domain.tariffs import SiteTariff, site_tariffs
from wattmesh_optimizer.formulation.events import add_event
from wattmesh_optimizer.formulation.groups import add_group
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.program import Ints
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
        for charge in self.ctx.program.charges:
            key = (charge.site, charge.cause, charge.subject)
            amount = float(charge.prices @ values[charge.columns])
            amounts[key] = amounts.get(key, 0.0) + amount
        for constant in self.ctx.program.constants:
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


def formulate(problem: Problem) -> Formulation:
    """Build the matrix of a problem."""
    tariffs = site_tariffs(problem.sites, problem.horizon)
    ctx = Context(
        horizon=problem.horizon,
        goals=problem.goals,
        ramp_prices_per_kw=_ramp_prices(problem, tariffs),
        export_pays=[export_pays(each, problem.horizon.count) for each in tariffs],
    )
    sites = tuple(
        build_site(ctx, index, site, tariff, netted=problem.netted_group(site) is not None)
        for index, (site, tariff) in enumerate(zip(problem.sites, tariffs, strict=True))
    )
    for group in problem.groups:
        add_group(ctx, group, [sites[index] for index in problem.site_indices(group.site_names)])
    for event in problem.events:
        add_event(ctx, event, [sites[index] for index in problem.site_indices(event.site_names)])
    reserves = ReserveBuilder(ctx)
    for reserve in problem.reserves:
        reserves.add(reserve, [sites[index] for index in problem.site_indices(reserve.site_names)])
    for site in sites:
        add_islanding_reserve(ctx, site)
    return Formulation(problem, ctx, sites, reserves.missing, reserves.held)


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
