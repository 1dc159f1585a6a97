"""Vehicles that charge as soon as they come, as charge points do that nobody controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from wattmesh_analytics.domain.energy import Bools, Floats
from wattmesh_analytics.domain.moved import Moved
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """One vehicle at a charge point; `departure` None: it is still there.

    `max_power_w` is what charge point and vehicle can do together [W].
    """

    arrival: datetime
    departure: datetime | None
    max_power_w: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AtOnce:
    """What each charge point would have taken, and what vehicles would have left without [Wh]."""

    chargers: Mapping[AssetId, Moved]
    lacking_wh: float


def charge_at_once(
    metered: Mapping[AssetId, Series],
    stays: Mapping[AssetId, Sequence[Stay]],
    room_wh: Floats,
    power_w: float | None = None,
) -> AtOnce:
    """Return what charge points would have taken, had each vehicle charged from its arrival on.

    `metered`: what each took less what it gave per interval [Wh], NaN: not metered; `room_wh`: what
    the connection has left for all of them, (n,), inf: no limit. Each vehicle gets what was metered
    in its stay; those that came first go first. Of 8 kWh a vehicle of 4 kW takes 4 in each of two
    hours, and where the connection has 3 kW left, 3 in each and 2 in the third. `power_w` is in
    place of what vehicles and charge points can do.
    """
    room = np.where(np.isnan(room_wh), np.inf, np.maximum(room_wh, 0.0))
    left = {charger: series.values.copy() for charger, series in metered.items()}
    added = {charger: np.zeros(len(series)) for charger, series in metered.items()}
    lacking = 0.0
    ordered = sorted(
        ((stay, charger) for charger, found in stays.items() for stay in found),
        key=lambda each: each[0].arrival,
    )
    for stay, charger in ordered:
        if charger not in metered:
            continue
        series = metered[charger]
        hours = overlap_hours(series, stay)
        there = (hours > 0) & np.isfinite(series.values)
        needed = needed_wh(left[charger], there)
        if needed is None:
            continue
        left[charger][there] = 0.0
        fast = most_wh(stay, series, hours, there) if power_w is None else power_w * hours
        most = np.where(there, np.minimum(fast, room), 0.0)
        taken = np.diff(np.minimum(np.cumsum(most), needed), prepend=0.0)
        room = room - taken
        added[charger] += taken
        lacking += needed - float(taken.sum())
    return AtOnce(
        chargers={
            charger: Moved(metered=series, ruled=series.with_values(left[charger] + added[charger]))
            for charger, series in metered.items()
        },
        lacking_wh=lacking,
    )


def needed_wh(left: Floats, there: Bools) -> float | None:
    """Return what a vehicle took in its stay; None: nothing, or it gave more than it took."""
    total = float(left[there].sum())
    return total if total > 0 else None


def most_wh(stay: Stay, series: Series, hours: Floats, there: Bools) -> Floats:
    """Return what a vehicle can take in each interval [Wh]; as much as it did take in any."""
    seen_w = float((series.values[there] / hours[there]).max())
    return max(stay.max_power_w, seen_w) * hours


def overlap_hours(series: Series, stay: Stay) -> Floats:
    """Return for how long a vehicle was there in each interval [h], shape (n,)."""
    seconds = series.resolution.total_seconds()
    starts = np.arange(len(series)) * seconds
    first = (stay.arrival - series.start).total_seconds()
    last = np.inf
    if stay.departure is not None:
        last = (stay.departure - series.start).total_seconds()
    overlap = np.minimum(starts + seconds, last) - np.maximum(starts, first)
    return np.asarray(np.maximum(overlap, 0.0) / 3600)
