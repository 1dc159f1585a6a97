"""Work that can wait, done again: each run needs what was metered while it ran.

Runs of a machine keep their order: one may take the time until the next one began, and the next one
may begin earlier only where that one's window is over. So there are never two at once, whoever
moves them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from wattmesh_analytics.domain.energy import Floats
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import DeferrableRating
from wattmesh_kernel.time import TimeRange

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRun:
    """When a run ran, and might have; `earliest` None: nobody said, so not before it did."""

    ran: TimeRange
    earliest: datetime | None
    latest_end: datetime


@dataclass(kw_only=True, slots=True)
class Work:
    """One run that is done again; `powers_w` is what it took per interval since its start [W].

    `elapsed`: how many intervals of it have passed; `done_wh`: what it has got so far [Wh].
    """

    name: str
    range: TimeRange
    powers_w: Floats
    resolution: timedelta
    rating: DeferrableRating
    elapsed: int = 0
    done_wh: float = 0.0

    @property
    def needed_wh(self) -> float:
        """What it took when it was metered [Wh]."""
        return float(self.powers_w.sum()) * (self.resolution / _HOUR)

    @property
    def lacking_wh(self) -> float:
        """What it has not got yet [Wh]."""
        return max(self.needed_wh - self.done_wh, 0.0)

    @property
    def done(self) -> bool:
        """Whether nothing is left of it."""
        through = not self.rating.interruptible and self.elapsed >= len(self.powers_w)
        return through or self.lacking_wh < 1e-6 * max(self.needed_wh, 1.0)

    def take(self, powers_w: Floats) -> None:
        """Count what it takes in the intervals that pass [W], shape (n,)."""
        runs = np.flatnonzero(powers_w > 1e-6)
        if self.elapsed or runs.size:
            first = 0 if self.elapsed else int(runs[0])
            self.elapsed += len(powers_w) - first
        self.done_wh += float(powers_w.sum()) * (self.resolution / _HOUR)

    def at_once(self, count: int, start: datetime) -> Floats:
        """Return its powers from its earliest start on [W], shape (count,) from `start` on.

        One that may pause runs at most power until it is done: 2.5 kWh at 2 kW by the hour are 2
        and 0.5 kW.
        """
        found = np.zeros(count)
        first = (self.range.start - start) // self.resolution
        powers_w = self.powers_w
        if self.rating.interruptible:
            whole_wh = self.rating.max_power_w * (self.resolution / _HOUR)
            length = max(1, int(np.ceil(self.needed_wh / whole_wh - 1e-9)))
            rest_wh = self.needed_wh - (length - 1) * whole_wh
            powers_w = np.full(length, self.rating.max_power_w)
            powers_w[-1] = rest_wh / (self.resolution / _HOUR)
        last = min(first + len(powers_w), count)
        found[first:last] = powers_w[: last - first]
        return found


def works_of(
    machine: AssetId, rating: DeferrableRating, metered: Series, runs: Sequence[PastRun]
) -> tuple[list[Work], Floats]:
    """Return the runs of a machine that lie within its intervals, and what they took [Wh], (n,).

    `metered`: what the machine took [Wh], NaN: not metered; a run of which something was not
    metered, or that reaches beyond, stays as it was.
    """
    found, taken = list[Work](), np.zeros(len(metered))
    raster, span = metered.resolution, metered.range
    ran = [_intervals(each.ran, metered) for each in runs]
    order = sorted(range(len(runs)), key=lambda index: ran[index])
    before = 0
    for place, index in enumerate(order):
        first, last = max(ran[index][0], before), ran[index][1]
        following = ran[order[place + 1]][0] if place + 1 < len(order) else len(metered)
        if ran[index][0] < 0 or last > len(metered) or first >= last:
            before = max(before, last)
            continue
        values = metered.values[first:last]
        used = np.flatnonzero(values > 0)
        if not used.size or not np.isfinite(values).all():
            before = last
            continue
        first, last = first + int(used[0]), first + int(used[-1]) + 1
        taken[first:last] += metered.values[first:last]
        run = runs[index]
        earliest = first if run.earliest is None else (run.earliest - span.start) // raster
        latest = -((span.start - run.latest_end) // raster)
        begin = min(max(earliest, before), first)
        end = max(min(latest, max(following, last)), last)
        found.append(
            Work(
                name=f"{machine.name}-{place + 1}",
                range=TimeRange(span.start + begin * raster, span.start + end * raster),
                powers_w=metered.values[first:last] / (raster / _HOUR),
                resolution=raster,
                rating=rating,
            )
        )
        before = end
    return found, taken


def _intervals(ran: TimeRange, metered: Series) -> tuple[int, int]:
    """Return the first interval in which something ran, and the first after it."""
    start, raster = metered.start, metered.resolution
    return (ran.start - start) // raster, -((start - ran.end) // raster)
