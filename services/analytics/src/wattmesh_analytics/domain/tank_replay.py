"""Tanks over again, by the draws that they had when they were metered.

What people drew, and what else cooled a tank, is worked out from its metered temperature: the
draws that make the model of its rating show exactly what the sensor showed. With the same draws it
is run again by a thermostat or by plans, so that an error of the model moves both sides alike.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from wattmesh_analytics.domain.energy import Floats
from wattmesh_analytics.domain.moved import Moved
from wattmesh_analytics.domain.thermostat import cop_ratios
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import TankRating


@dataclass(frozen=True, kw_only=True, slots=True)
class TankRecord:
    """A tank over n intervals: electric energy [Wh], its temperature at their ends and that outside
    [°C], (n,) each; `first_celsius` when they begin. NaN: not metered.
    """

    energy_wh: Series
    celsius: Floats
    outdoor_celsius: Floats
    first_celsius: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TankWindow:
    """What a solve is told of a tank over a horizon, (n,) each, and how warm it begins [°C]."""

    rating: TankRating
    celsius: float
    outdoor_celsius: Floats
    draws_w: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class TankRun:
    """What a tank took, beside what was metered.

    `stored_wh`: electric energy that it had more at the end when it was metered [Wh]. Below its
    lower edge in K h, of the intervals that are known.
    """

    moved: Moved
    stored_wh: float
    metered_kelvin_hours: float
    ruled_kelvin_hours: float


@dataclass(kw_only=True, slots=True)
class TankReplay:
    """A tank over again, interval by interval."""

    rating: TankRating
    record: TankRecord
    _draws_w: Floats = field(init=False)
    _cop: Floats = field(init=False)
    _state: float = field(init=False)
    _ruled: Floats = field(init=False)
    _ends: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Work out what was drawn."""
        record, count = self.record, len(self.record.celsius)
        self._cop = cop_ratios(self.rating.heater.cop_points, record.outdoor_celsius)
        before = np.concatenate(([record.first_celsius], record.celsius[:-1]))
        heat_w = self._cop * record.energy_wh.values / self._hours
        kept, heats = self._step
        ambient = self.rating.ambient_temperature_celsius
        still = kept * before + (1 - kept) * ambient
        self._draws_w = heat_w - (record.celsius - still) / heats
        self._state = record.first_celsius
        self._ruled, self._ends = np.full(count, np.nan), np.full(count, np.nan)

    @property
    def _hours(self) -> float:
        return self.record.energy_wh.resolution / timedelta(hours=1)

    @property
    def _step(self) -> tuple[float, float]:
        """What is left of a kelvin above what is around after an interval, and kelvins per watt.

        300 Wh/K that lose 3 W/K keep exp(-0.01) = 0.99 of it in an hour.
        """
        capacity, loss = self.rating.capacity_wh_per_k, self.rating.loss_w_per_k
        kept = float(np.exp(-loss * self._hours / capacity))
        return kept, (1 - kept) / loss if loss > 0 else self._hours / capacity

    def window(self, first: int, count: int) -> TankWindow | None:
        """Return what is known of the intervals from `first` on; None: not how warm it is."""
        if not np.isfinite(self._state):
            return None
        part = slice(first, first + count)
        return TankWindow(
            rating=self.rating,
            celsius=self._state,
            outdoor_celsius=np.nan_to_num(self.record.outdoor_celsius[part]),
            draws_w=drawn_w(np.nan_to_num(self._draws_w[part])),
        )

    def keep(self, first: int, powers_w: Floats) -> None:
        """Run it with so much electric power from `first` on [W]."""
        for index, power_w in enumerate(powers_w, first):
            self._pass(index, power_w)

    def keep_lower_edge(self) -> None:
        """Run all of it by a thermostat that keeps the lower edge, as far as its heater can."""
        heats = self._step[1]
        for index in range(len(self._ends)):
            cop = self._cop[index]
            missing = self.rating.min_temperature_celsius - self._without_heat(index)
            power_w = missing / heats / cop if np.isfinite(missing) and cop > 0 else 0.0
            self._pass(index, min(max(power_w, 0.0), self.rating.heater.max_power_w))

    def _without_heat(self, index: int) -> float:
        kept, heats = self._step
        around = (1 - kept) * self.rating.ambient_temperature_celsius
        return float(kept * self._state + around - heats * self._draws_w[index])

    def _pass(self, index: int, power_w: float) -> None:
        after = self._without_heat(index) + self._step[1] * self._cop[index] * power_w
        if not np.isfinite(after):
            self._state = self.record.celsius[index]
            return
        self._state = self._ends[index] = float(after)
        self._ruled[index] = power_w * self._hours

    def skip(self, first: int, count: int) -> None:
        """Leave intervals unknown, and begin anew from the metered temperature after them."""
        self._state = self.record.celsius[first + count - 1]

    def taken_wh(self, first: int, count: int) -> Floats:
        """Return what it took [Wh], NaN where nothing is known of it, shape (count,)."""
        return self._ruled[first : first + count]

    def run(self) -> TankRun:
        """Return what it took, beside what was metered."""
        known, energy = np.isfinite(self._ends), self.record.energy_wh
        warmer = self.record.celsius[-1] - self._state
        cop = self._cop[known].mean() if known.any() else np.nan
        stored_wh = warmer * self.rating.capacity_wh_per_k / cop
        return TankRun(
            moved=Moved(metered=energy, ruled=energy.with_values(self._ruled)),
            stored_wh=float(stored_wh) if np.isfinite(stored_wh) else 0.0,
            metered_kelvin_hours=self._below(self.record.celsius[known]),
            ruled_kelvin_hours=self._below(self._ends[known]),
        )

    def _below(self, celsius: Floats) -> float:
        below = np.maximum(self.rating.min_temperature_celsius - celsius, 0.0)
        return float(below.sum()) * self._hours


def drawn_w(draws_w: Floats) -> Floats:
    """Return draws without negative ones, with the same sum as far as there are later ones [W].

    A sensor that shows a degree more for an interval makes a negative draw and a positive one:
    -100, 300, 50 are 0, 200, 50.
    """
    found, owed = np.zeros(len(draws_w)), 0.0
    for index, draw in enumerate(draws_w):
        found[index] = max(draw + owed, 0.0)
        owed = min(draw + owed, 0.0)
    return found
