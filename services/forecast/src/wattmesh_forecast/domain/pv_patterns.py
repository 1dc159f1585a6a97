"""Patterns of solar generation: what past days say of an hour, by the height of the sun.

The values of earlier days are carried to the target by the ratio of clear-sky irradiances. The
envelope, the highest of them, stands for a clear day at this plant, whatever its tilt, direction
and shading; generation over envelope is the plant's clear-sky index.
"""

from dataclasses import dataclass

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Floats, Ints, Rows, Sun
from wattmesh_forecast.domain.lags import (
    DAY,
    either,
    filled,
    highest,
    known,
    mean,
    median,
    quantile,
    same_hour,
    trailing,
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


def pv_patterns(asset: AssetHours, rows: Rows) -> Floats:
    """Return what each pattern says of each target [W], shape (n, patterns); 0 at night."""
    past = SolarPast(asset, rows)
    week = past.week
    index = past_indices(asset, rows.issues)
    patterns = (
        week[:, 0],
        week[:, :3].mean(axis=1),
        week.mean(axis=1),
        np.median(week, axis=1),
        either(median(past.lags[:, :14]), 0.0),
        either(mean(past.lags), 0.0),
        either(quantile(past.lags[:, :14], 0.75), 0.0),
        past.envelope * index.day[rows.issue],
        past.envelope * index.three_hours[rows.issue],
    )
    return np.asarray(np.maximum(np.column_stack(patterns), 0.0) * past.daylight[:, None])


class SolarPast:
    """The same UTC hour on the four weeks before each target, carried to the target's sun."""

    def __init__(self, asset: AssetHours, rows: Rows) -> None:
        sun = sun_of(asset)
        hours = same_hour(rows, 28)
        values = known(asset.power_w, hours, rows.last[:, None])
        now = sun.clear_sky_w_m2[rows.target]
        self.daylight = now > 0
        """Whether the sun is up at all during the target, shape (n,)."""
        self.lags = values * _carry(sun, hours, now)
        """Newest first, shape (n, 28) [W]."""
        self.envelope = np.where(
            self.daylight, either(highest(self.lags[:, :_ENVELOPE_DAYS]), 0.0), 0.0
        )
        """What the plant gave at most with the sun where it is at the target, shape (n,) [W]."""
        self.week = filled(self.lags[:, :7], self.envelope)
        """The newest week without gaps, shape (n, 7) [W]."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClearSkyIndices:
    """Generation over envelope in the newest hours with sun, per issue; arrays of shape (n,)."""

    one_hour: Floats
    three_hours: Floats
    six_hours: Floats
    day: Floats
    day_before: Floats
    sunny: Floats
    """1 where the sun was up in the newest three hours, else 0."""


def past_indices(asset: AssetHours, issues: Ints) -> ClearSkyIndices:
    """Return the plant's clear-sky index as it was known at each issue."""
    hours = np.arange(2 * DAY)
    asked = Rows(
        target=np.maximum((issues[:, None] - hours).ravel(), 0), last=np.repeat(issues, 2 * DAY)
    )
    lags = known(asset.power_w, same_hour(asked, _ENVELOPE_DAYS), asked.last[:, None])
    came = either(trailing(asset.power_w, issues, 2 * DAY), 0.0)
    envelope = np.maximum(either(highest(lags), 0.0).reshape(len(issues), -1), came)
    floor = 0.02 * peak_power(asset, issues)

    def index(first: int, end: int, default: Floats | float) -> Floats:
        possible = envelope[:, first:end].sum(axis=1)
        given = came[:, first:end].sum(axis=1)
        ratio = given / np.maximum(possible, 1e-9)
        return np.where(possible > floor, ratio, default)

    day = index(0, DAY, _USUAL_INDEX)
    six = index(0, 6, day)
    three = index(0, 3, six)
    return ClearSkyIndices(
        one_hour=index(0, 1, three),
        three_hours=three,
        six_hours=six,
        day=day,
        day_before=index(DAY, 2 * DAY, day),
        sunny=np.where(envelope[:, :3].sum(axis=1) > floor, 1.0, 0.0),
    )


def peak_power(asset: AssetHours, issues: Ints) -> Floats:
    """Return the highest generation of the newest four weeks [W] per issue; above 0."""
    return np.maximum(either(highest(trailing(asset.power_w, issues, 28 * DAY)), 0.0), 1e-3)


def sun_of(asset: AssetHours) -> Sun:
    """Return the asset's sun, which every solar plant has."""
    assert asset.sun is not None
    return asset.sun


def _carry(sun: Sun, hours: Ints, now: Floats) -> Floats:
    """Return by how much the clear sky at the target is brighter than at each earlier hour."""
    then = sun.clear_sky_w_m2[np.clip(hours, 0, len(sun.clear_sky_w_m2) - 1)]
    ratio = np.clip(now[:, None] / np.maximum(then, _NO_SUN_W_M2), 0.0, 1.5)
    # At dawn and dusk the ratio of two small numbers says little: never scale up there.
    return np.where(now[:, None] < _LOW_SUN_W_M2, np.minimum(ratio, 1.0), ratio)
