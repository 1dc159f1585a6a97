"""Quantiles of a turbine's generation: by the wind that is forecast, or by how it blows now.

**By wind.** The power curve at the forecast speed, plus what the curve was off by in past hours of
much the same wind, which weigh by how near their wind was and how long ago they are. So the curve
is corrected and has bands, both learnt, and where little was measured they are those of a doubtful
wind (the prior hours). How much stronger or weaker it blows here than is told is fitted first. In
the first half day the newest hour's difference is carried on, at each lead as far as it did in the
past.

**Without wind.** What came so many hours after past hours that were like the newest one: the next
hour is much like it, and two days ahead it is whatever the last weeks had. The bands are as wide as
that, and wider where little was measured.

All powers are ratios of the rated one, and stay between 0 and 1.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from wattmesh_forecast.domain.hours import Bools, Floats, Ints
from wattmesh_forecast.domain.lags import DAY, either
from wattmesh_forecast.domain.wind.turbine import Turbine

PRIOR_HOURS = 12.0
"""As many hours count for what is usual of turbines."""
_HALF_LIFE_DAYS = 21.0
_CARRIED_HOURS = 12
_CARRIED_AN_HOUR = 0.8
_USUAL_CARRIED = _CARRIED_AN_HOUR ** np.arange(1, _CARRIED_HOURS + 1)
_HELD_HOURS = 96.0
_NEAR_M_PER_S, _NEAR_RATIO = 0.75, 0.08
_ALIKE = 0.08
_HOURS_ALIKE = 3.0
_ANY_HOUR = 0.4
_PRIOR_SPREAD = 0.18
_LEAD_M_PER_S, _LEAD_FREE_HOURS, _LEAD_PER_HOURS = 0.9, 6.0, 48.0
_SPEED_UPS = np.exp(np.linspace(np.log(0.6), np.log(1.6), 25))
_SPEED_UP_DOUBT = 0.02
_USUAL_M_PER_S = 5.5
_RANKS = (np.arange(13) + 0.5) / 13
_SCORES = np.array([NormalDist().inv_cdf(rank) for rank in _RANKS])
"""Of the prior hours."""
_DRAWN = np.array([NormalDist().inv_cdf((n * 0.618034 + 0.5) % 1.0) for n in range(97)])
"""Normal scores by the golden section."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WindPast:
    """A turbine's hours up to and with `last`, and the wind of all hours.

    `ratio` (n,) is generation over rated power, NaN where it is not known; `speed_m_per_s` (n,) is
    the wind at the hub, NaN where it is not told; None: nowhere.
    """

    turbine: Turbine
    ratio: Floats
    speed_m_per_s: Floats | None
    last: int

    @property
    def hours(self) -> Ints:
        """The hours with a value, rising."""
        return np.flatnonzero(np.isfinite(self.ratio[: self.last + 1]))


def wind_quantiles(past: WindPast, targets: Ints, ratios: tuple[float, ...]) -> Floats:
    """Return quantiles of generation over rated power, (targets, ratios), rising."""
    found = np.empty((len(targets), len(ratios)))
    told = told_wind(past.speed_m_per_s, targets)
    if told.any():
        found[told] = _by_wind(past, targets[told], ratios)
    if not told.all():
        found[~told] = _by_persistence(past, targets[~told], ratios)
    return found


def told_wind(speed_m_per_s: Floats | None, targets: Ints) -> Bools:
    """Return at which targets the wind is told."""
    if speed_m_per_s is None:
        return np.zeros(len(targets), dtype=np.bool_)
    return np.asarray(np.isfinite(speed_m_per_s[targets]))


def _by_wind(past: WindPast, targets: Ints, ratios: tuple[float, ...]) -> Floats:
    told, turbine = past.speed_m_per_s, past.turbine
    assert told is not None
    hours = past.hours[told_wind(told, past.hours)]
    speed = told * _speed_up(turbine, told[hours], past.ratio[hours], _ages(past, hours))
    off = np.full(past.last + 1, np.nan)
    off[hours] = past.ratio[hours] - turbine.ratio(speed[hours])
    carried = _carried(off)
    lead = targets - past.last
    near = _NEAR_M_PER_S + _NEAR_RATIO * speed[targets][:, None]
    weight = np.exp(-0.5 * ((speed[hours] - speed[targets][:, None]) / near) ** 2)
    weight *= _ages(past, hours)
    share = carried[np.minimum(lead, _CARRIED_HOURS + 1) - 1]
    # What is carried on of the newest hour is taken from each past hour as it was then.
    then = hours[None, :] - lead[:, None]
    before = either(np.where(then >= 0, off[np.maximum(then, 0)], 0.0), 0.0)
    newest = np.nan_to_num(off[past.last])
    away = off[hours] + share[:, None] * (newest - before)
    wider = _LEAD_M_PER_S * np.sqrt(np.maximum(lead - _LEAD_FREE_HOURS, 0.0) / _LEAD_PER_HOURS)
    turns = _turns(len(hours))
    samples = turbine.ratio(speed[targets][:, None] + wider[:, None] * turns) + away
    spread = np.hypot(_PRIOR_SPREAD * speed[targets], wider)[:, None]
    usual = turbine.ratio(np.maximum(speed[targets][:, None] + spread * _SCORES, 0.0))
    usual = usual + share[:, None] * newest
    return _quantiles(samples, weight, usual, ratios)


