"""Vehicles that come, need what they have got, and leave, when each is planned with foresight.

Nobody metered how full they came. So a vehicle is a store that is empty when it comes and full with
what it needs: with vehicle-to-grid it gives back no more than it has got in its stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from wattmesh_analytics.domain.charge_at_once import Stay, most_wh, needed_wh, overlap_hours
from wattmesh_analytics.domain.energy import Floats
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import EvChargerRating
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, kw_only=True, slots=True)
class GivesBack:
    """How a charge point gives back: its most power [W], and how much of what is stored arrives."""

    max_power_w: float
    ratio: float

    @classmethod
    def of(cls, rating: EvChargerRating, power_w: float) -> "GivesBack":
        """Return it by a rating; one that cannot gives back as fast as it charges.

        Losses of both ways are counted on the way out, as what went in is metered before them.
        """
        ratio = rating.charge_efficiency_ratio * rating.discharge_efficiency_ratio
        return cls(max_power_w=rating.max_discharge_power_w or power_w, ratio=ratio)


@dataclass(kw_only=True, slots=True)
class Visit:
    """One stay that is planned; `stored_wh` is what the vehicle has got so far, at the meter [Wh].

    `gives_back` None: it does not.
    """

    name: str
    range: TimeRange
    needed_wh: float
    max_power_w: float
    gives_back: GivesBack | None = None
    stored_wh: float = 0.0

    def take(self, powers_w: Floats, hours: float) -> None:
        """Count what it takes and gives [W], shape (n,)."""
        ratio = 1.0 if self.gives_back is None else self.gives_back.ratio
        taken = float(np.maximum(powers_w, 0).sum()) * hours
        given = float(np.maximum(-powers_w, 0).sum()) * hours
        self.stored_wh = min(max(self.stored_wh + taken - given / ratio, 0.0), self.needed_wh)

    @property
    def lacking_wh(self) -> float:
        """What it has not got yet [Wh]."""
        return self.needed_wh - self.stored_wh


def visits_of(
    metered: Mapping[AssetId, Series],
    stays: Mapping[AssetId, Sequence[Stay]],
    power_w: float | None,
    giving: Mapping[AssetId, EvChargerRating],
) -> tuple[list[Visit], Floats]:
    """Return the stays in which energy was taken, and what they took together [Wh], shape (n,).

    `metered`: what each charge point took less what it gave [Wh], NaN: not metered, all over the
    same intervals; `power_w`: in place of what vehicle and charge point can do; `giving`: which
    charge points give back.
    """
    found = list[Visit]()
    moved = np.zeros(max((len(series) for series in metered.values()), default=0))
    for charger, series in metered.items():
        free = np.isfinite(series.values)
        for number, stay in enumerate(sorted(stays.get(charger, ()), key=_arrival), start=1):
            hours = overlap_hours(series, stay)
            there = (hours > 0) & free
            needed = needed_wh(series.values, there)
            if needed is None:
                continue
            free = free & ~there
            moved[there] += series.values[there]
            seen = float((most_wh(stay, series, hours, there)[there] / hours[there]).max())
            most = seen if power_w is None else power_w
            rating = giving.get(charger)
            found.append(
                Visit(
                    name=f"{charger.name}-{number}",
                    range=TimeRange(max(stay.arrival, series.start), _departure(stay, series.end)),
                    needed_wh=needed,
                    max_power_w=most,
                    gives_back=None if rating is None else GivesBack.of(rating, most),
                )
            )
    return found, moved


def _arrival(stay: Stay) -> datetime:
    return stay.arrival


def _departure(stay: Stay, end: datetime) -> datetime:
    return end if stay.departure is None else min(stay.departure, end)
