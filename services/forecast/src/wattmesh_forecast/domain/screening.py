"""Readings that cannot be what they say: masked before anything is learnt or said from them.

Metering refuses what is outside of a point's bounds. What is left looks possible and is not: one
hour a hundred times the usual, an outage stored as zeros, a meter that repeats its last value.
Every rule asks what is usual at this very asset, so that a garage that rests at 0 W and a meter
that counts whole kilowatt-hours are believed.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wattmesh_forecast.domain.hours import AssetHours, Bools, Floats, Ints
from wattmesh_forecast.domain.input_faults import Finding, InputFault
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.lags import DAY, quantiles

_USUAL_RATIO = 0.98
_SPIKE_TIMES = 5.0
_SPIKE_MOST_HOURS = 2
_FEW_HOURS = 48
_FEW_TIMES = 20.0
_NOTHING_RATIO = 1e-3
_OUTAGE_HOURS = 2
_OUTAGE_MOST_HOURS = 7 * DAY
_RESTS_PER_DAY = 0.1
_STUCK_HOURS = 6
_CHANCE = 1e-4
_RATING_MARGIN = 1.2
_BRIGHT_W_M2 = 150.0
_DARK_HOURS = 6

Checks = Sequence[tuple[InputFault, Bools]]


def screened(
    kind: Kind, assets: Sequence[AssetHours], ratings_w: Sequence[float | None]
) -> list[AssetHours]:
    """Return assets that share one raster without the hours that cannot be believed.

    `ratings_w` is the most that each can do, None where it is not known. A load of 1 kW with an
    hour of 100 kW, and then three days of 0, is left with neither; its findings say 1 h of spike
    and 72 h of outage.
    """
    if not assets:
        return []
    power = np.stack([asset.power_w for asset in assets])
    most = np.array([np.inf if each is None else each for each in ratings_w])[:, None]
    checks = _of_load(power) if kind is Kind.LOAD else _of_plant(power, most, assets)
    bad = np.logical_or.reduce([each for _, each in checks])
    return [
        _without(asset, bad[number], [(fault, each[number]) for fault, each in checks])
        for number, asset in enumerate(assets)
    ]


def _of_load(power: Floats) -> Checks:
    return [
        (InputFault.SPIKE, _spikes(power)),
        (InputFault.OUTAGE, _outages(power)),
        (InputFault.STUCK, _stuck(power)),
    ]


def _of_plant(power: Floats, most: Floats, assets: Sequence[AssetHours]) -> Checks:
    return [
        (InputFault.SPIKE, _spikes(power) | (power > _RATING_MARGIN * most)),
        (InputFault.OUTAGE, _dark_days(power, assets)),
    ]


def _without(asset: AssetHours, bad: Bools, checks: Checks) -> AssetHours:
    if not bad.any():
        return asset
    found = [Finding(fault=fault, hours=int(each.sum())) for fault, each in checks]
    power = np.where(bad, np.nan, asset.power_w)
    return replace(asset, power_w=power, findings=tuple(each for each in found if each.hours))


def _spikes(power: Floats) -> Bools:
    """Return hours far above the usual highest, unless they last: then it is a new level."""
    enough = np.isfinite(power).sum(axis=1) >= _FEW_HOURS
    middle, high = quantiles(power, (0.5, _USUAL_RATIO))
    bound = np.where(enough, _SPIKE_TIMES * high, _FEW_TIMES * middle)
    beyond = (power > bound[:, None]) & (bound > 0)[:, None]
    return np.asarray(beyond & (_run_lengths(beyond) <= _SPIKE_MOST_HOURS))


def _outages(power: Floats) -> Bools:
    """Return runs of zeros of assets that hardly ever rest."""
    (usual,) = quantiles(np.where(power > 0, power, np.nan), (0.5,))
    zero = power <= _NOTHING_RATIO * usual[:, None]
    runs = zero.sum(axis=1) - (zero[:, 1:] & zero[:, :-1]).sum(axis=1)
    working = (power > 0).sum(axis=1) / DAY
    rare = runs <= 1 + _RESTS_PER_DAY * working
    lengths = _run_lengths(zero)
    outage = zero & (lengths >= _OUTAGE_HOURS) & rare[:, None]
    return np.asarray(outage & ~_at_rest(power, lengths))


def _at_rest(power: Floats, lengths: Ints) -> Bools:
    """Return runs that have lasted so long, and still do, that the asset must have been left."""
    positions = np.arange(power.shape[1])
    newest = np.max(np.where(np.isfinite(power), positions, 0), axis=1, keepdims=True)
    lasted = np.take_along_axis(lengths, newest, axis=1)
    return np.asarray((lasted > _OUTAGE_MOST_HOURS) & (positions > newest - lasted))


def _stuck(power: Floats) -> Bools:
    """Return the repeats in runs of one value that are too long to come by chance."""
    same: Bools = np.zeros(power.shape, dtype=np.bool_)
    same[:, 1:] = (power[:, 1:] == power[:, :-1]) & (power[:, 1:] > 0)
    days = same[:, : same.shape[1] // DAY * DAY].reshape(len(same), -1, DAY).mean(axis=2)
    usual = np.median(days, axis=1) if days.shape[1] else np.zeros(len(same))
    by_chance = np.log(_CHANCE / power.shape[1]) / np.log(np.clip(usual, 0.02, 0.98))
    least = np.maximum(_STUCK_HOURS - 1, by_chance)
    return np.asarray(same & (_run_lengths(same) >= least[:, None]))


def _dark_days(power: Floats, assets: Sequence[AssetHours]) -> Bools:
    """Return bright hours in runs of about a day's sun or more without any generation."""
    bright = np.stack([_bright(asset) for asset in assets]) & np.isfinite(power)
    highest = np.max(np.where(bright, power, 0.0), axis=1, keepdims=True, initial=0.0)
    dark = bright & (power <= _NOTHING_RATIO * highest) & (highest > 0)
    # Nights neither end nor lengthen a run: it is counted over the bright hours alone.
    rank = np.argsort(~bright, axis=1, kind="stable")
    lengths = np.zeros(power.shape, dtype=np.int64)
    in_order = _run_lengths(np.take_along_axis(dark, rank, axis=1))
    np.put_along_axis(lengths, rank, in_order, axis=1)
    return np.asarray(dark & (lengths >= _DARK_HOURS))


def _bright(asset: AssetHours) -> Bools:
    if asset.sun is None or not asset.sun.moves:
        return np.zeros(len(asset.power_w), dtype=np.bool_)
    return np.asarray(asset.sun.clear_sky_w_m2 > _BRIGHT_W_M2)


def _run_lengths(flags: Bools) -> Ints:
    """Return for each position (assets, n) how long its run of True is; 0 where it is False."""
    padded = np.zeros((len(flags), flags.shape[1] + 1), dtype=np.int8)
    padded[:, :-1] = flags
    edges = np.diff(padded.ravel(), prepend=0)
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    lengths = np.zeros(padded.size, dtype=np.int64)
    lengths[padded.ravel() == 1] = np.repeat(ends - begins, ends - begins)
    return lengths.reshape(padded.shape)[:, :-1]
