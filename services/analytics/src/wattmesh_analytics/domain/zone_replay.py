"""Zones that are planned with foresight, by the gains that they had when they were metered."""

from dataclasses import dataclass, field

import numpy as np

from wattmesh_analytics.domain.energy import Floats
from wattmesh_analytics.domain.moved import Moved
from wattmesh_analytics.domain.thermostat import (
    Step,
    ZonePlant,
    ZoneRecord,
    ZoneRun,
    cop_ratios,
    discomfort,
    hours_of,
    stored_wh,
)
from wattmesh_kernel.sites import CopPoint, HvacZoneRating


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneWindow:
    """What a solve is told of a zone over a horizon: (n,) each, and how warm it is to begin with.

    `celsius`: of the air, and of the mass where the model has one [°C].
    """

    rating: HvacZoneRating
    celsius: Floats
    outdoor_celsius: Floats
    gains_w: Floats
    low_celsius: Floats
    high_celsius: Floats


@dataclass(kw_only=True, slots=True)
class ZoneReplay:
    """A zone over again, interval by interval, with heat and cold by plans.

    `rating` has the model and the efficiencies that the zone is known to have; `record` has the
    bands that are kept, `wanted` those that comfort is told by.
    """

    rating: HvacZoneRating
    record: ZoneRecord
    plant: ZonePlant
    wanted: ZoneRecord
    gains_w: Floats = field(init=False)
    _step: Step = field(init=False)
    _state: Floats = field(init=False)
    _seen: Floats = field(init=False)
    _ruled: Floats = field(init=False)
    _ends: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Work out its gains."""
        count = len(self.record.air_celsius)
        self._step = Step.of(self.plant.model, hours_of(self.record.energy_wh))
        self.gains_w, self._seen = _gains(self._step, self.wanted, self.plant)
        self._state = self._step.still(self.record.first_celsius)
        self._ruled, self._ends = np.full(count, np.nan), np.full(count, np.nan)

    def window(self, first: int, count: int) -> ZoneWindow | None:
        """Return what is known of the intervals from `first` on; None: not how warm it is."""
        if not np.isfinite(self._state).all():
            return None
        part = slice(first, first + count)
        return ZoneWindow(
            rating=self.rating,
            celsius=self._state,
            outdoor_celsius=_filled(self.record.outdoor_celsius[part]),
            gains_w=_filled(self.gains_w[part]),
            low_celsius=self.record.low_celsius[part],
            high_celsius=self.record.high_celsius[part],
        )

    def keep(self, first: int, heating_w: Floats, cooling_w: Floats) -> None:
        """Run it with so much electric power for heat and for cold, from `first` on."""
        for index, (heating, cooling) in enumerate(zip(heating_w, cooling_w, strict=True), first):
            outdoor, gains = self.record.outdoor_celsius[index], self.gains_w[index]
            if not np.isfinite(gains + self._state[0]):
                self._state = self._step.still(self.record.air_celsius[index])
                continue
            heat_w = _ratio(self.plant.heating_cop, outdoor) * heating
            heat_w -= _ratio(self.plant.cooling_cop, outdoor) * cooling
            self._state = self._step.after(self._state, outdoor, gains + heat_w)
            self._ruled[index] = (heating + cooling) * self._step.hours
            self._ends[index] = self._state[0]

    def skip(self, first: int, count: int) -> None:
        """Leave intervals unknown, and begin anew from the metered temperature after them."""
        self._state = self._step.still(self.record.air_celsius[first + count - 1])

    def taken_wh(self, first: int, count: int) -> Floats:
        """Return what it took [Wh], NaN where nothing is known of it, shape (count,)."""
        return self._ruled[first : first + count]

    def run(self) -> ZoneRun:
        """Return what it took, beside what was metered."""
        known = np.isfinite(self._ends)
        air = np.where(known, self.record.air_celsius, np.nan)
        energy, hours = self.record.energy_wh, self._step.hours
        warm = cop_ratios(self.plant.heating_cop, self.record.outdoor_celsius)
        if not self.plant.heating_w:
            warm = -cop_ratios(self.plant.cooling_cop, self.record.outdoor_celsius)
        return ZoneRun(
            moved=Moved(metered=energy, ruled=energy.with_values(self._ruled)),
            stored_wh=stored_wh(self.plant.model, self._seen - self._state, warm),
            metered_kelvin_hours=discomfort(air, self.wanted, hours),
            ruled_kelvin_hours=discomfort(self._ends, self.wanted, hours),
        )


def _gains(step: Step, record: ZoneRecord, plant: ZonePlant) -> tuple[Floats, Floats]:
    """Return what warmed a zone beside its machine [W], NaN: not known, and its state at the end.

    Where a machine both heats and cools, it heats while it is colder outside than the middle of the
    band, as `keep_schedule` has it.
    """
    gains = np.full(len(record.air_celsius), np.nan)
    state = step.still(record.first_celsius)
    heat_ratio = plant.ratios(record)
    for index, (air, outdoor) in enumerate(
        zip(record.air_celsius, record.outdoor_celsius, strict=True)
    ):
        used = record.energy_wh.values[index] / step.hours
        if not np.isfinite(air + outdoor + used + state[0]):
            state = step.still(air)
            continue
        whole = step.heat_for(state, outdoor, air)
        gains[index] = whole - heat_ratio[index] * used
        state = step.after(state, outdoor, whole)
    return gains, state


def _ratio(points: tuple[CopPoint, ...], outdoor: float) -> float:
    return float(cop_ratios(points, np.array([outdoor]))[0])


def _filled(values: Floats) -> Floats:
    """Return values with the last known one where one is missing; such intervals do not count."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values))
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return values[np.where(last < 0, int(np.argmax(known)), last)]
