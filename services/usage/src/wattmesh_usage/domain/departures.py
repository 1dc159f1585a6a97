"""When a vehicle will leave: a distribution learned from past stays, never a single time.

What a driver declares is one observation among others: by how much declared departures were off
before is learned with them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

RATIOS = (0.001, 0.005, 0.01, 0.02, 0.05, *(each / 10 for each in range(1, 10)), 0.95, 0.98, 0.995)
"""The probabilities that a distribution is given at."""

_HOUR = timedelta(hours=1)
_LONGEST_STAY_HOURS = 48.0
_STEP_HOURS = 1 / 12
_USUAL_STAYS_HOURS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 8.5, 9.5, 11.0, 13.0)
"""What stays are taken to be like where nothing is known: errands, half days, days, nights."""
_USUAL_ERRORS_HOURS = (-3.0, -1.5, -0.75, -0.25, 0.0, 0.25, 0.75, 1.5, 3.0)
"""By how much declared departures are taken to be off where nothing is known: leaving early < 0."""
_USUAL_WEIGHT = 0.5
_OTHERS_WEIGHT = 3.0
"""What all other vehicles of the place count together, in stays of one's own."""
_MOST_OWN_WEIGHT = 30.0
_ARRIVAL_SPREAD_HOURS = 1.5
_OTHER_DAY_WEIGHT = 0.5
_MEMORY = timedelta(days=90)
"""After which a stay counts 1/e."""
_LEAST_SPREAD_HOURS = 0.25
_UNKNOWN_SPREAD_HOURS = 2.0
"""How much stays are taken to vary of which only one is known."""
_LEAST_LIKELIHOOD = 0.01
"""Of any declaration, in those of the likeliest: people err wildly, if seldom."""
_MOST_STAYS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class PastStay:
    """A stay that has ended; `declared_time` is what its driver had said, None: nothing."""

    vehicle: str
    arrival_time: datetime
    departure_time: datetime
    declared_time: datetime | None = None
    energy_wh: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewStay:
    """A vehicle has just arrived; an empty `vehicle` is not known."""

    vehicle: str
    arrival_time: datetime
    declared_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DepartureQuantile:
    """By `departure_time` it has left with a probability of `ratio`."""

    ratio: float
    departure_time: datetime


@dataclass(frozen=True, slots=True)
class _Samples:
    """Values that may come again [h], each with its weight, smoothed by `bandwidth_hours`."""

    hours: Floats
    weights: Floats
    bandwidth_hours: float

    def density(self, at_hours: Floats) -> Floats:
        """Return how likely each of these values is, not normalised but by weight."""
        steps = (at_hours[:, None] - self.hours[None, :]) / self.bandwidth_hours
        density = np.exp(-0.5 * np.minimum(steps**2, 80.0)) @ self.weights
        return np.asarray(density / self.bandwidth_hours)


def departure_quantiles(
    stay: NewStay, past: Iterable[PastStay], zone: ZoneInfo
) -> tuple[DepartureQuantile, ...]:
    """Return when a vehicle that has arrived will leave, by `RATIOS`, rising.

    Of each past stay its length may come again, and the time of day at which it ended: which of
    them a vehicle keeps to is seen from how much each varied. Stays of the vehicle itself count
    more than those of others, similar times of arrival and the same days more than others, recent
    ones more than old ones. What is declared makes the departures more likely that go with it by
    the errors of declarations so far (Bayes), and none impossible.
    """
    known = sorted(past, key=lambda each: each.arrival_time)
    own = [each for each in known if stay.vehicle and each.vehicle == stay.vehicle][-_MOST_STAYS:]
    others = [each for each in known if not stay.vehicle or each.vehicle != stay.vehicle]
    others = others[-_MOST_STAYS:]
    hours = np.arange(_STEP_HOURS, _LONGEST_STAY_HOURS + _STEP_HOURS, _STEP_HOURS)
    density = np.sum([each.density(hours) for each in _stays(stay, own, others, zone)], axis=0)
    if stay.declared_time is not None:
        off = hours - _hours(stay.declared_time - stay.arrival_time)
        density = density * _declared_likelihood(off, own, others)
    return _quantiles(stay.arrival_time, hours, density)


def _stays(
    stay: NewStay, own: Sequence[PastStay], others: Sequence[PastStay], zone: ZoneInfo
) -> list[_Samples]:
    """Return what stays may be like [h], by those before and by what is usual."""
    return [
        *_parts(stay, own, zone, most=_MOST_OWN_WEIGHT),
        *_parts(stay, others, zone, most=_OTHERS_WEIGHT),
        _smoothed(np.array(_USUAL_STAYS_HOURS), None, _USUAL_WEIGHT),
    ]


