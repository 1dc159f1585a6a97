"""Vehicles at a charge point.

Without vehicle-to-grid a stay is one row: what is charged, plus what is missed, less what goes
beyond it, is the requirement. Missing costs its price; the room in the vehicle bounds the excess.

    sum(eta_c c[k] h) + missed - excess = fitting

Where the departure is uncertain, what is charged in an interval is missed as often as the vehicle
has left by then: it costs the price of missing it times that probability. This is the expectation
of what is missed over all departures, since what is charged is the same until it leaves:

    E[missed] = missed + sum(left[k] eta_c c[k] h)

With vehicle-to-grid the stored energy is a column per interval, as for a battery, and the row
above holds for its last value.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.ev import EvStay, stays
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.storage import SOC_WINDOW_PRICE, EvCharger
from wattmesh_optimizer.formulation.model import (
    Context,
    Exclusive,
    Flow,
    Headroom,
    SemiContinuous,
    Slack,
    Store,
    Term,
)
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label


@dataclass(frozen=True, slots=True, eq=False)
class StayColumns:
    """Columns of one stay: `charge` and `discharge` (None: charging only) in `intervals`."""

    stay: EvStay
    intervals: Ints
    charge: Ints
    discharge: Ints | None


@dataclass(frozen=True, slots=True, eq=False)
class EvChargerModel:
    """A charge point's columns and how to read them."""

    asset: Asset
    charger: EvCharger
    hours: float
    count: int
    flow: Flow
    stays: tuple[StayColumns, ...]

    def read(self, values: Floats) -> AssetPlan:
        """Return the charge point's plan."""
        power = np.zeros(self.count)
        socs = {}
        for part in self.stays:
            charged, discharged = np.zeros(self.count), np.zeros(self.count)
            charged[part.intervals] = values[part.charge]
            if part.discharge is not None:
                discharged[part.intervals] = values[part.discharge]
            power += charged - discharged
            socs[part.stay.session.id] = self._soc(part.stay, charged, discharged)
        return AssetPlan(name=self.asset.name, powers_kw=power, session_soc_ratios=socs)

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return less charging as power up."""
        return tuple(
            Headroom(
                up=True,
                limit_kw=np.zeros(self.count),
                terms=(Term(part.intervals, part.charge, -1.0),),
            )
            for part in self.stays
        )

    def stores(self) -> tuple[Store, ...]:
        """Return nothing: a vehicle may leave."""
        return ()

    def _soc(self, stay: EvStay, charged: Floats, discharged: Floats) -> Floats:
        charger, session = self.charger, stay.session
        change = (
            charged * charger.charge_efficiency_ratio
            - discharged / charger.discharge_efficiency_ratio
        ) * self.hours
        energy = session.initial_energy_kwh + np.concatenate(([0.0], np.cumsum(change)))
        return energy / session.capacity_kwh


def build_ev_charger(ctx: Context, site: int, asset: Asset, charger: EvCharger) -> EvChargerModel:
    """Add a charge point with its stays."""
    parts = tuple(
        _build_stay(ctx, site, asset, charger, stay)
        for stay in stays(charger, asset.phase, ctx.horizon)
    )
    terms: list[Term] = []
    low, high = np.zeros(ctx.count), np.zeros(ctx.count)
    for part in parts:
        high += part.stay.plugged_in * part.stay.max_power_kw
        terms.append(Term(part.intervals, part.charge))
        if part.discharge is not None:
            low -= part.stay.plugged_in * charger.max_discharge_power_kw
            terms.append(Term(part.intervals, part.discharge, -1.0))
    flow = Flow(fixed_kw=np.zeros(ctx.count), terms=tuple(terms), low_kw=low, high_kw=high)
    return EvChargerModel(asset, charger, ctx.hours, ctx.count, flow, parts)


def _build_stay(
    ctx: Context, site: int, asset: Asset, charger: EvCharger, stay: EvStay
) -> StayColumns:
    program = ctx.program
    intervals = np.flatnonzero(stay.plugged_in).astype(np.int32)
    plugged_in = stay.plugged_in[intervals]
    high = plugged_in * stay.max_power_kw
    charge = program.columns(len(intervals), upper=high)
    program.label_upper(
        charge,
        intervals,
        Label(subject=asset.name, constraint="max_charge_power", quantity="charge_power"),
    )
    if stay.min_power_kw > 0:
        low = plugged_in * stay.min_power_kw
        ctx.semis.append(SemiContinuous(columns=charge, minimum=low, maximum=high))
    _charge_risk(ctx, site, asset, charger, stay, charge)
    row, excess = _requirement(ctx, site, asset, stay)
    discharge: Ints | None = None
    if charger.max_discharge_power_kw > 0:
        discharge = _discharge(ctx, site, asset, charger, stay, intervals, charge, row)
    else:
        stored = charger.charge_efficiency_ratio * ctx.hours
        program.put(np.full(len(charge), row[0], dtype=np.int32), charge, stored)
    if value := stay.session.terminal_value_per_kwh:
        value = min(value, stay.session.shortfall_price_per_kwh)
        program.charge(excess, -value, CostCause.TERMINAL_VALUE, asset.name, site)
    return StayColumns(stay, intervals, charge, discharge)


def _charge_risk(
    ctx: Context, site: int, asset: Asset, charger: EvCharger, stay: EvStay, charge: Ints
) -> None:
    """Charge for energy that comes when the vehicle may have left."""
    left = stay.left_ratio[np.flatnonzero(stay.plugged_in)]
    if left.any():
        price = stay.session.risk_price_per_kwh * charger.charge_efficiency_ratio * ctx.hours
        ctx.program.charge(charge, price * left, CostCause.RISK, asset.name, site)


def _requirement(ctx: Context, site: int, asset: Asset, stay: EvStay) -> tuple[Ints, Ints]:
    """Add its row with what is missed and what goes beyond; return row and excess."""
    program, session = ctx.program, stay.session
    row = program.rows(stay.fitting_kwh, stay.fitting_kwh, 1)
    missed, excess = (
        program.columns(1),
        program.columns(1, upper=max(0.0, session.room_kwh - stay.fitting_kwh)),
    )
    program.put(row, missed, 1.0)
    program.put(row, excess, -1.0)
    price = session.shortfall_price_per_kwh
    program.charge(missed, price, CostCause.PENALTY, asset.name, site)
    unfitting = stay.required_kwh - stay.fitting_kwh
    if unfitting > 0:
        program.constant(unfitting * price, CostCause.PENALTY, asset.name, site)
    ctx.slacks.append(
        Slack(
            kind=RequirementKind.EV_ENERGY,
            subject=f"{asset.name}:{session.id}",
            site=site,
            columns=missed,
            price=price,
        )
    )
    return row, excess


def _discharge(
    ctx: Context,
    site: int,
    asset: Asset,
    charger: EvCharger,
    stay: EvStay,
    intervals: Ints,
    charge: Ints,
    requirement_row: Ints,
) -> Ints:
    """Add vehicle-to-grid: discharge, stored energy and its dynamics; return the discharge."""
    program, session, size = ctx.program, stay.session, len(intervals)
    plugged_in = stay.plugged_in[intervals]
    discharge = program.columns(size, upper=plugged_in * charger.max_discharge_power_kw)
    start, low = session.initial_energy_kwh, session.min_soc_ratio * session.capacity_kwh
    soft = start < low
    energy = program.columns(size, lower=0.0 if soft else low, upper=session.capacity_kwh)
    first = np.zeros(size)
    first[0] = start
    rows = program.rows(first, first, size)
    program.put(rows, energy, 1.0)
    program.put(rows[1:], energy[:-1], -1.0)
    program.put(rows, charge, -charger.charge_efficiency_ratio * ctx.hours)
    program.put(rows, discharge, ctx.hours / charger.discharge_efficiency_ratio)
    required = program.rows(start, start, 1)
    added = program.columns(1, lower=-INFINITY)
    program.put(required, energy[-1:], 1.0)
    program.put(required, added, -1.0)
    program.put(requirement_row, added, 1.0)
    if soft:
        miss = program.columns(size)
        above = program.rows(low, INFINITY, size)
        program.put(above, energy, 1.0)
        program.put(above, miss, 1.0)
        program.charge(miss, SOC_WINDOW_PRICE * ctx.hours, CostCause.PENALTY, asset.name, site)
        ctx.slacks.append(
            Slack(
                kind=RequirementKind.SOC_WINDOW,
                subject=asset.name,
                site=site,
                columns=miss,
                price=SOC_WINDOW_PRICE,
            )
        )
    wear = session.wear_cost_per_kwh * ctx.goals.wear_weight * ctx.hours
    if wear:
        program.charge(discharge, wear, CostCause.WEAR, asset.name, site)
    ctx.exclusives.append(
        Exclusive(
            first=charge,
            second=discharge,
            first_max=plugged_in * stay.max_power_kw,
            second_max=plugged_in * charger.max_discharge_power_kw,
            site=site,
        )
    )
    return discharge