def _by_persistence(past: WindPast, targets: Ints, ratios: tuple[float, ...]) -> Floats:
    now = past.ratio[past.last] if past.last >= 0 else np.nan
    rayleigh = _usual(past.turbine)
    middle = float(np.median(past.ratio[past.hours])) if len(past.hours) else 0.0
    carried = _carried(past.ratio[: past.last + 1] - middle)
    found = np.empty((len(targets), len(ratios)))
    for row, target in enumerate(targets):
        lead = int(target) - past.last
        hours = past.hours
        then = hours - lead
        goes_on = 0.0 if np.isnan(now) else carried[min(lead, _CARRIED_HOURS + 1) - 1]
        usual = rayleigh + goes_on * (np.nan_to_num(now) - rayleigh)
        like = past.ratio[np.maximum(then, 0)]
        apart = np.where(then >= 0, (like - now) / (_ALIKE * (1 + lead / DAY)), np.nan)
        # Hours of which nobody knows how it blew before tell what is usual.
        alike = np.exp(-0.5 * either(apart, 2.0) ** 2)
        clock = np.abs((target - hours + DAY // 2) % DAY - DAY // 2) / _HOURS_ALIKE
        by_day = _ANY_HOUR + (1.0 - _ANY_HOUR) * np.exp(-0.5 * clock**2)
        weight = alike * by_day * _ages(past, hours)
        samples = past.ratio[hours] + goes_on * either(np.where(then >= 0, now - like, 0.0), 0.0)
        found[row] = _quantiles(samples[None], weight[None], usual[None], ratios)[0]
    return found


def _ages(past: WindPast, hours: Ints) -> Floats:
    return np.asarray(0.5 ** ((past.last - hours) / (_HALF_LIFE_DAYS * DAY)))


def _speed_up(turbine: Turbine, speed: Floats, ratio: Floats, weight: Floats) -> float:
    """Return by how much the wind at the hub is stronger than told, 0.6 to 1.6; 1 is held to."""
    away = np.abs(turbine.ratio(_SPEED_UPS[:, None] * speed) - ratio)
    error = (weight * away).sum(axis=1) / (weight.sum() + PRIOR_HOURS)
    doubt = _SPEED_UP_DOUBT * np.abs(np.log(_SPEED_UPS)) * PRIOR_HOURS
    return float(_SPEED_UPS[np.argmin(error + doubt / (weight.sum() + PRIOR_HOURS))])


def _carried(off: Floats) -> Floats:
    """Return which share of an hour's difference there still is at each lead, 0 beyond."""
    found = np.zeros(_CARRIED_HOURS + 1)
    held = _HELD_HOURS * float(np.nanmean(off**2)) if np.isfinite(off).any() else 0.0
    for lead, usual in enumerate(_USUAL_CARRIED, start=1):
        both = off[lead:] * off[:-lead]
        square = np.where(np.isfinite(both), off[:-lead] ** 2, np.nan)
        total = float(np.nansum(square)) + held
        share = (float(np.nansum(both)) + held * usual) / total if total > 0 else usual
        found[lead - 1] = np.clip(share, 0.0, 1.0)
    return found


def _turns(count: int) -> Floats:
    """Return normal scores, evenly drawn whatever part of them is looked at, (count,)."""
    return np.resize(_DRAWN, count)


def _usual(turbine: Turbine) -> Floats:
    """Return what a turbine gives when nothing is known: Rayleigh's winds of 5.5 m/s."""
    scale = _USUAL_M_PER_S / np.sqrt(np.pi / 2)
    return turbine.ratio(scale * np.sqrt(-2 * np.log(1 - _RANKS)))


def _quantiles(samples: Floats, weight: Floats, usual: Floats, ratios: tuple[float, ...]) -> Floats:
    """Return weighted quantiles of samples (n, hours), with the prior hours among them."""
    prior = np.full_like(usual, PRIOR_HOURS / usual.shape[-1])
    values = np.clip(np.concatenate([samples, usual], axis=-1), 0.0, 1.0)
    weights = np.concatenate([weight, prior], axis=-1)
    order = np.argsort(values, axis=-1)
    values = np.take_along_axis(values, order, axis=-1)
    ranks = np.take_along_axis(weights, order, axis=-1)
    ranks = (np.cumsum(ranks, axis=-1) - 0.5 * ranks) / ranks.sum(axis=-1, keepdims=True)
    return np.stack([np.interp(ratios, *row) for row in zip(ranks, values, strict=True)])