def _parts(
    stay: NewStay, past: Sequence[PastStay], zone: ZoneInfo, *, most: float
) -> list[_Samples]:
    """Return what past stays say about a new one: by their length, and by the time of day."""
    if not past:
        return []
    weights = np.array([_weight(stay, each, zone) for each in past])
    lengths = np.array([_hours(each.departure_time - each.arrival_time) for each in past])
    ends = np.array([_day_hours(each.departure_time, each.arrival_time, zone) for each in past])
    ends -= _day_hours(stay.arrival_time, stay.arrival_time, zone)
    spreads = [max(_spread(each, weights), _LEAST_SPREAD_HOURS) for each in (lengths, ends)]
    shares = np.array([spread**-2 for spread in spreads])
    shares *= min(float(weights.sum()), most) / shares.sum()
    return [
        _smoothed(values, weights, share)
        for values, share in zip((lengths, ends), shares.tolist(), strict=True)
    ]


def _declared_likelihood(
    off_hours: Floats, own: Sequence[PastStay], others: Sequence[PastStay]
) -> Floats:
    """Return how likely a declaration that is off by so much is, up to a factor."""
    parts = [_smoothed(np.array(_USUAL_ERRORS_HOURS), None, _USUAL_WEIGHT)]
    for past, most in ((own, _MOST_OWN_WEIGHT), (others, _OTHERS_WEIGHT)):
        errors = np.array([_hours(each) for each in map(_error, past) if each is not None])
        if errors.size:
            parts.append(_smoothed(errors, None, min(float(errors.size), most)))
    density = np.sum([each.density(off_hours) for each in parts], axis=0)
    return np.asarray(density / density.max() + _LEAST_LIKELIHOOD)


def _smoothed(values: Floats, weights: Floats | None, total: float) -> _Samples:
    """Return values with a total weight, smoothed by Silverman's rule: 0.9 spread / count^(1/5)."""
    weights = np.ones(len(values)) if weights is None else weights
    count = float(weights.sum() ** 2 / (weights**2).sum())
    spread = _spread(values, weights) if count > 1.5 else _UNKNOWN_SPREAD_HOURS
    bandwidth = max(0.9 * max(spread, _LEAST_SPREAD_HOURS) * count**-0.2, _STEP_HOURS)
    return _Samples(values, weights * (total / weights.sum()), bandwidth)


def _spread(values: Floats, weights: Floats) -> float:
    """Return the lesser of standard deviation and what the middle half says of it [h]."""
    mean = np.average(values, weights=weights)
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    order = np.argsort(values)
    passed = np.cumsum(weights[order]) / weights.sum()
    low, high = np.interp((0.25, 0.75), passed, values[order])
    return min(deviation, float(high - low) / 1.34)


def _quantiles(arrival: datetime, hours: Floats, density: Floats) -> tuple[DepartureQuantile, ...]:
    left = np.cumsum(density)
    left /= left[-1]
    times = np.interp(RATIOS, np.append(0.0, left), np.append(0.0, hours))
    return tuple(
        DepartureQuantile(ratio=ratio, departure_time=arrival + hour * _HOUR)
        for ratio, hour in zip(RATIOS, times.tolist(), strict=True)
    )


def _weight(stay: NewStay, past: PastStay, zone: ZoneInfo) -> float:
    """Return how much a past stay says about a new one, 0 to 1."""
    here, there = stay.arrival_time.astimezone(zone), past.arrival_time.astimezone(zone)
    apart = abs(_clock_hours(here) - _clock_hours(there))
    apart = min(apart, 24 - apart) / _ARRIVAL_SPREAD_HOURS
    same_day = here.weekday() == there.weekday()
    same_part_of_week = (here.weekday() < 5) == (there.weekday() < 5)
    day = 1.0 if same_day else _OTHER_DAY_WEIGHT if same_part_of_week else _OTHER_DAY_WEIGHT / 4
    age = (stay.arrival_time - past.arrival_time) / _MEMORY
    return float(np.exp(-0.5 * apart**2) * day * np.exp(-max(age, 0.0))) + 1e-6


def _error(past: PastStay) -> timedelta | None:
    """Return by how much a departure was later than declared."""
    return None if past.declared_time is None else past.departure_time - past.declared_time


def _day_hours(moment: datetime, day_of: datetime, zone: ZoneInfo) -> float:
    """Return the time of day of a moment [h], over 24 on days after that of `day_of`."""
    local = moment.astimezone(zone)
    days = (local.date() - day_of.astimezone(zone).date()).days
    return 24.0 * days + _clock_hours(local)


def _clock_hours(local: datetime) -> float:
    return local.hour + local.minute / 60 + local.second / 3600


def _hours(duration: timedelta) -> float:
    return duration / _HOUR
