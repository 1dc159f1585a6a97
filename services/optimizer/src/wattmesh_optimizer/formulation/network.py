"""Topology: flows through the nodes of a site or group, their limits, and those of single phases.

A node with limits or losses has columns for the flow from its parent; every other node melts into
the one above. Beyond a limit the flow has its own columns at the limit's price, so that there is
always a plan.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from wattmesh_kernel.sites import Phase
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import CostCause, RequirementKind
from wattmesh_optimizer.domain.site import CONDUCTORS, NO_LIMITS, Node, PowerLimits, Site
from wattmesh_optimizer.formulation.model import AssetModel, Context, Exclusive, Flow, Slack, Term
from wattmesh_optimizer.formulation.program import Ints, Label

SPARE_KW = 1.0
"""How far bounds that follow from others are kept from these, so that they never bind."""


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """Columns of the power in one direction: `within` the limit and `beyond` it (may be None)."""

    within: Ints
    beyond: Term | None

    def terms(self, intervals: Ints, factor: float) -> tuple[Term, ...]:
        """Return all its columns with a factor."""
        base = Term(intervals, self.within, factor)
        if self.beyond is None:
            return (base,)
        return (base, Term(self.beyond.intervals, self.beyond.columns, factor))

    @property
    def columns(self) -> tuple[Ints, ...]:
        """All its columns."""
        return (self.within,) if self.beyond is None else (self.within, self.beyond.columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Where a limit holds, for words and prices."""

    subject: str
    site: int | None
    kind: RequirementKind
    prefix: str = ""


def add_direction(
    ctx: Context, point: Point, name: str, limit: Floats, most: Floats, price: float
) -> Direction:
    """Add columns for power up to `limit`, and beyond it at `price`, no more than can flow.

    `most` is what can flow, and follows from what hangs below. A bound that just meets it would
    take the price of the assets' own bounds, which have names; so columns may have some more.
    """
    program = ctx.program
    most = np.maximum(most, 0.0)
    limited = np.flatnonzero(limit < most).astype(np.int32)
    most = np.where(most > 0.0, most + SPARE_KW, 0.0)
    within = program.columns(ctx.count, upper=np.minimum(limit, most))
    if not len(limited):
        return Direction(within, None)
    constraint = f"{point.prefix}{name}_limit"
    program.label_upper(
        within[limited],
        limited,
        Label(subject=point.subject, constraint=constraint, quantity=constraint),
    )
    beyond = program.columns(len(limited), upper=(most - limit)[limited])
    program.charge(beyond, price * ctx.hours, CostCause.PENALTY, point.subject, point.site)
    ctx.slacks.append(
        Slack(kind=point.kind, subject=point.subject, site=point.site, columns=beyond, price=price)
    )
    return Direction(within, Term(limited, beyond))


def put_flow(ctx: Context, rows: Ints, flow_terms: tuple[Term, ...], sign: float) -> None:
    """Put terms into one row per interval."""
    for term in flow_terms:
        ctx.program.put(rows[term.intervals], term.columns, sign * np.asarray(term.factor))


def put_flow_in(
    ctx: Context, rows: Ints, intervals: Ints, flow_terms: tuple[Term, ...], sign: float
) -> None:
    """Put terms into rows that exist for some `intervals` only."""
    row_of = np.full(ctx.count, -1, dtype=np.int32)
    row_of[intervals] = rows
    for term in flow_terms:
        mine = row_of[term.intervals]
        inside = mine >= 0
        factor = np.broadcast_to(np.asarray(term.factor, dtype=np.float64), mine.shape)
        ctx.program.put(mine[inside], term.columns[inside], sign * factor[inside])


def sum_flows(count: int, flows: list[Flow]) -> Flow:
    """Return the sum of flows."""
    fixed, low, high = np.zeros(count), np.zeros(count), np.zeros(count)
    terms: list[Term] = []
    for flow in flows:
        fixed += flow.fixed_kw
        low += flow.low_kw
        high += flow.high_kw
        terms.extend(flow.terms)
    return Flow(fixed_kw=fixed, terms=tuple(terms), low_kw=low, high_kw=high)


class Hung(Protocol):
    """What hangs on the nodes of a tree; node id "" is its root."""

    def flows_on(self, node_id: str) -> list[Flow]:
        """Return what flows into what hangs on a node itself."""

    def models_below(self, node_id: str) -> list[AssetModel]:
        """Return the assets that hang on a node, or anywhere below it."""


