"""The hour that is running: what is known of it already, and what the rest of it will bring.

A plan for the next hour is made while this one runs, and its first minutes tell of the next. So the
hour is taken for known: its minutes so far, and an estimate of those to come. A load's difference
from what is usual goes on, that of the minutes so far and that of the hour before; a plant goes on
at what it gives of what it can under the sun of the hour. The shares are those that fit half-hourly
demand of a substation and a solar farm best (`tests.bench.forecast.running_hours`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattmesh_forecast.domain.hours import HOUR, Floats, Ints, Sun
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY, either, median
from wattmesh_forecast.domain.pv_patterns import highest_of_earlier_days

LEAST_KNOWN = timedelta(minutes=10)
"""Less of an hour says too little of it."""
_LOAD_SHARES = (0.52, 0.37)
"""Of the difference in the minutes so far, and of that in the hour before."""
_PLANT_SHARES = (0.76, 0.16, 0.08)
"""Of generation over what the plant can: in the minutes so far, the hour before, and as usual."""
_DAYS = 7
_MOST_TIMES = 2.0
_MOST_INDEX = 1.2
_LOW_SUN_W_M2 = 50.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SoFar:
    """What is known of a running hour: until when, and the mean power until then [W].

    `held` is whether the hour before was told as one value: then the minutes so far are the hour.
    """

    until: datetime
    mean_w: float
    held: bool = False


def estimated(
    kind: Kind, power_w: Floats, suns: Sequence[Sun | None], position: int, known: Sequence[SoFar]
) -> tuple[Floats, Floats]:
    """Return means of the whole running hour and of its rest [W], (assets,).

    `power_w` (assets, n) are magnitudes, known before `position`. A load of usually 400 W that was
    as usual in the hour before and had 800 W in the first half: the rest is 608 W, the hour 704 W.
    """
    ratio = np.array([_share(each.until) for each in known])
    so_far = np.maximum(np.array([each.mean_w for each in known]), 0.0)
    hours = position - DAY * np.arange(1, _DAYS + 1)
    hours = hours[hours >= 1]
    if len(hours) and kind is Kind.LOAD:
        rest = _of_load(power_w, hours, position, so_far)
    elif len(hours) and kind is Kind.PV:
        moving = [each for each in suns if each is not None]
        rest = _of_plant(power_w, moving, hours, position, ratio, so_far)
    else:
        rest = so_far
    rest = np.where([each.held for each in known], so_far, rest)
    return ratio * so_far + (1 - ratio) * rest, rest


def _share(until: datetime) -> float:
    return (until - until.replace(minute=0, second=0, microsecond=0)) / HOUR or 1.0


def _of_load(power_w: Floats, hours: Ints, position: int, so_far: Floats) -> Floats:
    usual, usual_before = median(power_w[:, hours]), median(power_w[:, hours - 1])
    usual = either(usual, so_far)
    before = either(power_w[:, position - 1] - usual_before, 0.0)
    of_now, of_before = _LOAD_SHARES
    return np.maximum(usual + of_now * (so_far - usual) + of_before * before, 0.0)


def _of_plant(
    power_w: Floats,
    suns: Sequence[Sun],
    hours: Ints,
    position: int,
    ratio: Floats,
    so_far: Floats,
) -> Floats:
    can = either(highest_of_earlier_days(power_w)[:, position - 1 : position + 1], 0.0)
    can_before, can_now = can[:, 0], can[:, 1]
    can_so_far = can_now * _sun_over_hour(suns, position, (ratio - 1) / 2)
    can_rest = can_now * _sun_over_hour(suns, position, ratio / 2)
    now = _index(so_far, can_so_far, 0.0)
    before = _index(either(power_w[:, position - 1], 0.0), can_before, now)
    usual = _index(either(median(power_w[:, hours]), 0.0), can_now, now)
    of_now, of_before, of_usual = _PLANT_SHARES
    found = of_now * now + of_before * before + of_usual * usual
    return np.where(can_now > 0, found * can_rest, so_far)


def _index(power_w: Floats, can_w: Floats, default: Floats | float) -> Floats:
    index = np.where(can_w > 0, power_w / np.maximum(can_w, 1e-9), default)
    return np.clip(index, 0.0, _MOST_INDEX)


def _sun_over_hour(suns: Sequence[Sun], position: int, shift: Floats) -> Floats:
    """Return the sun so many hours from the middle of an hour, over that of the hour, (assets,)."""
    beside = np.clip(np.arange(position - 1, position + 2), 0, len(suns[0].clear_sky_w_m2) - 1)
    before, now, after = np.stack([each.clear_sky_w_m2[beside] for each in suns], axis=1)
    then = now + np.where(shift < 0, -shift * (before - now), shift * (after - now))
    times = np.clip(then / np.maximum(now, 1.0), 1 / _MOST_TIMES, _MOST_TIMES)
    return np.where(np.minimum(then, now) > _LOW_SUN_W_M2, times, 1.0)
