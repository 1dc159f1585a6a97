"""A site: its assets and nodes, the balance at the grid connection, and what exchange costs.

import[k] - export[k] = flow into everything behind the connection
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.emissions import with_emissions
from wattmesh_optimizer.domain.network import node_flows
from wattmesh_optimizer.domain.plan import CostCause, RequirementKind, SitePlan
from wattmesh_optimizer.domain.problem import CarbonBasis
from wattmesh_optimizer.domain.site import ISLAND_PRICE_PER_KWH, Site
from wattmesh_optimizer.domain.tariffs import SiteTariff, connection_limits
from wattmesh_optimizer.formulation.assets import build_asset
from wattmesh_optimizer.formulation.flatness import price_changes
from wattmesh_optimizer.formulation.model import AssetModel, Context, Exclusive, Flow, Slack, Term
from wattmesh_optimizer.formulation.network import (
    Direction,
    NetworkBuilder,
    Point,
    SiteAssets,
    add_direction,
    put_flow,
)
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label
from wattmesh_optimizer.formulation.tariff import add_fixed, add_tariff, charge_direction


@dataclass(frozen=True, slots=True, eq=False)
class SiteModel:
    """A site's columns and how to read them."""

    index: int
    hours: float
    site: Site
    tariff: SiteTariff | None
    models: tuple[AssetModel, ...]
    imports: Direction
    exports: Direction
    balance: Ints
    islanded: NDArray[np.bool_]
    flow: Flow
    import_limit_kw: Floats
    export_limit_kw: Floats

    def net_terms(self, intervals: Ints) -> tuple[Term, ...]:
        """Return import less export."""
        return (*self.imports.terms(intervals, 1.0), *self.exports.terms(intervals, -1.0))

    def read(self, values: Floats) -> SitePlan:
        """Return the site's plan."""
        assets = tuple(model.read(values) for model in self.models)
        count = len(self.islanded)
        _, flows = (
            node_flows(self.site, {asset.name: asset.powers_kw for asset in assets}, count)
            if self.site.nodes
            else (None, {})
        )
        net = self._direction(values, self.imports) - self._direction(values, self.exports)
        plan = SitePlan(
            name=self.site.name,
            assets=assets,
            import_kw=np.maximum(net, 0.0),
            export_kw=np.maximum(-net, 0.0),
            node_flows_kw=flows,
        )
        return with_emissions(plan, self.site, self.hours)

    def _direction(self, values: Floats, direction: Direction) -> Floats:
        power = values[direction.within]
        if direction.beyond is not None:
            power = power.copy()
            power[direction.beyond.intervals] += values[direction.beyond.columns]
        return power


def build_site(
    ctx: Context, index: int, site: Site, tariff: SiteTariff | None, *, netted: bool = False
) -> SiteModel:
    """Add one site to the matrix; `netted`: its energy is billed with its group's."""
    islanded = ctx.horizon.touched(site.islanded_ranges)
    models = tuple(build_asset(ctx, index, asset, islanded) for asset in site.assets)
    network = NetworkBuilder(
        ctx=ctx, owner=site.name, nodes=site.nodes, hung=SiteAssets(site, models), index=index
    )
    flow = network.root_flow(site.limits)
    limit_in, limit_out = connection_limits(site, tariff, ctx.count)
    imports, exports = _exchange(ctx, index, site, flow, islanded, (limit_in, limit_out))
    balance = ctx.program.rows(flow.fixed_kw, flow.fixed_kw, ctx.count)
    put_flow(ctx, balance, imports.terms(ctx.intervals, 1.0), 1.0)
    put_flow(ctx, balance, exports.terms(ctx.intervals, 1.0), -1.0)
    put_flow(ctx, balance, flow.terms, -1.0)
    if islanded.any():
        _island(ctx, index, site, balance, islanded, flow)
    if tariff is not None and netted:
        add_fixed(ctx, index, tariff.lowered)
    elif tariff is not None:
        most = np.where(islanded, 0.0, np.maximum(flow.high_kw, 0.0))
        add_tariff(ctx, index, site.name, tariff.lowered, imports, exports, most)
    _add_goals(ctx, index, site, imports, exports)
    return SiteModel(
        index,
        ctx.hours,
        site,
        tariff,
        models,
        imports,
        exports,
        balance,
        islanded,
        flow,
        limit_in,
        limit_out,
    )


