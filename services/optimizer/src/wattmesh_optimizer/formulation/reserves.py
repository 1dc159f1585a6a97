"""Power held ready for grid services, and energy held for an outage.

r <= headroom of the asset's power,   r x duration x rate <= energy above (below) its edge
sum(r) + missing = required
"""

from collections.abc import Sequence

import numpy as np

from wattmesh_optimizer.domain.islanding import critical_energy_kwh
from wattmesh_optimizer.domain.plan import CostCause, RequirementKind
from wattmesh_optimizer.domain.problem import Reserve, ReserveDirection
from wattmesh_optimizer.formulation.model import Context, Headroom, Slack
from wattmesh_optimizer.formulation.network import put_flow_in
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label
from wattmesh_optimizer.formulation.site import SiteModel


class ReserveBuilder:
    """Adds reserves; those that overlap in time share each asset's headroom."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._rows: dict[tuple[int, int], tuple[Ints, tuple[Ints, Ints] | None]] = {}
        self._site_rows: dict[tuple[int, bool], Ints | None] = {}
        self.missing: dict[str, tuple[Ints, Ints]] = {}
        """By reserve id: intervals, and columns of the power not held [kW]."""
        self.held: dict[str, list[tuple[int, Ints, Ints]]] = {}
        """By reserve id: sites by their index, intervals, and columns of what is held [kW]."""

    def add(self, reserve: Reserve, sites: Sequence[SiteModel]) -> None:
        """Add one reserve, as far as it lies within the horizon."""
        ctx, program = self._ctx, self._ctx.program
        touched = ctx.horizon.touched((reserve.range,))
        intervals = np.flatnonzero(touched).astype(np.int32)
        if not len(intervals):
            return
        required = program.rows(reserve.power_kw, reserve.power_kw, len(intervals))
        missing = program.columns(len(intervals), upper=reserve.power_kw)
        program.put(required, missing, 1.0)
        program.label_rows(required, intervals, Label(subject=reserve.id, constraint="reserve"))
        self._price(reserve, missing)
        up = reserve.direction is ReserveDirection.UP
        for site in sites:
            connected = intervals[~site.islanded[intervals]]
            mine = required[~site.islanded[intervals]]
            site_rows = self._site_limit(site, up)
            for number, headroom in enumerate(site_headrooms(site)):
                if headroom.up is not up or not len(connected):
                    continue
                held = program.columns(len(connected))
                program.put(mine, held, 1.0)
                self.held.setdefault(reserve.id, []).append((site.index, connected, held))
                if site_rows is not None:
                    program.put(site_rows[connected], held, 1.0)
                hours = reserve.activation_duration.total_seconds() / 3600
                self._hold(site.index, number, headroom, connected, held, hours)
        self.missing[reserve.id] = (intervals, missing)

    def _price(self, reserve: Reserve, missing: Ints) -> None:
        ctx, program, hours = self._ctx, self._ctx.program, self._ctx.hours
        pay = reserve.price_per_kw_hour * hours
        if pay:
            program.charge(missing, pay, CostCause.RESERVE, reserve.id)
            paid = -pay * reserve.power_kw * len(missing)
            program.constant(paid, CostCause.RESERVE, reserve.id)
        price = reserve.shortfall_price_per_kw_hour
        if price:
            program.charge(missing, price * hours, CostCause.PENALTY, reserve.id)
            ctx.slacks.append(
                Slack(
                    kind=RequirementKind.RESERVE,
                    subject=reserve.id,
                    site=None,
                    columns=missing,
                    price=price,
                )
            )

    def _hold(
        self,
        site: int,
        number: int,
        headroom: Headroom,
        intervals: Ints,
        held: Ints,
        hours: float,
    ) -> None:
        """Put what is held into the headroom rows of its asset."""
        power_rows, store_rows = self._headroom_rows(site, number, headroom)
        program = self._ctx.program
        program.put(power_rows[intervals], held, 1.0)
        if store_rows is not None:
            change = hours * headroom.rate
            for rows in store_rows:
                program.put(rows[intervals], held, change)

    def _headroom_rows(
        self, site: int, number: int, headroom: Headroom
    ) -> tuple[Ints, tuple[Ints, Ints] | None]:
        """Add, once per asset and direction, `sum(held) + terms <= limit` and the energy rows."""
        if (site, number) in self._rows:
            return self._rows[site, number]
        ctx, program = self._ctx, self._ctx.program
        power = program.rows(-INFINITY, headroom.limit_kw, ctx.count)
        put_flow_in(ctx, power, ctx.intervals, headroom.terms, 1.0)
        stores: tuple[Ints, Ints] | None = None
        if headroom.store is not None:
            sign = -1.0 if headroom.up else 1.0
            edge = np.full(ctx.count, sign * headroom.edge_kwh)
            after = program.rows(-INFINITY, edge, ctx.count)
            program.put(after, headroom.store, sign)
            first = edge.copy()
            first[0] = max(0.0, first[0] - sign * headroom.initial_kwh)
            before = program.rows(-INFINITY, first, ctx.count)
            program.put(before[1:], headroom.store[:-1], sign)
            stores = (after, before)
        self._rows[site, number] = (power, stores)
        return power, stores

    def _site_limit(self, site: SiteModel, up: bool) -> Ints | None:
        """Add, once per site and direction, that activation keeps the connection's limit."""
        key = (site.index, up)
        if key not in self._site_rows:
            self._site_rows[key] = self._add_site_limit(site, up)
        return self._site_rows[key]

    def _add_site_limit(self, site: SiteModel, up: bool) -> Ints | None:
        ctx, program = self._ctx, self._ctx.program
        direction = site.exports if up else site.imports
        limit = site.export_limit_kw if up else site.import_limit_kw
        if not np.isfinite(limit).any():
            return None
        rows = program.rows(-INFINITY, limit, ctx.count)
        put_flow_in(ctx, rows, ctx.intervals, site.net_terms(ctx.intervals), -1.0 if up else 1.0)
        if direction.beyond is not None:
            beyond = direction.beyond
            program.put(rows[beyond.intervals], beyond.columns, -1.0)
        return rows


def site_headrooms(site: SiteModel) -> tuple[Headroom, ...]:
    """Return every headroom of a site's assets."""
    return tuple(room for model in site.models for room in model.headrooms())


def add_islanding_reserve(ctx: Context, site: SiteModel) -> None:
    """Require, at the end of every interval, enough energy for an outage from then on."""
    reserve = site.site.islanding_reserve
    if reserve is None:
        return
    program, name = ctx.program, site.site.name
    required = critical_energy_kwh(site.site, ctx.horizon)
    stores = [store for model in site.models for store in model.stores()]
    kept = sum(store.discharge_efficiency_ratio * store.min_kwh for store in stores)
    rows = program.rows(required + kept, INFINITY, ctx.count)
    missing = program.columns(ctx.count)
    program.put(rows, missing, 1.0)
    for store in stores:
        program.put(rows, store.columns, store.discharge_efficiency_ratio)
    price = reserve.shortfall_price_per_kwh
    program.charge(missing, price * ctx.hours, CostCause.PENALTY, name, site.index)
    ctx.slacks.append(
        Slack(
            kind=RequirementKind.ISLANDING_RESERVE,
            subject=name,
            site=site.index,
            columns=missing,
            price=price,
        )
    )
    label = Label(subject=name, constraint="islanding_reserve", unit="kWh")
    program.label_rows(rows, ctx.intervals, label)
