"""Power limits that depend on the state of charge, piecewise linear.

Concave limits (the usual taper) are a row per segment. Others select a segment by a binary: the
stored energy is split over segments, `sum z = 1`, and the power is below the chosen line.
"""

from itertools import pairwise

import numpy as np

from wattmesh_optimizer.domain.storage import Battery
from wattmesh_optimizer.formulation.model import Context
from wattmesh_optimizer.formulation.program import INFINITY, Ints, Label

Segment = tuple[float, float, float, float]
"""From [kWh], to [kWh], slope [kW/kWh], intercept [kW]."""


def limit_power_by_soc(
    ctx: Context, name: str, battery: Battery, charge: Ints, discharge: Ints, energy: Ints
) -> None:
    """Limit charge and discharge at the state of charge before and after each interval."""
    for columns, constraint, powers in (
        (charge, "soc_charge_power", [p.max_charge_power_kw for p in battery.soc_power_limits]),
        (
            discharge,
            "soc_discharge_power",
            [p.max_discharge_power_kw for p in battery.soc_power_limits],
        ),
    ):
        segments = _segments(battery, powers)
        label = Label(subject=name, constraint=constraint)
        if all(first[2] >= second[2] - 1e-12 for first, second in pairwise(segments)):
            for segment in segments:
                _below_line(ctx, label, battery, columns, energy, segment)
        else:
            _select_segment(ctx, label, battery, columns, energy, segments)


def _segments(battery: Battery, powers: list[float]) -> list[Segment]:
    """Return the lines over [0, capacity], constant outside the given points."""
    energies = [point.soc_ratio * battery.capacity_kwh for point in battery.soc_power_limits]
    edges = [0.0, *energies, battery.capacity_kwh]
    values = [powers[0], *powers, powers[-1]]
    lines: list[Segment] = []
    for (low, high), (at_low, at_high) in zip(pairwise(edges), pairwise(values), strict=True):
        if high - low > 1e-9 * battery.capacity_kwh:
            slope = (at_high - at_low) / (high - low)
            lines.append((low, high, slope, at_low - slope * low))
    return lines


def _below_line(
    ctx: Context, label: Label, battery: Battery, power: Ints, energy: Ints, segment: Segment
) -> None:
    """Add `power - slope x energy <= intercept` for the energy before and after."""
    program, (_, _, slope, intercept) = ctx.program, segment
    if slope == 0:
        rows = program.rows(-INFINITY, intercept, ctx.count)
        program.put(rows, power, 1.0)
        program.label_rows(rows, ctx.intervals, label)
        return
    after = program.rows(-INFINITY, intercept, ctx.count)
    program.put(after, power, 1.0)
    program.put(after, energy, -slope)
    program.label_rows(after, ctx.intervals, label)
    limit = np.full(ctx.count, intercept)
    limit[0] += slope * battery.initial_energy_kwh
    before = program.rows(-INFINITY, limit, ctx.count)
    program.put(before, power, 1.0)
    program.put(before[1:], energy[:-1], -slope)
    program.label_rows(before, ctx.intervals, label)


def _select_segment(
    ctx: Context,
    label: Label,
    battery: Battery,
    power: Ints,
    energy: Ints,
    segments: list[Segment],
) -> None:
    program, count = ctx.program, ctx.count
    one = program.rows(1.0, 1.0, count)
    split = program.rows(0.0, 0.0, count)
    program.put(split, energy, -1.0)
    after = program.rows(-INFINITY, 0.0, count)
    before_limit = np.zeros(count)
    before_limit[0] = _at(segments, battery.initial_energy_kwh)
    before = program.rows(-INFINITY, before_limit, count)
    program.put(after, power, 1.0)
    program.put(before, power, 1.0)
    program.label_rows(after, ctx.intervals, label)
    program.label_rows(before, ctx.intervals, label)
    for low, high, slope, intercept in segments:
        chosen = program.columns(count, upper=1.0)
        part = program.columns(count)
        program.may_be_integer(chosen)
        program.put(one, chosen, 1.0)
        program.put(split, part, 1.0)
        for bound, lower, upper in ((low, 0.0, INFINITY), (high, -INFINITY, 0.0)):
            rows = program.rows(lower, upper, count)
            program.put(rows, part, 1.0)
            program.put(rows, chosen, -bound)
        program.put(after, part, -slope)
        program.put(after, chosen, -intercept)
        program.put(before[1:], part[:-1], -slope)
        program.put(before[1:], chosen[:-1], -intercept)


def _at(segments: list[Segment], energy_kwh: float) -> float:
    for low, high, slope, intercept in segments:
        if low - 1e-9 <= energy_kwh <= high + 1e-9:
            return slope * energy_kwh + intercept
    return 0.0
