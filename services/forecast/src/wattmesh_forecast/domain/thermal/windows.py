"""A record cut into days: in each the zone starts from a state of its own, and runs freely on.

What is made small is then the error a day ahead, which is what a plan is made with; errors of one
step ahead would be small for nearly any model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.thermal.influences import Influence, Plant, inputs_of
from wattmesh_forecast.domain.thermal.record import Floats, ZoneRecord, stands_still
from wattmesh_forecast.domain.thermal.response import Rates, answer, free, step_of

Ints = NDArray[np.int64]

_LEAST_MEASURED_RATIO = 0.7
_AIR_PRIOR_K, _MASS_PRIOR_K = 0.5, 1.5
"""How far air and mass may be from the first temperature of a window when it begins [K]."""
_AIR_LEAP_K, _MASS_LEAP_K = 0.3, 0.15
"""By how much a day may begin otherwise than the day before has ended [K]: what nobody explains."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Windows:
    """`days` windows of `count` intervals of `hours`, newest last; all arrays are (days, count).

    `measured` masks the temperatures, `weight` (days,) is how much a window counts.
    """

    hours: float
    temperature: Floats
    measured: Floats
    outdoor: Floats
    inputs: Mapping[Influence, Floats]
    weight: Floats
    day: Ints
    """Which day each is: those of consecutive days go on from one another."""

    @property
    def days(self) -> int:
        """Number of windows."""
        return len(self.weight)

    @property
    def measurements(self) -> int:
        """Number of temperatures."""
        return int(self.measured.sum())

    def but(self, held_out: Sequence[int]) -> "Windows":
        """Return them without some."""
        kept = np.setdiff1d(np.arange(self.days), held_out)
        return Windows(
            hours=self.hours,
            temperature=self.temperature[kept],
            measured=self.measured[kept],
            outdoor=self.outdoor[kept],
            inputs={name: values[kept] for name, values in self.inputs.items()},
            weight=self.weight[kept],
            day=self.day[kept],
        )


def windows_of(record: ZoneRecord, plant: Plant, half_life_days: float) -> Windows:
    """Cut a record into whole days, counted back from its end; days with gaps are left out.

    A window counts half as much when it is `half_life_days` older: so a zone is identified anew
    with the seasons.
    """
    count = record.per_day
    days = record.count // count
    begin = record.count - days * count
    cut = record.part(begin, record.count)
    shape = (days, count)
    usable = cut.usable.reshape(shape).all(axis=1) if days else np.zeros(0, dtype=bool)
    measured = np.isfinite(cut.temperature_celsius).reshape(shape)
    usable &= measured.mean(axis=1) >= _LEAST_MEASURED_RATIO
    usable &= [not stands_still(day) for day in cut.temperature_celsius.reshape(shape)]
    weight = 0.5 ** ((days - 1 - np.arange(days)) / half_life_days)
    inputs = {name: each.reshape(shape)[usable] for name, each in inputs_of(cut, plant).items()}
    return Windows(
        hours=record.hours,
        temperature=np.nan_to_num(cut.temperature_celsius).reshape(shape)[usable],
        measured=measured[usable].astype(np.float64),
        outdoor=cut.outdoor_celsius.reshape(shape)[usable],
        inputs=inputs,
        weight=weight[usable],
        day=np.flatnonzero(usable),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Given its rates a zone is linear: `y = x @ factors`, first those of the influences (names).

    `y` (n,) and `x` (n, m) are weighted temperatures; `held` (k, m) and `held_to` (k,) are what is
    known besides, each in units of its spread: priors, and days that go on from one another.
    """

    names: tuple[Influence, ...]
    y: Floats
    x: Floats
    held: Floats
    held_to: Floats


def linear(
    windows: Windows, rates: Rates, prior: Mapping[Influence, tuple[float, float]]
) -> Linear:
    """Return the linear problem that is left once the rates are given.

    After the influences come, window by window, the temperatures of air and mass when it begins,
    as differences from the first that was measured.
    """
    step, names, order = step_of(rates, windows.hours), tuple(windows.inputs), rates.order
    days, count = windows.temperature.shape
    first = _first(windows)
    caused, caused_end = answer(step, step.b_outdoor, windows.outdoor)
    effects, effects_end = answer(
        step, step.b_heat, np.stack([windows.inputs[name] for name in names])
    )
    start, start_end = free(step, count)
    given = caused + first[:, None] * start[:order].sum(axis=0)
    given_end = caused_end + first[:, None] * start_end[:order].sum(axis=0)
    weights = windows.measured * np.sqrt(windows.weight)[:, None]
    width = len(names) + order * days
    x = np.zeros((days, count, width))
    x[:, :, : len(names)] = np.moveaxis(effects * weights, 0, -1)
    for day in range(days):
        own = len(names) + order * day
        x[day, :, own : own + order] = start[:order].T * weights[day][:, None]
    held, held_to = _priors(names, prior, order, days)
    on = [day for day in range(days - 1) if windows.day[day + 1] == windows.day[day] + 1]
    leaps, leaps_to = np.zeros((len(on), order, width)), np.zeros((len(on), order))
    spread = np.array([_AIR_LEAP_K, _MASS_LEAP_K])[:order]
    for row, day in enumerate(on):
        own = len(names) + order * day
        leaps[row, :, : len(names)] = effects_end[:, day, :order].T
        leaps[row, :, own : own + order] = start_end[:order, :order].T
        leaps[row, :, own + order : own + 2 * order] = -np.eye(order)
        leaps_to[row] = first[day + 1] - given_end[day, :order]
    return Linear(
        names,
        ((windows.temperature - given) * weights).ravel(),
        x.reshape(days * count, width),
        np.concatenate([held, (leaps / spread[:, None]).reshape(-1, width)]),
        np.concatenate([held_to, (leaps_to / spread).ravel()]),
    )


def _priors(
    names: tuple[Influence, ...],
    prior: Mapping[Influence, tuple[float, float]],
    order: int,
    days: int,
) -> tuple[Floats, Floats]:
    """Return what is known of each factor before anything was seen, as rows."""
    spread = np.array(
        [prior[name][1] for name in names] + [_AIR_PRIOR_K, _MASS_PRIOR_K][:order] * days
    )
    means = np.array([prior[name][0] for name in names] + [0.0] * (order * days))
    return np.diag(1.0 / spread), means / spread


def _first(windows: Windows) -> Floats:
    """Return the first temperature of each window, shape (days,)."""
    at = windows.measured.argmax(axis=1)
    return np.take_along_axis(windows.temperature, at[:, None], axis=1)[:, 0]