@dataclass(frozen=True, slots=True, eq=False)
class SiteAssets:
    """The assets of a site, on its nodes; `models` in the site's order."""

    site: Site
    models: tuple[AssetModel, ...]

    def flows_on(self, node_id: str) -> list[Flow]:
        """Return the flows into the assets of a node."""
        return [model.flow for model in self.models if model.asset.node_id == node_id]

    def models_below(self, node_id: str) -> list[AssetModel]:
        """Return the assets below a node."""
        below = {asset.name for asset in self.site.below(node_id)}
        return [model for model in self.models if model.asset.name in below]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NetworkBuilder:
    """Adds the nodes of one site, or of one group (`index` None), named `owner`."""

    ctx: Context
    owner: str
    nodes: tuple[Node, ...]
    hung: Hung
    index: int | None = None

    def root_flow(self, limits: PowerLimits = NO_LIMITS) -> Flow:
        """Add every node and return the flow into the root's children."""
        flow = self._flow_below("")
        self._limit_phases("", limits, self.owner)
        return flow

    def _flow_below(self, node_id: str) -> Flow:
        flows = self.hung.flows_on(node_id)
        flows += [self._node_flow(node) for node in self.nodes if node.parent_id == node_id]
        return sum_flows(self.ctx.count, flows)

    def _node_flow(self, node: Node) -> Flow:
        inner = self._flow_below(node.id)
        subject = f"{self.owner}/nodes/{node.id}"
        self._limit_phases(node.id, node.limits, subject)
        imports = node.limits.imports_kw(self.ctx.count)
        exports = node.limits.exports_kw(self.ctx.count)
        into, out = node.import_efficiency_ratio, node.export_efficiency_ratio
        high, low = inner.high_kw / into, inner.low_kw * out
        if not node.is_converter and (imports >= high).all() and (exports >= -low).all():
            return inner
        return self._limited(node, subject, inner, high, low)

    def _limited(self, node: Node, subject: str, inner: Flow, high: Floats, low: Floats) -> Flow:
        ctx, limits, count = self.ctx, node.limits, self.ctx.count
        point = Point(subject=subject, site=self.index, kind=RequirementKind.POWER_LIMIT)
        price = limits.limit_price_per_kwh
        into = add_direction(ctx, point, "import", limits.imports_kw(count), high, price)
        out = add_direction(ctx, point, "export", limits.exports_kw(count), -low, price)
        rows = ctx.program.rows(inner.fixed_kw, inner.fixed_kw, count)
        put_flow(ctx, rows, into.terms(ctx.intervals, node.import_efficiency_ratio), 1.0)
        put_flow(ctx, rows, out.terms(ctx.intervals, 1.0 / node.export_efficiency_ratio), -1.0)
        put_flow(ctx, rows, inner.terms, -1.0)
        if node.is_converter:
            self._exclude(into, out, high, low)
        terms = (*into.terms(ctx.intervals, 1.0), *out.terms(ctx.intervals, -1.0))
        return Flow(
            fixed_kw=np.zeros(count),
            terms=terms,
            low_kw=np.minimum(low, 0.0),
            high_kw=np.maximum(high, 0.0),
        )

    def _exclude(self, into: Direction, out: Direction, high: Floats, low: Floats) -> None:
        self.ctx.exclusives.append(
            Exclusive(
                first=into.within,
                second=out.within,
                first_max=np.maximum(high, 0.0),
                second_max=np.maximum(-low, 0.0),
                site=self.index,
            )
        )

    def _limit_phases(self, node_id: str, limits: PowerLimits, subject: str) -> None:
        if not limits.has_phase_limit:
            return
        models = self.hung.models_below(node_id)
        for conductor in CONDUCTORS:
            flow = sum_flows(self.ctx.count, [_share(model, conductor) for model in models])
            self._limit_phase(limits, flow, conductor, subject)

    def _limit_phase(self, limits: PowerLimits, flow: Flow, conductor: Phase, subject: str) -> None:
        """Add `-export <= flow - beyond_import + beyond_export <= import` of one conductor."""
        ctx, program = self.ctx, self.ctx.program
        into, out = limits.phase_imports_kw(ctx.count), limits.phase_exports_kw(ctx.count)
        if (flow.high_kw <= into).all() and (flow.low_kw >= -out).all():
            return
        rows = program.rows(-out - flow.fixed_kw, into - flow.fixed_kw, ctx.count)
        put_flow(ctx, rows, flow.terms, 1.0)
        label = Label(
            subject=subject,
            constraint=f"phase_{conductor.value.lower()}_limit",
            quantity="phase_limit",
        )
        program.label_rows(rows, ctx.intervals, label)
        for sign in (-1.0, 1.0):
            beyond = program.columns(ctx.count)
            program.put(rows, beyond, sign)
            price = limits.limit_price_per_kwh
            program.charge(beyond, price * ctx.hours, CostCause.PENALTY, subject, self.index)
            ctx.slacks.append(
                Slack(
                    kind=RequirementKind.POWER_LIMIT,
                    subject=subject,
                    site=self.index,
                    columns=beyond,
                    price=price,
                )
            )


def _share(model: AssetModel, conductor: Phase) -> Flow:
    share = model.asset.phase.share(conductor)
    flow = model.flow
    return replace(
        flow,
        fixed_kw=share * flow.fixed_kw,
        terms=tuple(
            Term(term.intervals, term.columns, share * np.asarray(term.factor))
            for term in flow.terms
            if share
        ),
        low_kw=share * flow.low_kw,
        high_kw=share * flow.high_kw,
    )
