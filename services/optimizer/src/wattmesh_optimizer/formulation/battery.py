"""Batteries: charge c, discharge d and stored energy e per interval.

    e[k] = r e[k-1] + eta_c c[k] h - d[k] h / eta_d        r: retention over h hours
    0 <= c <= C,  0 <= d <= D,  E_min <= e <= E_max

Charging and discharging at once is left to the complementarity test after the first solve.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.storage import SOC_WINDOW_PRICE, Battery
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
from wattmesh_optimizer.formulation.soc_power import limit_power_by_soc

BURNING_MARGIN = 1.01


@dataclass(frozen=True, slots=True, eq=False)
class BatteryModel:
    """A battery's columns and how to read them."""

    asset: Asset
    battery: Battery
    flow: Flow
    charge: Ints
    discharge: Ints
    energy: Ints
    store_rows: Ints

    def read(self, values: Floats) -> AssetPlan:
        """Return the battery's plan."""
        battery = self.battery
        energy = np.concatenate(([battery.initial_energy_kwh], values[self.energy]))
        return AssetPlan(
            name=self.asset.name,
            powers_kw=values[self.charge] - values[self.discharge],
            soc_ratios=energy / battery.capacity_kwh,
        )

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return less charging or more discharging, and the other way round."""
        battery, every = self.battery, self.flow.terms[0].intervals
        low, high = battery.usable_edges_kwh
        up = Headroom(
            up=True,
            limit_kw=np.full(len(every), battery.max_discharge_power_kw),
            terms=(Term(every, self.discharge), Term(every, self.charge, -1.0)),
            store=self.energy,
            initial_kwh=battery.initial_energy_kwh,
            rate=1.0 / battery.discharge_efficiency_ratio,
            edge_kwh=low,
        )
        down = Headroom(
            up=False,
            limit_kw=np.full(len(every), battery.max_charge_power_kw),
            terms=(Term(every, self.charge), Term(every, self.discharge, -1.0)),
            store=self.energy,
            initial_kwh=battery.initial_energy_kwh,
            rate=battery.charge_efficiency_ratio,
            edge_kwh=high,
        )
        return up, down

    def stores(self) -> tuple[Store, ...]:
        """Return the battery as a store for an island."""
        battery = self.battery
        return (
            Store(
                columns=self.energy,
                min_kwh=battery.min_energy_kwh,
                discharge_efficiency_ratio=battery.discharge_efficiency_ratio,
            ),
        )


def build_battery(ctx: Context, site: int, asset: Asset, battery: Battery) -> BatteryModel:
    """Add a battery to the matrix."""
    program, name = ctx.program, asset.name
    charge = program.columns(ctx.count, upper=battery.max_charge_power_kw)
    discharge = program.columns(ctx.count, upper=battery.max_discharge_power_kw)
    energy = _energy_columns(ctx, site, asset, battery)
    store_rows = _dynamics(ctx, battery, charge, discharge, energy)
    wear = battery.wear_cost_per_kwh * ctx.goals.wear_weight * ctx.hours
    if wear:
        program.charge(charge, wear, CostCause.WEAR, name, site)
        program.charge(discharge, wear, CostCause.WEAR, name, site)
    _keep_from_burning(ctx, site, battery, charge, discharge)
    _value_end(ctx, site, asset, battery, energy)
    _label(ctx, name, charge, discharge, energy)
    _discrete(ctx, site, battery, charge, discharge)
    if battery.soc_power_limits:
        limit_power_by_soc(ctx, name, battery, charge, discharge, energy)
    flow = Flow(
        fixed_kw=np.zeros(ctx.count),
        terms=(Term(ctx.intervals, charge), Term(ctx.intervals, discharge, -1.0)),
        low_kw=np.full(ctx.count, -battery.max_discharge_power_kw),
        high_kw=np.full(ctx.count, battery.max_charge_power_kw),
    )
    return BatteryModel(asset, battery, flow, charge, discharge, energy, store_rows)


def _keep_from_burning(
    ctx: Context, site: int, battery: Battery, charge: Ints, discharge: Ints
) -> None:
    """Make it not worth while to lose energy by charging and discharging at once.

    Where changes of power cost `r` per kW, 1 kW lost would save 2 r at most; it takes
    c = 1 / (1 - eta) of charging and eta c of discharging, eta the round trip: so
    2 r (1 - eta) / (1 + eta) for each is enough. Without this every flat plan needed binaries.
    """
    price = ctx.ramp_prices_per_kw[site] if ctx.ramp_prices_per_kw else 0.0
    trip = battery.charge_efficiency_ratio * battery.discharge_efficiency_ratio
    if price and trip < 1:
        enough = BURNING_MARGIN * 2.0 * price * (1.0 - trip) / (1.0 + trip)
        for columns in (charge, discharge):
            ctx.program.weigh(columns, enough)


def _energy_columns(ctx: Context, site: int, asset: Asset, battery: Battery) -> Ints:
    """Add the stored energy; its window is a requirement only where physics may break it."""
    low, high = battery.min_energy_kwh, battery.max_energy_kwh
    soft_low, soft_high = battery.soft_window
    lower, upper = battery.usable_edges_kwh
    energy = ctx.program.columns(ctx.count, lower=lower, upper=upper)
    if soft_low:
        _soften(ctx, site, asset, energy, 1.0, low)
    if soft_high:
        _soften(ctx, site, asset, energy, -1.0, -high)
    return energy


def _soften(ctx: Context, site: int, asset: Asset, energy: Ints, sign: float, bound: float) -> None:
    """Require `sign x energy >= bound` at the end of every interval."""
    program = ctx.program
    miss = program.columns(ctx.count)
    rows = program.rows(bound, INFINITY, ctx.count)
    program.put(rows, energy, sign)
    program.put(rows, miss, 1.0)
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


def _dynamics(ctx: Context, battery: Battery, charge: Ints, discharge: Ints, energy: Ints) -> Ints:
    program, hours = ctx.program, ctx.hours
    retention = battery.retention(hours)
    start = np.zeros(ctx.count)
    start[0] = retention * battery.initial_energy_kwh
    rows = program.rows(start, start, ctx.count)
    program.put(rows, energy, 1.0)
    program.put(rows[1:], energy[:-1], -retention)
    program.put(rows, charge, -battery.charge_efficiency_ratio * hours)
    program.put(rows, discharge, hours / battery.discharge_efficiency_ratio)
    return rows


def _value_end(ctx: Context, site: int, asset: Asset, battery: Battery, energy: Ints) -> None:
    program, last, name = ctx.program, energy[-1:], asset.name
    if value := battery.terminal_value_per_kwh:
        program.charge(last, -value, CostCause.TERMINAL_VALUE, name, site)
        program.constant(value * battery.initial_energy_kwh, CostCause.TERMINAL_VALUE, name, site)
    if battery.final_soc_ratio is not None and battery.final_soc_price_per_kwh > 0:
        required = battery.final_soc_ratio * battery.capacity_kwh
        miss = program.columns(1)
        row = program.rows(required, INFINITY, 1)
        program.put(row, last, 1.0)
        program.put(row, miss, 1.0)
        price = battery.final_soc_price_per_kwh
        program.charge(miss, price, CostCause.PENALTY, name, site)
        ctx.slacks.append(
            Slack(
                kind=RequirementKind.FINAL_SOC, subject=name, site=site, columns=miss, price=price
            )
        )


def _label(ctx: Context, name: str, charge: Ints, discharge: Ints, energy: Ints) -> None:
    label, every = ctx.program.label_upper, ctx.intervals
    label(
        charge, every, Label(subject=name, constraint="max_charge_power", quantity="charge_power")
    )
    label(
        discharge,
        every,
        Label(subject=name, constraint="max_discharge_power", quantity="discharge_power"),
    )
    label(energy, every, Label(subject=name, constraint="max_soc", unit="kWh", quantity="capacity"))
    ctx.program.label_lower(energy, every, Label(subject=name, constraint="min_soc", unit="kWh"))


def _discrete(ctx: Context, site: int, battery: Battery, charge: Ints, discharge: Ints) -> None:
    full = np.ones(ctx.count)
    ctx.exclusives.append(
        Exclusive(
            first=charge,
            second=discharge,
            first_max=battery.max_charge_power_kw * full,
            second_max=battery.max_discharge_power_kw * full,
            site=site,
        )
    )
    for columns, low, high in (
        (charge, battery.min_charge_power_kw, battery.max_charge_power_kw),
        (discharge, battery.min_discharge_power_kw, battery.max_discharge_power_kw),
    ):
        if low > 0:
            ctx.semis.append(
                SemiContinuous(columns=columns, minimum=low * full, maximum=high * full)
            )
