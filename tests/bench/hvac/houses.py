"""Zones whose parameters nobody is told, their weather and the people in them."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from wattmesh_twin.domain.zone import PlantSpec, Surroundings, ZoneSpec

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""
_HOUR = timedelta(hours=1)


@dataclass
class MadeClimate:
    """Weather and people by the quarter of an hour, random and repeatable.

    Outdoor temperature: a level that wanders over days, a daily swing, noise. Sun: a clear sky
    times a cloudiness that lasts for hours. People: at home in the morning and evening, or at work
    from 8 to 18, with noise; devices always.
    """

    seed: int
    days: int
    mean_celsius: float = 5.0
    office: bool = False
    outdoor: np.ndarray = field(init=False)
    sun: np.ndarray = field(init=False)
    gains: np.ndarray = field(init=False)
    occupied: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        count = self.days * 96
        hour = np.arange(count) / 4.0
        day = hour // 24.0
        of_day = hour % 24.0
        level = _wandering(random, count, 60.0, 3.5)
        clear = np.clip(_wandering(random, count, 8.0, 0.35) + 0.6, 0.1, 1.0)
        height = np.clip(np.sin(np.pi * (of_day - 7.5) / 9.5), 0.0, None) * (
            (of_day > 7.5) & (of_day < 17.0)
        )
        self.sun = (350.0 if self.mean_celsius < 15 else 800.0) * height * clear
        self.outdoor = self.mean_celsius + level + 3.5 * np.cos(2 * np.pi * (of_day - 15.0) / 24.0)
        self.outdoor += 1.5 * (clear - 0.6) * height + random.normal(0, 0.1, count)
        weekend = day % 7 >= 5
        if self.office:
            there = (of_day >= 8.0) & (of_day < 18.0) & ~weekend
        else:
            there = np.where(weekend, (of_day >= 7) & (of_day < 23), (of_day < 8) | (of_day >= 17))
        self.occupied = there.astype(float)
        share = np.clip(there * (0.8 + _wandering(random, count, 2.0, 0.15)), 0.0, 1.0)
        devices = 150.0 + np.abs(_wandering(random, count, 1.0, 80.0))
        people = (800.0 if self.office else 350.0) * share
        evening = 250.0 * np.exp(-(((of_day - 19.0) / 1.5) ** 2))
        self.gains = devices + people + evening

    def at(self, moment: datetime) -> Surroundings:
        """Return what acts on the zone."""
        index = min(max(int((moment - START) / timedelta(minutes=15)), 0), len(self.sun) - 1)
        return Surroundings(
            outdoor_celsius=float(self.outdoor[index]),
            irradiance_w_per_m2=float(self.sun[index]),
            gains_w=float(self.gains[index]),
        )


@dataclass(frozen=True)
class House:
    """One zone with its plant."""

    spec: ZoneSpec
    heating: PlantSpec | None
    cooling: PlantSpec | None


def drawn(seed: int, cooling: bool = False) -> House:
    """Return a zone drawn at random: time constants from a light flat's to a heavy house's."""
    random = np.random.default_rng(1000 + seed)

    def between(low: float, high: float) -> float:
        return float(math.exp(random.uniform(math.log(low), math.log(high))))

    interior = between(1500.0, 5000.0)
    loss_w_per_k = between(90.0, 260.0)
    air_share = random.uniform(0.3, 0.6)
    spec = ZoneSpec(
        interior_wh_per_k=interior,
        envelope_wh_per_k=interior * between(2.5, 8.0),
        emitter_wh_per_k=between(40.0, 400.0),
        interior_envelope_k_per_w=between(0.0008, 0.0025),
        envelope_outdoor_k_per_w=1.0 / ((1 - air_share) * loss_w_per_k),
        interior_outdoor_k_per_w=1.0 / (air_share * loss_w_per_k),
        interior_emitter_k_per_w=between(0.0008, 0.002),
        interior_aperture_m2=random.uniform(1.0, 5.0),
        envelope_aperture_m2=random.uniform(1.0, 6.0),
    )
    need_w = loss_w_per_k * 32.0
    plant = PlantSpec(
        max_power_w=round(need_w / 2.6, -1),
        min_power_w=round(need_w / 2.6 * random.uniform(0.1, 0.3), -1),
        quality_ratio=random.uniform(0.75, 0.95),
        floor_heating=bool(random.uniform() < 0.4),
    )
    return House(spec, None if cooling else plant, plant if cooling else None)


def _wandering(random: np.random.Generator, count: int, hours: float, spread: float) -> np.ndarray:
    """Return noise that remembers for some hours, with a standard deviation of `spread`."""
    keep = math.exp(-0.25 / hours)
    found = np.empty(count)
    now = 0.0
    for index, kick in enumerate(random.normal(0, 1, count)):
        now = keep * now + math.sqrt(1 - keep * keep) * kick
        found[index] = now
    return spread * found
