"""Visits to a charge point, drawn from how measured ones are distributed.

Arrival by time of day, apart for working days and weekends; length of stay and energy around the
means of those that arrive then, with a standard deviation of a fifth and of a half of them. That is
how EV2Gym draws sessions (Orfanoudakis et al., "EV2Gym", 2024, `spawn_single_EV`); but what a
vehicle wants is cut to what its on-board charger takes in nine tenths of its stay. Every local day
has a random sequence of its own: it is the same whatever else is drawn.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.time import TimeRange
from wattmesh_twin.domain.charger import Visit
from wattmesh_twin.domain.vehicle import VehicleSpec

Floats = NDArray[np.float64]

_QUARTER = timedelta(minutes=15)
_APART = timedelta(minutes=20)
"""How long a charge point is free between two vehicles."""
_SHORTEST = timedelta(minutes=45)
_LONGEST = timedelta(hours=20)
_LEAST_WH = 5_000.0
_STAY_DEVIATION = 0.2
_ENERGY_DEVIATION = 0.5
_MOST_OF_STAY = 0.9
_DECLARED_ERROR_MINUTES = 20.0
"""Scale of the Laplace distribution by which declared departures are off."""
_EMPTY_SOC_RATIO = 0.05


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SessionDistributions:
    """How sessions of one kind of place are distributed.

    Arrivals are weights of the quarter-hours of a day, shape (96,). `mean_stay_hours` and
    `mean_energy_wh` are the means of the sessions that begin in a half-hour of it, shape (48,).
    """

    weekday_arrivals: Floats
    weekend_arrivals: Floats
    mean_stay_hours: Floats
    mean_energy_wh: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """Who comes to a charge point: one of `vehicles`, so often a day, of whom a part declare.

    A vehicle is its token and what it is. `works`: nobody comes on weekends.
    """

    vehicles: Sequence[tuple[str, VehicleSpec]]
    visits_per_day: float
    declared_ratio: float
    works: bool = False


def draw_visits(
    habits: Habits, known: SessionDistributions, span: TimeRange, zone: ZoneInfo, seed: str
) -> tuple[Visit, ...]:
    """Return the visits that begin in `span`, by arrival; the same for the same `seed`."""
    visits, free = list[Visit](), span.start
    day = span.start.astimezone(zone).date()
    while day <= span.end.astimezone(zone).date():
        for visit in _of_day(habits, known, day, zone, seed):
            if free <= visit.arrival < span.end:
                visits.append(visit)
                free = visit.departure + _APART
        day += timedelta(days=1)
    return tuple(visits)


def _of_day(
    habits: Habits, known: SessionDistributions, day: date, zone: ZoneInfo, seed: str
) -> Iterator[Visit]:
    """Yield the visits of a local day, by arrival; they may overlap."""
    random = np.random.default_rng(zlib.crc32(f"{seed}/{day.isoformat()}".encode()))
    weekend = day.weekday() >= 5
    if weekend and habits.works:
        return
    arrivals = known.weekend_arrivals if weekend else known.weekday_arrivals
    begin = datetime.combine(day, time(), zone)
    whole, part = divmod(habits.visits_per_day, 1.0)
    count = int(whole) + int(random.random() < part)
    quarters = np.sort(random.choice(arrivals.size, size=count, p=arrivals / arrivals.sum()))
    for quarter in quarters:
        arrival = begin + int(quarter) * _QUARTER + timedelta(minutes=int(random.integers(15)))
        token, vehicle = habits.vehicles[int(random.integers(len(habits.vehicles)))]
        car = (token, vehicle, habits.declared_ratio)
        yield _visit(car, arrival.astimezone(UTC), int(quarter), known, random)


def _visit(
    car: tuple[str, VehicleSpec, float],
    arrival: datetime,
    quarter: int,
    known: SessionDistributions,
    random: np.random.Generator,
) -> Visit:
    token, vehicle, declared_ratio = car
    half_hour = quarter // 2
    drawn = random.normal(1.0, _STAY_DEVIATION) * known.mean_stay_hours[half_hour]
    stay = min(max(timedelta(hours=drawn), _SHORTEST), _LONGEST)
    stay = timedelta(minutes=round(stay.total_seconds() / 60))
    hours = stay.total_seconds() / 3600.0
    most_wh = vehicle.full_power_w * hours * _MOST_OF_STAY
    drawn_wh = random.normal(1.0, _ENERGY_DEVIATION) * known.mean_energy_wh[half_hour]
    wanted_wh = min(max(drawn_wh, _LEAST_WH), most_wh)
    stored_ratio = wanted_wh * vehicle.efficiency_ratio / vehicle.capacity_wh
    error = timedelta(minutes=round(random.laplace(0.0, _DECLARED_ERROR_MINUTES)))
    declares = random.random() < declared_ratio
    departure = arrival + stay
    return Visit(
        arrival=arrival,
        departure=departure,
        vehicle=vehicle,
        arrival_soc_ratio=max(vehicle.limit_soc_ratio - stored_ratio, _EMPTY_SOC_RATIO),
        token=token,
        declared_departure=max(departure + error, arrival + _SHORTEST) if declares else None,
    )
