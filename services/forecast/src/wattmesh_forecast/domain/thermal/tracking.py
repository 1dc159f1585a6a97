"""Where a zone stands now: air, mass, and a heat that nobody explains; and where it runs freely.

A Kalman filter over the last days. The unexplained heat (a window that is open, guests) is a third
state that fades: what was seen of it just now still acts for some hours.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.thermal.fit import Fit
from wattmesh_forecast.domain.thermal.influences import Influence, Plant, inputs_of
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord, stands_still
from wattmesh_forecast.domain.thermal.response import step_of

_LOOK_BACK_DAYS = 3
_SENSOR_K = 0.15
_AIR_K, _MASS_K = 0.03, 0.02
"""What air and mass do besides, in an hour [K]."""
_UNEXPLAINED_K_PER_H = 0.05
"""Spread of the heat that nobody explains [K/h]."""
_FADES_HOURS = 12.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A zone at the end of a record: air and mass [°C], and unexplained heat [K/h]."""

    air_celsius: float
    mass_celsius: float
    unexplained_k_per_h: float = 0.0


def standing(fit: Fit, plant: Plant, record: ZoneRecord) -> Standing | None:
    """Return how a zone stands at the end of a record; None when nothing was measured lately.

    Nothing was either when the thermometer has shown the same value for a day: it is stuck.
    Intervals of which something is not known are passed over: the zone stays as it is.
    """
    known = record.part(max(0, record.count - _LOOK_BACK_DAYS * record.per_day), record.count)
    temperatures = known.temperature_celsius
    seen = np.flatnonzero(np.isfinite(temperatures))
    if not len(seen) or stands_still(temperatures[-record.per_day :]):
        return None
    step, keep = step_of(fit.rates, record.hours), float(np.exp(-record.hours / _FADES_HOURS))
    forced = np.outer(known.outdoor_celsius, step.b_outdoor)
    forced += np.outer(heat_k_per_h(fit, plant, known), step.b_heat)
    a = np.zeros((3, 3))
    a[:2, :2], a[:2, 2], a[2, 2] = step.a, step.b_heat, keep
    noise = np.diag(
        [
            _AIR_K**2 * record.hours,
            _MASS_K**2 * record.hours,
            _UNEXPLAINED_K_PER_H**2 * (1.0 - keep**2),
        ]
    )
    first = float(temperatures[seen[0]])
    state = np.array([first, first, 0.0])
    spread = np.diag([_SENSOR_K**2, 1.0, _UNEXPLAINED_K_PER_H**2])
    usable = known.usable
    for index in range(int(seen[0]) + 1, known.count):
        if usable[index]:
            state = a @ state
            state[:2] += forced[index]
            spread = a @ spread @ a.T
        spread = spread + noise
        if np.isfinite(temperatures[index]):
            gain = spread[:, 0] / (spread[0, 0] + _SENSOR_K**2)
            state = state + gain * (temperatures[index] - state[0])
            spread = spread - np.outer(gain, spread[0])
    air, mass, unexplained = state.tolist()
    order = fit.rates.order
    return Standing(
        air_celsius=air,
        mass_celsius=mass if order == 2 else air,
        unexplained_k_per_h=unexplained,
    )


def run(fit: Fit, start: Standing, outdoor: Floats, heat: Floats, hours: float) -> Floats:
    """Return the air temperature at the end of each interval [°C], shape (n,).

    `outdoor` [°C] and `heat` [K/h] are (n,): what acts on it.
    """
    step = step_of(fit.rates, hours)
    state = np.array([start.air_celsius, start.mass_celsius])
    fading = fading_k_per_h(start, len(outdoor), hours)
    found = np.empty(len(outdoor))
    for index, (outside, warms) in enumerate(zip(outdoor, heat + fading, strict=True)):
        state = step.a @ state + step.b_outdoor * outside + step.b_heat * warms
        found[index] = state[0]
    return found


def fading_k_per_h(start: Standing, count: int, hours: float) -> Floats:
    """Return the unexplained heat from now on [K/h], shape (count,)."""
    fading = np.exp(-hours / _FADES_HOURS * np.arange(1, count + 1))
    return np.asarray(start.unexplained_k_per_h * fading)


def heat_k_per_h(
    fit: Fit, plant: Plant, record: ZoneRecord, without: frozenset[Influence] = frozenset()
) -> Floats:
    """Return what all influences do over a record [K/h], shape (count,), NaN where not known."""
    found = np.zeros(record.count)
    for name, values in inputs_of(record, plant).items():
        if name in fit.factors and name not in without:
            found = found + fit.factors[name] * values
    return found


def free_run(fit: Fit, plant: Plant, known: ZoneRecord, ahead: ZoneRecord) -> Floats:
    """Return the temperatures of `ahead` as said at the end of `known`, its weather given."""
    start = standing(fit, plant, known)
    if start is None:
        return np.full(ahead.count, np.nan)
    heat = heat_k_per_h(fit, plant, ahead)
    return run(fit, start, ahead.outdoor_celsius, heat, ahead.hours)
