"""Hourly (24/7) matching of consumption with carbon-free energy.

As EnergyTag's Granular Certificate Scheme Standard has it: a certificate of an hour matches what
was consumed in that hour, and nothing else; those of a month or a year match volumes only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from wattmesh_carbon.domain.certificates import Claim
from wattmesh_carbon.domain.footprint import check_energy
from wattmesh_kernel.checks import require
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange, ceil_time, floor_time

HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching:
    """What was matched; the ratios are None when nothing was consumed."""

    matched_wh: Series
    excess_wh: float
    hourly_ratio: float | None
    volume_ratio: float | None
    covered_ratio: float


def match(consumption_wh: Series, own_wh: Series | None, claims: Sequence[Claim]) -> Matching:
    """Return how much of a consumption was matched.

    Of 2 kWh in each of two hours, 3 certified kWh of the first hour match 2: hourly 0.5, by volume
    0.75, and 1 kWh is too much. Own carbon-free energy, a part of the consumption, matches first.
    An hour of which a part was not metered counts nowhere.
    Errors: InvalidArgument for negative energies, other intervals, or intervals beyond an hour.
    """
    hours = HOUR % consumption_wh.resolution == timedelta(0)
    require(hours, "INVALID_RESOLUTION", "intervals divide an hour", "consumption_energy_wh")
    check_energy(consumption_wh, "consumption_energy_wh")
    consumed = _hourly(consumption_wh)
    own = np.zeros(len(consumed))
    if own_wh is not None:
        check_energy(own_wh, "own_energy_wh")
        same = own_wh.range == consumption_wh.range and len(own_wh) == len(consumption_wh)
        require(same, "UNEQUAL_SERIES", "both have the same intervals", "own_energy_wh")
        own = np.nan_to_num(_hourly(own_wh).values)
    wanted = np.maximum(consumed.values - own, 0.0)
    supplied = _supplied(consumed, claims)
    known = np.isfinite(consumed.values)
    bought = np.minimum(wanted, supplied)
    matched = np.minimum(own, consumed.values) + bought
    total = float(consumed.values[known].sum())
    volume = float(matched[known].sum() - bought[known].sum()) + sum(c.energy_wh for c in claims)
    return Matching(
        matched_wh=consumed.with_values(matched),
        excess_wh=float((supplied - bought)[known].sum()),
        hourly_ratio=float(matched[known].sum()) / total if total else None,
        volume_ratio=min(volume / total, 1.0) if total else None,
        covered_ratio=float(known.mean()) if known.size else 0.0,
    )


def _hourly(energy_wh: Series) -> Series:
    """Return the energy of each hour that is touched; NaN where a part is missing."""
    span = TimeRange(floor_time(energy_wh.start, HOUR), ceil_time(energy_wh.end, HOUR))
    whole = np.zeros(span.count(energy_wh.resolution))
    first = (energy_wh.start - span.start) // energy_wh.resolution
    whole[first : first + len(energy_wh)] = energy_wh.values
    per_hour = HOUR // energy_wh.resolution
    return Series(span.start, HOUR, whole.reshape(-1, per_hour).sum(axis=1))


def _supplied(hours: Series, claims: Sequence[Claim]) -> NDArray[np.float64]:
    """Return what granular certificates supply in each hour [Wh]."""
    supplied = np.zeros(len(hours))
    for claim in claims:
        if not claim.granular:
            continue
        for index in range(
            (claim.generation.start - hours.start) // HOUR,
            (claim.generation.end - hours.start - timedelta(microseconds=1)) // HOUR + 1,
        ):
            hour = TimeRange.of(hours.start + index * HOUR, HOUR)
            common = claim.generation.intersect(hour)
            if common is not None and 0 <= index < len(supplied):
                share = common.duration / claim.generation.duration
                supplied[index] += claim.energy_wh * share
    return supplied
