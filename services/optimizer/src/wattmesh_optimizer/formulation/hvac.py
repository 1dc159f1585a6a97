"""HVAC zones: electric power for heat and cold, temperatures at each interval's end.

The air temperature is a column within the comfort band, plus what it misses below or above:

    T = band - below + above

so comfort needs no rows of its own; missing it costs its price.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.physics.temperature import ZoneStep, zone_step
from wattmesh_optimizer.domain.plan import AssetPlan, CostCause, RequirementKind
from wattmesh_optimizer.domain.site import Asset
from wattmesh_optimizer.domain.thermal import HeatPump, HvacZone
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
from wattmesh_optimizer.formulation.zone_course import (
    Course,
    Temperatures,
    add_after,
    machines_of,
)


@dataclass(frozen=True, slots=True, eq=False)
class HvacZoneModel:
    """A zone's columns and how to read them."""

    asset: Asset
    zone: HvacZone
    flow: Flow
    heating: Ints | None
    cooling: Ints | None
    temperatures: Temperatures

    def read(self, values: Floats) -> AssetPlan:
        """Return the zone's plan."""
        count, parts = len(self.zone.outdoor_temperatures_celsius), self.temperatures
        heating = np.zeros(count) if self.heating is None else values[self.heating]
        cooling = np.zeros(count) if self.cooling is None else values[self.cooling]
        air = values[parts.band] - values[parts.below] + values[parts.above]
        start = self.zone.initial_air_temperature_celsius
        mass: Floats | None = None
        if parts.mass is not None:
            known = self.zone.initial_mass_temperature_celsius
            mass = np.concatenate(([start if known is None else known], values[parts.mass]))
        return AssetPlan(
            name=self.asset.name,
            powers_kw=heating + cooling,
            heating_kw=heating,
            temperatures_celsius=np.concatenate(([start], air)),
            mass_temperatures_celsius=mass,
        )

    def headrooms(self) -> tuple[Headroom, ...]:
        """Return nothing: comfort is not held for reserves."""
        return ()

    def stores(self) -> tuple[Store, ...]:
        """Return nothing."""
        return ()


def build_hvac_zone(ctx: Context, site: int, asset: Asset, zone: HvacZone) -> HvacZoneModel:
    """Add a zone."""
    heating = add_heat_pump(ctx, asset, zone.heating, "heating")
    cooling = add_heat_pump(ctx, asset, zone.cooling, "cooling")
    temperatures = _temperatures(ctx, site, asset, zone)
    _dynamics(ctx, zone, temperatures, heating, cooling)
    if heating is not None and cooling is not None and zone.heating and zone.cooling:
        ctx.exclusives.append(
            Exclusive(
                first=heating,
                second=cooling,
                first_max=np.full(ctx.count, zone.heating.max_power_kw),
                second_max=np.full(ctx.count, zone.cooling.max_power_kw),
                site=site,
            )
        )
    if zone.added_prices_per_kwh is not None:
        for columns in (heating, cooling):
            if columns is not None:
                ctx.program.prefer_less(columns, zone.added_prices_per_kwh * ctx.hours)
    most = sum(pump.max_power_kw for pump in (zone.heating, zone.cooling) if pump is not None)
    flow = Flow(
        fixed_kw=np.zeros(ctx.count),
        terms=tuple(
            Term(ctx.intervals, columns) for columns in (heating, cooling) if columns is not None
        ),
        low_kw=np.zeros(ctx.count),
        high_kw=np.full(ctx.count, most),
    )
    return HvacZoneModel(asset, zone, flow, heating, cooling, temperatures)


def add_heat_pump(ctx: Context, asset: Asset, pump: HeatPump | None, name: str) -> Ints | None:
    """Add a machine's electric power; None without a machine."""
    if pump is None or pump.max_power_kw == 0:
        return None
    power = ctx.program.columns(ctx.count, upper=pump.max_power_kw)
    ctx.program.label_upper(
        power,
        ctx.intervals,
        Label(subject=asset.name, constraint=f"max_{name}_power", quantity=f"{name}_power"),
    )
    if pump.min_power_kw > 0:
        full = np.ones(ctx.count)
        ctx.semis.append(
            SemiContinuous(
                columns=power, minimum=pump.min_power_kw * full, maximum=pump.max_power_kw * full
            )
        )
    return power


def _temperatures(ctx: Context, site: int, asset: Asset, zone: HvacZone) -> Temperatures:
    program = ctx.program
    low, high = zone.bands_celsius
    band = program.columns(ctx.count, lower=low, upper=high)
    below, above = program.columns(ctx.count), program.columns(ctx.count)
    program.label_lower(
        band, ctx.intervals, Label(subject=asset.name, constraint="comfort_min", unit="K")
    )
    program.label_upper(
        band, ctx.intervals, Label(subject=asset.name, constraint="comfort_max", unit="K")
    )
    price = zone.discomfort_price_per_kelvin_hour * ctx.goals.comfort_weight
    for columns in (below, above):
        program.charge(columns, price * ctx.hours, CostCause.COMFORT, asset.name, site)
        ctx.slacks.append(
            Slack(
                kind=RequirementKind.COMFORT,
                subject=asset.name,
                site=site,
                columns=columns,
                price=price,
            )
        )
    mass: Ints | None = None
    if zone.mass_capacity_kwh_per_k is not None:
        mass = program.columns(ctx.count, lower=-INFINITY)
    return Temperatures(band, below, above, mass)


def _dynamics(
    ctx: Context,
    zone: HvacZone,
    temperatures: Temperatures,
    heating: Ints | None,
    cooling: Ints | None,
) -> None:
    """Add a row per interval and node of the RC model; what comes after the horizon weighs."""
    outdoor = zone.outdoor_temperatures_celsius
    machines = machines_of(zone, outdoor, heating, cooling)
    step = zone_step(zone, ctx.hours)
    course = Course(step, outdoor, zone.gains_kw, temperatures, machines)
    course.add(ctx.program, initial_state(zone, step))
    if zone.after is not None:
        add_after(ctx, zone, zone.after, temperatures)


def initial_state(zone: HvacZone, step: ZoneStep) -> Floats:
    """Return the temperatures at the horizon's start [degC], shape (m,)."""
    air, mass = zone.initial_air_temperature_celsius, zone.initial_mass_temperature_celsius
    return np.array([air, air if mass is None else mass][: step.order])
