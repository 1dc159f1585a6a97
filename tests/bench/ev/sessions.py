"""Measured charging sessions as a week at 20 charge points, and what their drivers declare."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.bench.ev.place import MOST_W, ZONE

FILE = "ev_workplace_sessions/sessions_3395.csv.gz"
_HOUR = timedelta(hours=1)
_LEAST_WH = 100.0
_LEAST_STAY = timedelta(minutes=10)
_LONGEST_STAY = timedelta(hours=24)
_DECLARED_STEP = timedelta(minutes=15)
_USER_BIAS_HOURS = 0.5
_SESSION_ERROR_HOURS = 1.0
"""Declared departures are off by a driver's own bias and by chance: standard deviations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A stay as it was: `energy_wh` is what the vehicle took, `declared_time` what was said.

    Where a vehicle took more than a charge point of the place gives in its stay, it is that.
    """

    id: str
    user: str
    arrival: datetime
    departure: datetime
    energy_wh: float
    declared_time: datetime
    charger: int = -1


def read_visits(folder: Path, seed: int = 1) -> list[Visit]:
    """Return all usable sessions of the data set, by arrival, with declared departures."""
    text = gzip.decompress((folder / FILE).read_bytes()).decode()
    rows = csv.DictReader(io.StringIO(text))
    visits = [_visit(number, row) for number, row in enumerate(rows)]
    usable = [each for each in visits if _usable(each)]
    return _declared(sorted(usable, key=lambda each: each.arrival), seed)


def week_of(visits: Sequence[Visit], monday: date, chargers: int, most: int) -> list[Visit]:
    """Return the first visits of a week that find a free charge point, the lowest free one each."""
    start = datetime(monday.year, monday.month, monday.day, tzinfo=ZONE)
    week = [each for each in visits if start <= each.arrival < start + timedelta(days=7)]
    free = [start] * chargers
    found: list[Visit] = []
    for visit in week:
        charger = next((k for k in range(chargers) if free[k] <= visit.arrival), None)
        if charger is not None and len(found) < most:
            free[charger] = visit.departure + timedelta(minutes=5)
            found.append(replace(visit, charger=charger))
    return found


def _visit(number: int, row: dict[str, str]) -> Visit:
    arrival, departure = (_moment(row[name]) for name in ("created", "ended"))
    return Visit(
        id=f"s{number}",
        user=row["userId"],
        arrival=arrival,
        departure=departure,
        energy_wh=min(float(row["kwhTotal"]) * 1000, MOST_W * ((departure - arrival) / _HOUR)),
        declared_time=departure,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def _usable(visit: Visit) -> bool:
    stay = visit.departure - visit.arrival
    return visit.energy_wh >= _LEAST_WH and _LEAST_STAY <= stay <= _LONGEST_STAY


def _declared(visits: Iterable[Visit], seed: int) -> list[Visit]:
    """Return the visits with what their drivers say: the data set does not have it."""
    random = np.random.default_rng(seed)
    biases: dict[str, float] = {}
    found = []
    for visit in visits:
        bias = biases.setdefault(visit.user, float(random.normal(0, _USER_BIAS_HOURS)))
        error = timedelta(hours=bias + float(random.normal(0, _SESSION_ERROR_HOURS)))
        stay = max(visit.departure + error - visit.arrival, _DECLARED_STEP)
        steps = max(round(stay / _DECLARED_STEP), 1)
        found.append(replace(visit, declared_time=visit.arrival + steps * _DECLARED_STEP))
    return found
