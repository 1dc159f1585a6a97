"""A tariff over the horizon as columns: energy prices, tiers and demand charges.

energy    price[k] x import[k] x h, less credit[k] x export[k] x h
tier      sum(counted[k] x import[k] x h) = sum of segments, each with its width and price
demand    billed >= offset[b] + weight x sum(import in b), billed >= floor
"""

import numpy as np

from wattmesh_kernel.tariff import EnergyDirection, LoweredDemand, LoweredTariff, LoweredTier
from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import CostCause
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.network import Direction
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label

CAUSES = {
    EnergyDirection.IMPORT: CostCause.ENERGY,
    EnergyDirection.EXPORT: CostCause.EXPORT_CREDIT,
}


def add_tariff(
    ctx: Context,
    site: int,
    site_name: str,
    lowered: LoweredTariff,
    imports: Direction,
    exports: Direction,
    most_import_kw: Floats,
) -> None:
    """Let a site's exchange cost what its tariff says."""
    charge_direction(ctx, site, imports, lowered.import_price_per_kwh, CostCause.ENERGY)
    charge_direction(ctx, site, exports, -lowered.export_price_per_kwh, CostCause.EXPORT_CREDIT)
    for tier in lowered.tiers:
        imported = tier.direction is EnergyDirection.IMPORT
        _add_tier(ctx, site, tier, imports if imported else exports)
    _add_demands(ctx, site, site_name, lowered.demands, imports, most_import_kw)
    add_fixed(ctx, site, lowered)


def add_fixed(ctx: Context, site: int, lowered: LoweredTariff) -> None:
    """Add what a site's tariff costs whatever it does."""
    for fixed in lowered.fixed:
        amount = fixed.amount * float(np.sum(fixed.units))
        ctx.program.constant(amount, CostCause.STANDING, fixed.name, site)


def charge_direction(
    ctx: Context,
    site: int | None,
    direction: Direction,
    prices_per_kwh: Floats,
    cause: CostCause,
    subject: str = "",
) -> None:
    """Charge every kWh of a direction with a price per interval; nothing where all are 0."""
    if not prices_per_kwh.any():
        return
    cost = prices_per_kwh * ctx.hours
    ctx.program.charge(direction.within, cost, cause, subject, site)
    if direction.beyond is not None:
        beyond = direction.beyond
        ctx.program.charge(beyond.columns, cost[beyond.intervals], cause, subject, site)


def _add_tier(ctx: Context, site: int, tier: LoweredTier, direction: Direction) -> None:
    program = ctx.program
    widths, prices = tier.segments()
    sign = 1.0 if tier.direction is EnergyDirection.IMPORT else -1.0
    cause = CAUSES[tier.direction]
    row = program.rows(0.0, 0.0, 1)
    for term in direction.terms(ctx.intervals, 1.0):
        counted = tier.counted_ratio[term.intervals] * ctx.hours
        program.put(np.full(len(counted), row[0], dtype=np.int32), term.columns, counted)
    segments = program.columns(len(widths), upper=widths)
    program.put(np.full(len(widths), row[0], dtype=np.int32), segments, -1.0)
    program.charge(segments, sign * prices, cause, tier.rate_id, site)
    if not tier.convex:
        _fill_in_order(ctx, segments, widths, _most_kwh(ctx, tier, direction))


def _most_kwh(ctx: Context, tier: LoweredTier, direction: Direction) -> float:
    """Return the most energy the tier can count within the horizon [kWh]."""
    upper = ctx.program.upper_bounds()
    return sum(
        float(tier.counted_ratio[term.intervals] @ upper[term.columns]) * ctx.hours
        for term in direction.terms(ctx.intervals, 1.0)
    )


def _fill_in_order(ctx: Context, segments: Ints, widths: Floats, most_kwh: float) -> None:
    """Let a segment be used only when the one before is full: z = 1."""
    program, count = ctx.program, len(segments) - 1
    full = program.columns(count, upper=1.0)
    program.may_be_integer(full)
    before = program.rows(0.0, INFINITY, count)
    program.put(before, segments[:-1], 1.0)
    program.put(before, full, -widths[:-1])
    after = program.rows(-INFINITY, 0.0, count)
    program.put(after, segments[1:], 1.0)
    program.put(after, full, -max(most_kwh, 1e-6))


def _add_demands(
    ctx: Context,
    site: int,
    site_name: str,
    demands: tuple[LoweredDemand, ...],
    imports: Direction,
    most_import_kw: Floats,
) -> None:
    linked = {link.demand for demand in demands for link in demand.ratchets}
    peaks: dict[int, Ints] = {}
    for number, demand in enumerate(demands):
        floor = max(demand.floor_kw, demand.peak_so_far_kw)
        billed = ctx.program.columns(1, lower=floor)
        cause = CostCause.DEMAND
        ctx.program.charge(billed, demand.price_per_kw, cause, demand.charge_id, site)
        before = -demand.price_per_kw * demand.billed_before_kw
        ctx.program.constant(before, cause, demand.charge_id, site)
        peak = billed
        if number in linked:
            peak = ctx.program.columns(1, lower=demand.peak_so_far_kw)
            _at_least(ctx, billed, peak, 1.0)
            peaks[number] = peak
        for link in demand.ratchets:
            _at_least(ctx, billed, peaks[link.demand], link.share_ratio)
        _above_averages(ctx, site_name, demand, peak, imports, most_import_kw)


def _at_least(ctx: Context, column: Ints, other: Ints, share: float) -> None:
    row = ctx.program.rows(0.0, INFINITY, 1)
    ctx.program.put(row, column, 1.0)
    ctx.program.put(row, other, -share)


def _above_averages(
    ctx: Context,
    site_name: str,
    demand: LoweredDemand,
    peak: Ints,
    imports: Direction,
    most_import_kw: Floats,
) -> None:
    """Add `peak >= average` for every average that could set it."""
    program = ctx.program
    could = demand.averages_kw(most_import_kw) > demand.peak_so_far_kw
    number = np.cumsum(could) - 1
    rows = program.rows(demand.offset_kw[could], INFINITY, int(could.sum()))
    program.put(rows, np.full(len(rows), peak[0], dtype=np.int32), 1.0)
    keep = could[demand.block_index]
    row_of = np.full(ctx.count, -1, dtype=np.int32)
    row_of[demand.interval_index[keep]] = rows[number[demand.block_index[keep]]]
    for term in imports.terms(ctx.intervals, 1.0):
        mine = row_of[term.intervals]
        inside = mine >= 0
        program.put(mine[inside], term.columns[inside], -demand.weight)
    first = np.full(len(could), ctx.count, dtype=np.int32)
    np.minimum.at(first, demand.block_index, demand.interval_index.astype(np.int32))
    program.label_rows(
        rows, first[could], Label(subject=site_name, constraint=f"demand_charge:{demand.charge_id}")
    )
