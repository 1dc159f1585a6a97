"""Patterns of solar generation: what past days say of an hour, by the height of the sun.

The values of earlier days are carried to the target by the ratio of clear-sky irradiances. The
envelope, the highest of them, stands for a clear day at this plant, whatever its tilt, direction
and shading; generation over envelope is the plant's clear-sky index.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.hours import Batch, Floats, Ints, Rows, Sun
from wattmesh_forecast.domain.lags import (
    DAY,
    at,
    either,
    filled,
    highest,
    known,
    mean,
    quantiles,
    running,
    same_hour,
    trailing_highest,
)

PV_PATTERNS = (
    "yesterday",
    "last_three_days",
    "week",
    "week_median",
    "fortnight_median",
    "four_weeks",
    "fortnight_upper",
    "envelope_at_day_index",
    "envelope_at_recent_index",
)
"""Names of the columns of `pv_patterns`; the first is the naive forecast."""

_ENVELOPE_DAYS = 21
_LOW_SUN_W_M2 = 20.0
_NO_SUN_W_M2 = 5.0
_USUAL_INDEX = 0.7
_INDEX_HOURS = (1, 3, 6, DAY)


def pv_patterns(batch: Batch, rows: Rows) -> Floats:
    """Return what each pattern says of each target [W], shape (assets, n, patterns); 0 at night."""
    past = SolarPast(batch, rows)
    week = past.week
    index = past_indices(batch, rows.issues)
    median, upper = quantiles(past.lags[..., :14], (0.5, 0.75))
    patterns = (
        week[..., 0],
        week[..., :3].mean(axis=-1),
        week.mean(axis=-1),
        np.median(week, axis=-1),
        either(median, 0.0),
        either(mean(past.lags), 0.0),
        either(upper, 0.0),
        past.envelope * index.day[:, rows.issue],
        past.envelope * index.three_hours[:, rows.issue],
    )
    return np.asarray(np.maximum(np.stack(patterns, axis=-1), 0.0) * past.daylight[..., None])


class SolarPast:
    """The same UTC hour on the four weeks before each target, carried to the target's sun."""

    def __init__(self, batch: Batch, rows: Rows) -> None:
        sun = sun_of(batch)
        hours = same_hour(rows, 28)
        values = known(batch.power_w, hours, rows.last[:, None])
        now = sun.clear_sky_w_m2[:, rows.target]
        self.daylight = now > 0
        """Whether the sun is up at all during the target, shape (assets, n)."""
        self.lags = values * _carry(sun, hours, now)
        """Newest first, shape (assets, n, 28) [W]."""
        self.envelope = np.where(
            self.daylight, either(highest(self.lags[..., :_ENVELOPE_DAYS]), 0.0), 0.0
        )
        """What the plant gave at most with the sun where it is at the target, (assets, n) [W]."""
        self.week = filled(self.lags[..., :7], self.envelope)
        """The newest week without gaps, shape (assets, n, 7) [W]."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClearSkyIndices:
    """Generation over envelope in the newest hours with sun, shape (assets, issues)."""

    one_hour: Floats
    three_hours: Floats
    six_hours: Floats
    day: Floats
    day_before: Floats
    sunny: Floats
    """1 where the sun was up in the newest three hours, else 0."""


def past_indices(batch: Batch, issues: Ints) -> ClearSkyIndices:
    """Return the plants' clear-sky indices as they were known at each issue."""
    # Only two days before the issues are asked about, and what was highest on the days before them.
    looked_at = max(int(issues.min()) - 2 * DAY, 0)
    first = max(looked_at - _ENVELOPE_DAYS * DAY, 0)
    power_w = batch.power_w[:, first : int(issues.max()) + 1]
    came = either(power_w, 0.0)[:, looked_at - first :]
    most_before = highest_of_earlier_days(power_w)[:, looked_at - first :]
    possible = np.maximum(either(most_before, 0.0), came)
    floor = 0.02 * peak_power(batch, issues)
    sums = running(np.stack([came, possible]), _INDEX_HOURS, np.add)
    of_hours = dict(zip(_INDEX_HOURS, sums, strict=True))

    def index(hours: int, default: Floats | float, skip: int = 0) -> Floats:
        given, most = either(at(of_hours[hours], issues - skip - looked_at), 0.0)
        return np.where(most > floor, given / np.maximum(most, 1e-9), default)

    day = index(DAY, _USUAL_INDEX)
    six = index(6, day)
    three = index(3, six)
    return ClearSkyIndices(
        one_hour=index(1, three),
        three_hours=three,
        six_hours=six,
        day=day,
        day_before=index(DAY, day, skip=DAY),
        sunny=np.where(either(at(of_hours[3][1], issues - looked_at), 0.0) > floor, 1.0, 0.0),
    )


def peak_power(batch: Batch, issues: Ints) -> Floats:
    """Return the highest generation of the newest four weeks [W] per issue; above 0."""
    return np.maximum(either(trailing_highest(batch.power_w, issues, 28 * DAY), 0.0), 1e-3)


def sun_of(batch: Batch) -> Sun:
    """Return the sun, which every solar plant has."""
    assert batch.sun is not None
    return batch.sun


def highest_of_earlier_days(power_w: Floats) -> Floats:
    """Return the highest value at the same UTC hour of the three weeks before each hour."""
    assets, hours = power_w.shape
    days = -(-hours // DAY)
    by_day = np.full((assets, days * DAY), np.nan)
    by_day[:, :hours] = power_w
    newest = by_day.reshape(assets, days, DAY).swapaxes(1, 2)
    (most,) = running(newest, (_ENVELOPE_DAYS,), np.fmax)
    before = np.full((assets, days * DAY), np.nan)
    before[:, DAY:] = most.swapaxes(1, 2)[:, :-1].reshape(assets, -1)
    return before[:, :hours]


def _carry(sun: Sun, hours: Ints, now: Floats) -> Floats:
    """Return by how much the clear sky at the target is brighter than at each earlier hour."""
    clear = np.maximum(sun.clear_sky_w_m2, _NO_SUN_W_M2)
    then = np.take(clear, hours, axis=-1, mode="clip")
    # At dawn and dusk the ratio of two small numbers says little: never scale up there.
    most = np.where(now < _LOW_SUN_W_M2, 1.0, 1.5)
    return np.asarray(np.minimum(now[..., None] / then, most[..., None]))
