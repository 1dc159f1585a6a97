"""How a zone's temperatures follow its power: over the horizon, and coarsely after it.

    x[k] = a x[k-1] + b_out T_out[k] + b_heat (gains + cop P)[k]

A building's mass gives back for days what was put into it, and a horizon of a day sees a part of
that. So the zone alone is followed further, in steps as coarse as it is known: what its machines
will cost then weighs in the choice of a plan, and is no part of its cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wattmesh_optimizer.domain.checks import Floats
from wattmesh_optimizer.domain.physics.temperature import ZoneStep, zone_step
from wattmesh_optimizer.domain.thermal import HeatPump, HvacZone, ZoneAfter
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Program


@dataclass(frozen=True, slots=True, eq=False)
class Temperatures:
    """Columns of the air (`band`, `below`, `above`) and the mass (None: first order)."""

    band: Ints
    below: Ints
    above: Ints
    mass: Ints | None

    @property
    def air(self) -> tuple[tuple[Ints, float], ...]:
        """The air temperature as columns and factors."""
        return ((self.band, 1.0), (self.below, -1.0), (self.above, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """Columns of electric power [kW], and the heat (cold: negative) of a kilowatt, shape (n,)."""

    power: Ints
    heat: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A zone over equal steps: series are (n,), outdoor [degC] and gains [kW]."""

    step: ZoneStep
    outdoor: Floats
    gains_kw: Floats
    temperatures: Temperatures
    machines: Sequence[Machine]

    def add(self, program: Program, start: Floats | Temperatures) -> None:
        """Add a row per step and node, from known temperatures (m,) or from the last of columns."""
        step, air, mass = self.step, self.temperatures.air, self.temperatures.mass
        for node in range(step.order):
            given = step.b_outdoor[node] * self.outdoor + step.b_heat[node] * self.gains_kw
            if not isinstance(start, Temperatures):
                given[0] += float(step.a[node] @ start)
            rows = program.rows(given, given, len(given))
            own = air if node == 0 else ((mass, 1.0),)
            for columns, factor in own:
                if columns is not None:
                    program.put(rows, columns, factor)
            self._follow(program, rows[1:], self.temperatures, slice(None, -1), node)
            if isinstance(start, Temperatures):
                self._follow(program, rows[:1], start, slice(-1, None), node)
            for machine in self.machines:
                program.put(rows, machine.power, -step.b_heat[node] * machine.heat)

    def _follow(
        self, program: Program, rows: Ints, before: Temperatures, which: slice, node: int
    ) -> None:
        """Let each row follow the temperatures a step before it."""
        for columns, factor in before.air:
            program.put(rows, columns[which], -self.step.a[node, 0] * factor)
        if before.mass is not None:
            program.put(rows, before.mass[which], -self.step.a[node, 1])


def machines_of(
    zone: HvacZone, outdoor: Floats, heating: Ints | None, cooling: Ints | None
) -> list[Machine]:
    """Return what heats and cools a zone, and how well by the outdoor temperature."""
    return [
        Machine(columns, sign * pump.cop_ratios(outdoor))
        for columns, pump, sign in ((heating, zone.heating, 1.0), (cooling, zone.cooling, -1.0))
        if columns is not None and pump is not None
    ]


def add_after(ctx: Context, zone: HvacZone, after: ZoneAfter, end: Temperatures) -> None:
    """Follow a zone from the horizon's end on; only what it will cost then counts."""
    program, count, outdoor = ctx.program, after.count, after.outdoor_temperatures_celsius
    low, high = after.min_temperatures_celsius, after.max_temperatures_celsius
    temperatures = Temperatures(
        band=program.columns(count, lower=low, upper=high),
        below=program.columns(count),
        above=program.columns(count),
        mass=None if end.mass is None else program.columns(count, lower=-INFINITY),
    )
    price = zone.discomfort_price_per_kelvin_hour * ctx.goals.comfort_weight * after.hours
    for columns in (temperatures.below, temperatures.above):
        program.prefer_less(columns, price)
    heating = _power(program, zone.heating, after)
    cooling = _power(program, zone.cooling, after)
    machines = machines_of(zone, outdoor, heating, cooling)
    step = zone_step(zone, after.hours)
    Course(step, outdoor, after.gains_kw, temperatures, machines).add(program, end)


def _power(program: Program, pump: HeatPump | None, after: ZoneAfter) -> Ints | None:
    """Add what a machine will draw, at its price; None without a machine."""
    if pump is None or pump.max_power_kw == 0:
        return None
    power = program.columns(after.count, upper=pump.max_power_kw)
    program.prefer_less(power, after.prices_per_kwh * after.hours)
    return power
