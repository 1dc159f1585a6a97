"""Thermal tanks: heater power P and temperature at each interval's end.

T = band - below,   T[k] = a T[k-1] + ambient + b (cop P - draw)[k]
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.physics.temperature import free_temperatures, tank_step
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.thermal import ThermalTank
from wattmesh_optimizer.formulation.hvac import add_heat_pump
from wattmesh_optimizer.formulation.model import Context, Flow, Headroom, Slack, Store, Term
from wattmesh_optimizer.formulation.program import Ints, Label


@dataclass(frozen=True, slots=True, eq=False)
class ThermalTankModel:
    """A tank's columns and how to read them."""

    asset: Asset
    tank: ThermalTank
    flow: Flow
    power: Ints | None
    band: Ints
    below: Ints

    def read(self, values: Floats) -> AssetPlan:
        """Return the tank's plan."""
        ends = values[self.band] - values[self.below]
        return AssetPlan(
            name=self.asset.name,
            powers_kw=np.zeros(len(ends)) if self.power is None else values[self.power],
            temperatures_celsius=np.concatenate(([self.tank.initial_temperature_celsius], ends)),
        )

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return nothing: warm water is not held for reserves."""
        return ()

    def stores(self) -> tuple[Store, ...]:
        """Return nothing."""
        return ()


def build_thermal_tank(
    ctx: Context, site: int, asset: Asset, tank: ThermalTank
) -> ThermalTankModel:
    """Add a tank."""
    program, step = ctx.program, tank_step(tank, ctx.hours)
    power = add_heat_pump(ctx, asset, tank.heater, "heating")
    high = np.maximum(tank.max_temperature_celsius, free_temperatures(tank, ctx.hours))
    band = program.columns(ctx.count, lower=tank.min_temperature_celsius, upper=high)
    below = program.columns(ctx.count)
    label = Label(
        subject=asset.name, constraint="max_temperature", unit="K", quantity="temperature"
    )
    program.label_upper(band, ctx.intervals, label)
    program.label_lower(
        band, ctx.intervals, Label(subject=asset.name, constraint="min_temperature", unit="K")
    )
    given = step.ambient - step.b_heat * tank.draw_heats_kw
    given[0] += step.a * tank.initial_temperature_celsius
    rows = program.rows(given, given, ctx.count)
    for columns, factor in ((band, 1.0), (below, -1.0)):
        program.put(rows, columns, factor)
        program.put(rows[1:], columns[:-1], -step.a * factor)
    terms: tuple[Term, ...] = ()
    if power is not None:
        program.put(rows, power, -step.b_heat * tank.cop_ratios)
        terms = (Term(ctx.intervals, power),)
    _price(ctx, site, asset, tank, band, below)
    flow = Flow(
        fixed_kw=np.zeros(ctx.count),
        terms=terms,
        low_kw=np.zeros(ctx.count),
        high_kw=np.full(ctx.count, tank.heater.max_power_kw),
    )
    return ThermalTankModel(asset, tank, flow, power, band, below)


def _price(
    ctx: Context, site: int, asset: Asset, tank: ThermalTank, band: Ints, below: Ints
) -> None:
    program, capacity, name = ctx.program, tank.capacity_kwh_per_k, asset.name
    price = tank.shortfall_price_per_kwh * capacity
    program.charge(below, price * ctx.hours, CostCause.PENALTY, name, site)
    ctx.slacks.append(
        Slack(
            kind=RequirementKind.TANK_TEMPERATURE,
            subject=name,
            site=site,
            columns=below,
            price=price,
        )
    )
    if value := tank.terminal_value_per_kelvin(ctx.hours):
        cause = CostCause.TERMINAL_VALUE
        program.charge(band[-1:], -value, cause, name, site)
        worth = value * max(tank.min_temperature_celsius, tank.initial_temperature_celsius)
        program.constant(worth, cause, name, site)
