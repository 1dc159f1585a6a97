"""What a site would have consumed in the weather there was, by what it did in an earlier year.

CalTRACK's hourly method (docs.caltrack.org, after the time-of-week-and-temperature model of LBNL:
Mathieu et al., IEEE Trans. Smart Grid 2(3), 2011), which follows option C of IPMVP: of each
calendar month a least-squares fit on it and, with half the weight, on the months beside it, of a
level for each hour of the week and of pieces of the outdoor temperature, apart for hours in which
the site is used and in which it is not. `make peer-opendsm` holds it against the
library of the method's own authors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from wattmesh_analytics.domain.energy import Bools, Floats, Ints
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff.calendar import LocalTimes, epoch_s

HOURS_OF_WEEK = 168
LEAST_MONTH_RATIO = 0.9
"""Less of a month than this was metered: it has no baseline (CalTRACK 2.2.1.2)."""
_THURSDAY = 3
"""Day 0 of the calendar was one."""
_HEATED_BELOW, _COOLED_ABOVE = 50.0, 65.0
_ENDS = (30.0, 45.0, 55.0, 65.0, 75.0, 90.0)
"""Between which temperatures a piece goes [°F], as the method has them."""
_LEAST_IN_PIECE = 20
_USED_RATIO = 0.65
"""An hour of the week is one of use when so many of its values are above the plain weather fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """Hours in a row, (n,) each: consumption [Wh], outdoor temperature [°C], hour of the week
    (0: Monday, midnight to 1) and month of the site's zone. NaN: not metered.
    """

    consumed_wh: Floats
    outdoor_celsius: Floats
    hour_of_week: Ints
    month: Ints

    @property
    def known(self) -> Bools:
        """In which hours both were metered."""
        return np.isfinite(self.consumed_wh) & np.isfinite(self.outdoor_celsius)