def _exchange(
    ctx: Context,
    index: int,
    site: Site,
    flow: Flow,
    islanded: NDArray[np.bool_],
    limits: tuple[Floats, Floats],
) -> tuple[Direction, Direction]:
    """Add import and export, each up to its limit and, at a price, beyond."""
    limit_in, limit_out = limits
    most_in = np.where(islanded, 0.0, np.maximum(flow.high_kw, 0.0))
    most_out = np.where(islanded, 0.0, np.maximum(-flow.low_kw, 0.0))
    point = Point(subject=site.name, site=index, kind=RequirementKind.POWER_LIMIT)
    price = site.limits.limit_price_per_kwh
    imports = add_direction(ctx, point, "import", limit_in, most_in, price)
    exports = add_direction(ctx, point, "export", limit_out, most_out, price)
    ctx.exclusives.append(
        Exclusive(
            first=imports.within,
            second=exports.within,
            first_max=most_in,
            second_max=most_out,
            site=index,
        )
    )
    return imports, exports


def _island(
    ctx: Context,
    index: int,
    site: Site,
    balance: Ints,
    islanded: NDArray[np.bool_],
    flow: Flow,
) -> None:
    """Let an island that cannot balance miss power, or have too much, at a price."""
    rows = balance[islanded]
    for kind, sign, most in (
        (RequirementKind.LOAD_SUPPLY, 1.0, flow.high_kw),
        (RequirementKind.SURPLUS, -1.0, -flow.low_kw),
    ):
        columns = ctx.program.columns(len(rows), upper=np.maximum(most[islanded], 0.0))
        ctx.program.put(rows, columns, sign)
        price = ISLAND_PRICE_PER_KWH
        ctx.program.charge(columns, price * ctx.hours, CostCause.PENALTY, site.name, index)
        ctx.slacks.append(
            Slack(kind=kind, subject=site.name, site=index, columns=columns, price=price)
        )


def _add_goals(
    ctx: Context, index: int, site: Site, imports: Direction, exports: Direction
) -> None:
    goals = ctx.goals
    if goals.export_price_per_kwh:
        price = np.full(ctx.count, goals.export_price_per_kwh)
        charge_direction(ctx, index, exports, price, CostCause.SELF_CONSUMPTION)
    if goals.carbon_price_per_kg and site.carbon is not None:
        _price_carbon(ctx, index, site, imports, exports)
    if goals.peak_price_per_kw:
        peak = ctx.program.columns(1)
        ctx.program.charge(peak, goals.peak_price_per_kw, CostCause.PEAK, site.name, index)
        add_peak(
            ctx,
            peak,
            imports.terms(ctx.intervals, 1.0),
            Label(subject=site.name, constraint="peak"),
        )
    if goals.ramp_price_per_kw:
        terms = (*imports.terms(ctx.intervals, 1.0), *exports.terms(ctx.intervals, -1.0))
        net = sum_columns(ctx, terms)
        price_changes(ctx, net, site.power_before_kw, goals.ramp_price_per_kw, site.name, index)


def sum_columns(ctx: Context, terms: tuple[Term, ...]) -> Ints:
    """Return new columns that are the sum of terms in every interval, of either sign."""
    total = ctx.program.columns(ctx.count, lower=-INFINITY)
    rows = ctx.program.rows(0.0, 0.0, ctx.count)
    ctx.program.put(rows, total, -1.0)
    put_flow(ctx, rows, terms, 1.0)
    return total


def add_peak(ctx: Context, peak: Ints, terms: tuple[Term, ...], label: Label) -> None:
    """Add `peak >= sum(terms)` in every interval."""
    rows = ctx.program.rows(0.0, INFINITY, ctx.count)
    ctx.program.put(rows, np.full(ctx.count, peak[0], dtype=np.int32), 1.0)
    put_flow(ctx, rows, terms, -1.0)
    ctx.program.label_rows(rows, ctx.intervals, label)


def _price_carbon(
    ctx: Context, index: int, site: Site, imports: Direction, exports: Direction
) -> None:
    """Price imports by the average intensity; by the marginal one exports count back."""
    if site.carbon is None:
        return
    per_gram = ctx.goals.carbon_price_per_kg / 1000.0
    if ctx.goals.carbon_basis is CarbonBasis.AVERAGE:
        if (average := site.carbon.average_gco2e_per_kwh) is not None:
            charge_direction(ctx, index, imports, per_gram * average, CostCause.CARBON)
    elif (marginal := site.carbon.marginal_gco2e_per_kwh) is not None:
        charge_direction(ctx, index, imports, per_gram * marginal, CostCause.CARBON)
        charge_direction(ctx, index, exports, -per_gram * marginal, CostCause.CARBON)
