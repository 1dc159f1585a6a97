"""The building as the product meets it: EnergyPlus, a quarter of an hour at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import radians, sin
from pathlib import Path
from typing import Any, TypeAlias

from tests.bench import apart
from tests.bench.hvac.office.building import LEARNT_DAYS, QUARTER, Season

HERE = Path(__file__).resolve().parent
KEPT = apart.KEPT / "office"
PINS = HERE / "requirements.txt"
PER_DAY = 96


@dataclass(frozen=True, kw_only=True, slots=True)
class Metered:
    """What meters and sensors showed of the quarter of an hour from `start` on; zones in order."""

    start: datetime
    temperature_celsius: tuple[float, ...]
    people: tuple[float, ...]
    heating_w: tuple[float, ...]
    cooling_w: tuple[float, ...]
    outdoor_celsius: float
    irradiance_w_per_m2: float
    facility_w: float
    gas_wh: float


Told: TypeAlias = Sequence[tuple[float, float] | None]
"""Heating and cooling set point of each zone [°C]; None: what the building's own schedule says."""
Decide: TypeAlias = Callable[[Metered], Told]


def play(season: Season, decide: Decide, days: int) -> list[Metered]:
    """Play a season with what `decide` says in its judged `days`; return all that was metered.

    Before these the building follows its own schedule; `decide` hears of every quarter all along.
    """
    found: list[Metered] = []
    last = season.first + timedelta(days=LEARNT_DAYS + days - 1)
    script = [str(HERE / "physics.py"), season.first.isoformat(), last.isoformat()]
    with apart.started(script, PINS, KEPT) as process:
        for said in apart.lines(process):
            if "end" in said:
                return found
            metered = _metered(said, season.start + len(found) * QUARTER)
            found.append(metered)
            told = decide(metered)
            learns = len(found) < LEARNT_DAYS * PER_DAY
            apart.tell(process, [None] * len(told) if learns else list(told))
    raise RuntimeError("EnergyPlus ended early")


def _metered(said: dict[str, Any], start: datetime) -> Metered:
    height = sin(radians(max(0.0, said["sun_height_degrees"][0])))
    return Metered(
        start=start,
        temperature_celsius=tuple(said["temperature_celsius"]),
        people=tuple(said["people"]),
        heating_w=tuple(said["heating_w"]),
        cooling_w=tuple(said["cooling_w"]),
        outdoor_celsius=said["outdoor_celsius"][0],
        irradiance_w_per_m2=said["diffuse_w_per_m2"][0] + said["direct_w_per_m2"][0] * height,
        facility_w=said["facility_wh"] * 4.0,
        gas_wh=said["gas_wh"],
    )