def hours_of(consumed: Series, outdoor_celsius: Floats, zone: ZoneInfo) -> Hours:
    """Return hours with their places in the week and the year of a zone."""
    starts = epoch_s(consumed.start) + 3600 * np.arange(len(consumed))
    local = LocalTimes.at(starts, zone)
    months = local.day_number.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    weekday = (local.day_number + _THURSDAY) % 7
    return Hours(
        consumed_wh=consumed.values,
        outdoor_celsius=outdoor_celsius,
        hour_of_week=weekday * 24 + local.second_of_day // 3600,
        month=months % 12 + 1,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthFit:
    """The model of a month, and how its month fitted.

    `levels` by hour of the week, NaN: never seen; `ends` and `slopes` of the pieces, those of hours
    without use and with; of the hours of the month itself `count`, mean [Wh], mean squared residual
    and the correlation of residuals an hour apart.
    """

    levels: Floats
    used: Bools
    ends: tuple[tuple[float, ...], tuple[float, ...]]
    slopes: tuple[Floats, Floats]
    count: int
    mean_wh: float
    mean_square: float
    correlation: float

    def predict(self, hours: Hours) -> Floats:
        """Return the consumption of hours by this model [Wh]; NaN: it cannot be told."""
        fahrenheit = _fahrenheit(hours.outdoor_celsius)
        used = self.used[hours.hour_of_week]
        by_use = [
            _pieces(fahrenheit, ends) @ slopes
            for ends, slopes in zip(self.ends, self.slopes, strict=True)
        ]
        return np.asarray(self.levels[hours.hour_of_week] + np.where(used, by_use[1], by_use[0]))


def fit_baseline(hours: Hours) -> Mapping[int, MonthFit]:
    """Return the models of the months of which enough was metered, by number (1: January)."""
    found = dict[int, MonthFit]()
    for month in sorted(set(hours.month.tolist())):
        own = hours.month == month
        if hours.known[own].mean() >= LEAST_MONTH_RATIO:
            found[month] = _fit_month(hours, month)
    return found


def predict(models: Mapping[int, MonthFit], hours: Hours) -> Floats:
    """Return what hours would have consumed [Wh]; NaN: their month has no model."""
    whole = np.full(len(hours.month), np.nan)
    for month, model in models.items():
        own = hours.month == month
        whole[own] = model.predict(hours)[own]
    return whole


def uncertainty_wh(models: Mapping[int, MonthFit], hours: Hours) -> float:
    """Return how far a saving may be off with 90 % [Wh], by ASHRAE Guideline 14-2014, annex B.

    1.26 t E / (m e) sqrt(s n / n' (1 + 2 / n') m) of each month: E its metered energy in m hours, e
    the mean and s the mean square error of its n hours of the baseline, n' = n (1 - r) / (1 + r)
    with the correlation r of errors an hour apart; months are added up as independent.
    """
    squares = 0.0
    for month, model in models.items():
        own = (hours.month == month) & hours.known
        count = int(own.sum())
        if not count or not model.mean_wh:
            continue
        independent = model.count * (1 - model.correlation) / (1 + model.correlation)
        spread = model.mean_square * model.count / independent * (1 + 2 / independent) * count
        used_wh = float(hours.consumed_wh[own].sum())
        squares += (1.26 * 1.645 * used_wh / (count * model.mean_wh)) ** 2 * spread
    return float(np.sqrt(squares))


def _fit_month(hours: Hours, month: int) -> MonthFit:
    beside = (month % 12 + 1, (month - 2) % 12 + 1)
    weight = np.where(hours.month == month, 1.0, np.where(np.isin(hours.month, beside), 0.5, 0.0))
    rows = hours.known & (weight > 0)
    fahrenheit = _fahrenheit(hours.outdoor_celsius[rows])
    consumed, weight = hours.consumed_wh[rows], weight[rows]
    hour, own = hours.hour_of_week[rows], hours.month[rows] == month
    used = _used(fahrenheit, consumed, weight, hour)
    in_use = used[hour]
    ends = _ends(fahrenheit[~in_use]), _ends(fahrenheit[in_use])
    pieces = [
        _pieces(fahrenheit, each) * mask[:, None]
        for each, mask in zip(ends, (~in_use, in_use), strict=True)
    ]
    slopes, levels = _by_hour(np.hstack(pieces), consumed, weight, hour)
    residuals = (levels[hour] + np.hstack(pieces) @ slopes - consumed)[own]
    first = pieces[0].shape[1]
    return MonthFit(
        levels=levels,
        used=used,
        ends=ends,
        slopes=(slopes[:first], slopes[first:]),
        count=int(own.sum()),
        mean_wh=float(consumed[own].mean()),
        mean_square=float(np.mean(residuals**2)),
        correlation=_correlation(residuals),
    )


def _used(fahrenheit: Floats, consumed: Floats, weight: Floats, hour: Ints) -> Bools:
    """Return in which hours of the week the site is used."""
    design = np.column_stack(
        (
            np.ones(len(fahrenheit)),
            np.maximum(fahrenheit - _COOLED_ABOVE, 0.0),
            np.maximum(_HEATED_BELOW - fahrenheit, 0.0),
        )
    )
    above = consumed - design @ _least_squares(design, consumed, weight) > 0
    counts = np.bincount(hour, minlength=HOURS_OF_WEEK)
    shares = np.bincount(hour, above, minlength=HOURS_OF_WEEK) / np.maximum(counts, 1)
    return np.asarray(shares > _USED_RATIO)


def _ends(fahrenheit: Floats) -> tuple[float, ...]:
    """Return between which temperatures pieces go, so that each has enough hours.

    Ends are taken away from outside in, then the upper ends of pieces in the middle.
    """
    kept = list(_ENDS)
    while kept:
        piece = np.searchsorted(kept, fahrenheit, side="left")
        counts = np.bincount(piece, minlength=len(kept) + 1)
        few = counts < _LEAST_IN_PIECE
        gone = {kept[0]} if few[0] else set[float]()
        gone |= {kept[-1]} if few[-1] else set()
        gone = gone or {kept[each] for each in range(1, len(kept)) if few[each]}
        if not gone:
            break
        kept = [each for each in kept if each not in gone]
    return tuple(kept)


def _pieces(fahrenheit: Floats, ends: tuple[float, ...]) -> Floats:
    """Return how much of a temperature lies in each piece, (n, pieces); they add up to it.

    60 °F with ends at 45 and 55 are 45, 10 and 5.
    """
    edges = [0.0, *ends]
    tops = [*ends, np.inf]
    columns = [
        np.minimum(fahrenheit, top) if not index else np.clip(fahrenheit - low, 0.0, top - low)
        for index, (low, top) in enumerate(zip(edges, tops, strict=True))
    ]
    return np.column_stack(columns)


def _by_hour(pieces: Floats, consumed: Floats, weight: Floats, hour: Ints) -> tuple[Floats, Floats]:
    """Return slopes of the pieces and the level of each hour of the week, NaN: never seen.

    With means of each hour of the week taken off both sides, slopes alone are left to be solved for
    (Frisch, Waugh, Econometrica 1(4), 1933): a system of 14 in place of 182.
    """
    total = np.bincount(hour, weight, minlength=HOURS_OF_WEEK)
    share = weight / total[hour]
    means = np.column_stack(
        [np.bincount(hour, share * each, minlength=HOURS_OF_WEEK) for each in pieces.T]
    )
    mean = np.bincount(hour, share * consumed, minlength=HOURS_OF_WEEK)
    slopes = _least_squares(pieces - means[hour], consumed - mean[hour], weight)
    return slopes, np.where(total > 0, mean - means @ slopes, np.nan)


def _least_squares(design: Floats, values: Floats, weight: Floats) -> Floats:
    root = np.sqrt(weight)
    return np.asarray(np.linalg.lstsq(design * root[:, None], values * root)[0])


def _correlation(residuals: Floats) -> float:
    """Return the correlation of errors an hour apart, 0 to below 1."""
    if len(residuals) < 3 or not residuals.std():
        return 0.0
    found = float(np.corrcoef(residuals[:-1], residuals[1:])[0, 1])
    return min(max(found, 0.0), 0.99)


def _fahrenheit(celsius: Floats) -> Floats:
    return celsius * 1.8 + 32.0
