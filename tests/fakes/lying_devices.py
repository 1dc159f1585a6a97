"""Batteries that lie about what they do, in homes whose loads are as restless as measured ones.

Everything is worked out at a raster of `STEP_S` from what was written and when; own meters show
what the lie makes of it, grid meters the truth.
"""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP_S = 5.0
_CLAMP_W = 2000.0
_LATE_S = 20.0
_LEAST_KEPT_S, _MOST_KEPT_S = 120.0, 600.0


class Lie(Enum):
    """What a device does in place of what it is told."""

    HONEST = "honest"
    NOTHING = "nothing"
    """Its register takes every value; its power stays what it was."""
    CLAMPS = "clamps"
    LATE = "late"
    SIGN = "sign"
    FORGETS = "forgets"
    """It reboots within the range, and idles."""
    FROZEN = "frozen"
    """It does what it is told, and its meter stands still."""
    FROZEN_IDLE = "frozen_idle"
    """It does nothing, and its meter stands still."""
    PHANTOM = "phantom"
    """It does nothing, and its meter says that it does."""
    FULL = "full"
    """No lie: it cannot take what it is told to."""


@dataclass(kw_only=True)
class LyingBattery:
    """A battery: `true_w` is what it does, `shown_w` what its own meter shows [W], per step."""

    lie: Lie
    steps: int
    seed: int
    told: list[tuple[float, float]] = field(default_factory=list)
    """When it was written [s], and what [W]."""

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self._jitter_w = rng.normal(0.0, 8.0, self.steps)
        self._scale = 1 + rng.normal(0.0, 0.004, self.steps)
        self._kept_s = rng.uniform(_LEAST_KEPT_S, _MOST_KEPT_S, 10_000)
        self._true_w = np.zeros(self.steps)
        self._echo_w = np.zeros(self.steps)

    def write(self, second: float, value_w: float) -> None:
        """Take a setpoint; seconds must rise."""
        for after_s, power_w in self._course(len(self.told), value_w):
            _from(self._true_w, second + after_s, power_w)
        _from(self._echo_w, second, value_w)
        self.told.append((second, value_w))

    @property
    def soc_ratio(self) -> float:
        """How full it is."""
        return 0.99 if self.lie is Lie.FULL else 0.5

    def true_w(self) -> Floats:
        """Return the mean power of every step."""
        return self._true_w

    def shown_w(self) -> Floats:
        """Return what its own meter shows."""
        truth = self._echo_w if self.lie is Lie.PHANTOM else self._true_w
        noisy: Floats = truth * self._scale + self._jitter_w
        if self.lie in (Lie.FROZEN, Lie.FROZEN_IDLE) and self.told:
            first = int(self.told[0][0] / STEP_S)
            noisy[max(first - 3, 0) :] = noisy[max(first - 3, 0)]
        return noisy

    def _course(self, index: int, value_w: float) -> list[tuple[float, float]]:
        """Return what its power becomes, so many seconds after a setpoint was written."""
        match self.lie:
            case Lie.NOTHING | Lie.PHANTOM | Lie.FROZEN_IDLE | Lie.FULL:
                return []
            case Lie.CLAMPS:
                return [(0.0, float(np.clip(value_w, -_CLAMP_W, _CLAMP_W)))]
            case Lie.LATE:
                return [(_LATE_S, value_w)]
            case Lie.SIGN:
                return [(0.0, -value_w)]
            case Lie.FORGETS:
                return [(0.0, value_w), (float(self._kept_s[index]), 0.0)]
            case _:
                return [(2.0, value_w)]


@dataclass(kw_only=True)
class RestlessHome:
    """Loads and sun of a home [W] per step: a base that drifts, a fridge, kettles, clouds."""

    steps: int
    seed: int

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.load_w = 300 + _drift(rng, self.steps) + _fridge(rng, self.steps)
        self.load_w += _kettles(rng, self.steps) + rng.normal(0.0, 15.0, self.steps)
        self.sun_w = -_clouds(rng, self.steps)
        self._jitter_w = rng.normal(0.0, 5.0, self.steps)

    def shown_sun_w(self) -> Floats:
        """Return what the inverter's own meter shows, into the inverter positive."""
        return self.sun_w * 1.005 + self._jitter_w

    def grid_w(self, *batteries: LyingBattery) -> Floats:
        """Return what the meter at the grid connection shows."""
        powers = [each.true_w() for each in batteries]
        total: Floats = self.load_w + self.sun_w + np.sum(powers, axis=0)
        return total


def _from(powers: Floats, second: float, power_w: float) -> None:
    """Let power be something else from a second on, within a step too."""
    first = second / STEP_S
    whole = int(np.ceil(first))
    if 0 < whole <= len(powers) and whole > first:
        share = whole - first
        powers[whole - 1] = powers[whole - 1] * (1 - share) + power_w * share
    powers[max(whole, 0) :] = power_w


def _drift(rng: np.random.Generator, steps: int) -> Floats:
    walk = np.zeros(steps)
    pushes = rng.normal(0.0, 6.0, steps)
    for index in range(1, steps):
        walk[index] = 0.998 * walk[index - 1] + pushes[index]
    return walk


def _fridge(rng: np.random.Generator, steps: int) -> Floats:
    period, on = int(rng.uniform(30, 60) * 60 / STEP_S), int(12 * 60 / STEP_S)
    phase = (np.arange(steps) + rng.integers(period)) % period
    return np.where(phase < on, 90.0, 0.0)


def _kettles(rng: np.random.Generator, steps: int) -> Floats:
    powers = np.zeros(steps)
    hours = steps * STEP_S / 3600
    for _ in range(rng.poisson(1.2 * hours)):
        start, length = int(rng.integers(steps)), int(rng.uniform(60, 900) / STEP_S)
        powers[start : start + length] += rng.uniform(700.0, 2400.0)
    return powers


def _clouds(rng: np.random.Generator, steps: int) -> Floats:
    day = np.clip(np.sin(2 * np.pi * (np.arange(steps) * STEP_S / 86_400 - 0.25)), 0, None)
    knots = rng.uniform(0.25, 1.0, steps // 24 + 2)
    shade = np.interp(np.arange(steps), np.arange(len(knots)) * 24, knots)
    return 3500.0 * day * shade
