"""Sites seen as one: limits on their summed exchange and a price on its peak."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.flatness import power_before_kw, ramp_price_per_kw
from wattmesh_optimizer.domain.plan import CostCause, RequirementKind
from wattmesh_optimizer.domain.problem import SiteGroup
from wattmesh_optimizer.domain.site import PowerLimits
from wattmesh_optimizer.formulation.flatness import price_changes
from wattmesh_optimizer.formulation.model import (
    AssetModel,
    Context,
    Exchanging,
    Exclusive,
    Flow,
    Slack,
    Term,
)
from wattmesh_optimizer.formulation.network import (
    SPARE_KW,
    Direction,
    NetworkBuilder,
    Point,
    put_flow_in,
)
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label
from wattmesh_optimizer.formulation.site import add_peak, sum_columns
from wattmesh_optimizer.formulation.tariff import charge_direction


def add_group(ctx: Context, group: SiteGroup, sites: Sequence[Exchanging]) -> None:
    """Add a group's limits, and what its summed exchange costs beside the sites' bills."""
    point = Point(subject=group.name, site=None, kind=RequirementKind.POWER_LIMIT, prefix="group_")
    limit_net(ctx, point, group.limits, sites, ctx.intervals)
    if group.nodes or group.limits.has_phase_limit:
        hung = _GroupSites(ctx, group, sites)
        network = NetworkBuilder(ctx=ctx, owner=group.name, nodes=group.nodes, hung=hung)
        network.root_flow(group.limits)
    ramp_price = ramp_price_per_kw(group, [site.tariff for site in sites])
    if not (group.peak_price_per_kw or ramp_price or group.netted_billing):
        return
    net = sum_columns(ctx, net_terms(ctx, sites))
    if group.peak_price_per_kw:
        _price_peak(ctx, group, net)
    if ramp_price:
        before_kw = power_before_kw([site.site for site in sites])
        price_changes(ctx, net, before_kw, ramp_price, group.name)
    if group.netted_billing:
        _bill_net(ctx, sites, net)


@dataclass(frozen=True, slots=True, eq=False)
class _GroupSites:
    """The sites of a group, on its nodes."""

    ctx: Context
    group: SiteGroup
    sites: Sequence[Exchanging]

    def flows_on(self, node_id: str) -> list[Flow]:
        """Return what the sites of a node exchange with the grid."""
        names = self.group.hung_on(node_id)
        return [self._exchange(each) for each in self.sites if each.site.name in names]

    def models_below(self, node_id: str) -> list[AssetModel]:
        """Return the assets of all sites below a node."""
        names = self.group.below(node_id)
        return [model for each in self.sites if each.site.name in names for model in each.models]

    def _exchange(self, site: Exchanging) -> Flow:
        return Flow(
            fixed_kw=np.zeros(self.ctx.count),
            terms=site.net_terms(self.ctx.intervals),
            low_kw=site.flow.low_kw,
            high_kw=site.flow.high_kw,
        )


def _price_peak(ctx: Context, group: SiteGroup, net: Ints) -> None:
    peak = ctx.program.columns(1, lower=group.peak_so_far_kw)
    ctx.program.charge(peak, group.peak_price_per_kw, CostCause.PEAK, group.name)
    before = -group.peak_price_per_kw * group.peak_so_far_kw
    ctx.program.constant(before, CostCause.PEAK, group.name)
    label = Label(subject=group.name, constraint="group_peak")
    add_peak(ctx, peak, (Term(ctx.intervals, net),), label)


def _bill_net(ctx: Context, sites: Sequence[Exchanging], net: Ints) -> None:
    """Bill the sum: net = import - export, at the prices that all sites have."""
    most = np.maximum(np.sum([site.flow.high_kw for site in sites], axis=0), 0.0)
    least = np.maximum(np.sum([-site.flow.low_kw for site in sites], axis=0), 0.0)
    imports = ctx.program.columns(ctx.count, upper=most + SPARE_KW)
    exports = ctx.program.columns(ctx.count, upper=least + SPARE_KW)
    rows = ctx.program.rows(0.0, 0.0, ctx.count)
    for columns, factor in ((net, -1.0), (imports, 1.0), (exports, -1.0)):
        ctx.program.put(rows, columns, factor)
    ctx.exclusives.append(
        Exclusive(first=imports, second=exports, first_max=most, second_max=least)
    )
    tariff = sites[0].tariff
    assert tariff is not None  # a problem whose sites have none is refused
    prices = tariff.lowered.import_price_per_kwh, -tariff.lowered.export_price_per_kwh
    charge_direction(ctx, None, Direction(imports, None), prices[0], CostCause.ENERGY)
    charge_direction(ctx, None, Direction(exports, None), prices[1], CostCause.EXPORT_CREDIT)


def net_terms(ctx: Context, sites: Sequence[Exchanging]) -> tuple[Term, ...]:
    """Return the sites' summed import less export."""
    return tuple(term for site in sites for term in site.net_terms(ctx.intervals))


def limit_net(
    ctx: Context, point: Point, limits: PowerLimits, sites: Sequence[Exchanging], intervals: Ints
) -> None:
    """Limit the summed exchange in `intervals`; beyond the limits it costs their price."""
    count = ctx.count
    most = np.sum([site.flow.high_kw for site in sites], axis=0)
    least = np.sum([site.flow.low_kw for site in sites], axis=0)
    terms = net_terms(ctx, sites)
    for name, sign, limit, extreme in (
        ("import", 1.0, limits.imports_kw(count), most),
        ("export", -1.0, limits.exports_kw(count), -least),
    ):
        bound = intervals[limit[intervals] < extreme[intervals]]
        if len(bound):
            _limit(ctx, point, name, bound, limit[bound], terms, sign, limits.limit_price_per_kwh)


def _limit(
    ctx: Context,
    point: Point,
    name: str,
    intervals: Ints,
    limit: Floats,
    terms: tuple[Term, ...],
    sign: float,
    price: float,
) -> None:
    """Add `sign x net - beyond <= limit`."""
    program = ctx.program
    rows = program.rows(-INFINITY, limit, len(intervals))
    put_flow_in(ctx, rows, intervals, terms, sign)
    beyond = program.columns(len(intervals))
    program.put(rows, beyond, -1.0)
    program.charge(beyond, price * ctx.hours, CostCause.PENALTY, point.subject, point.site)
    ctx.slacks.append(
        Slack(kind=point.kind, subject=point.subject, site=point.site, columns=beyond, price=price)
    )
    constraint = f"{point.prefix}{name}_limit"
    label = Label(subject=point.subject, constraint=constraint, quantity=constraint)
    program.label_rows(rows, intervals, label)
