"""Peaks that a running demand interval is about to set, and what they would cost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import BillingState, LoweredDemand, Tariff, evaluate, lower_tariff
from wattmesh_kernel.tariff.calendar import from_epoch_s
from wattmesh_kernel.tariff.model import NO_PRICE

LOOK_BACK = timedelta(days=40)
"""A billing month, and a quarter of the one before."""
_SHARE = 4
_LONGEST = timedelta(minutes=15)
LEAST_KNOWN = timedelta(minutes=3)
"""Before, nobody knows where the running interval will end."""

Block = tuple[datetime, float]
"""When a clocked average begins, and its power [kW]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeaksSoFar:
    """What was metered before the running interval: the billing state, and the averages."""

    state: BillingState
    averages: Mapping[str, tuple[Block, ...]]
    """By the id of a demand charge, in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeakAhead:
    """Where a running average of a demand charge will end, as things go [kW].

    `highest_kw` is what is billed anyhow: the highest of the billing period so far, its least, or
    what the ratchet leaves. In the first quarter of a period, when every hour would be a record,
    the last quarter of the one before counts with it. `price` is per kW.
    """

    charge_id: str
    name: str
    expected_kw: float
    highest_kw: float
    price_per_kw: float
    end: datetime

    @property
    def cost(self) -> float:
        """What it adds to the bill [currency]: 12 kW after 10 kW at 8 a kW are 16."""
        return max(self.expected_kw - self.highest_kw, 0.0) * self.price_per_kw


def resolution_of(tariff: Tariff) -> timedelta:
    """Return the interval in which energies are needed: 15 min, or a shorter average's."""
    return min([_LONGEST, *_averagings(tariff)])


def _averagings(tariff: Tariff) -> list[timedelta]:
    return [each.averaging for terms in tariff.every_terms for each in terms.demand_charges]


def peaks_so_far(tariff: Tariff, import_wh: Series, zone: ZoneInfo) -> PeaksSoFar:
    """Return what imports until now have left [Wh per interval]; NaN counts as nothing."""
    lowered = lower_tariff(_demand_alone(tariff), import_wh.range, import_wh.resolution, zone)
    known = np.nan_to_num(import_wh.values) / 1000
    power_kw = known / lowered.hours
    averages: dict[str, tuple[Block, ...]] = {}
    for demand in lowered.demands:
        starts = map(from_epoch_s, demand.block_starts_s.tolist())
        blocks = zip(starts, demand.averages_kw(power_kw).tolist(), strict=True)
        averages[demand.charge_id] = (*averages.get(demand.charge_id, ()), *blocks)
    return PeaksSoFar(state=evaluate(lowered, known, np.zeros(len(known))).state, averages=averages)


def peaks_ahead(
    tariff: Tariff, so_far: PeaksSoFar, minutes_wh: Series, now: datetime, zone: ZoneInfo
) -> list[PeakAhead]:
    """Return where each running average will end, with the power of the last minutes going on.

    `minutes_wh` are the imports of the running interval by the minute [Wh], from the end of
    `so_far` on; NaN: not known yet. Empty while less than three are known.
    """
    known = np.isfinite(minutes_wh.values)
    if known.sum() * minutes_wh.resolution < LEAST_KNOWN:
        return []
    resolution = resolution_of(tariff)
    running = _projected(minutes_wh, known, resolution, tariff)
    alone = _demand_alone(tariff)
    lowered = lower_tariff(alone, running.range, resolution, zone, so_far.state)
    power_kw = running.values / 1000 / lowered.hours
    found = (_ahead(demand, power_kw, so_far, now) for demand in lowered.demands)
    return [each for each in found if each is not None]


def _projected(
    minutes_wh: Series, known: NDArray[np.bool_], resolution: timedelta, tariff: Tariff
) -> Series:
    """Return the running interval as it will be, and as many after it as an average may take."""
    lately = minutes_wh.values[known][-LEAST_KNOWN // minutes_wh.resolution :]
    per_interval = float(lately.mean()) * (resolution / minutes_wh.resolution)
    rest = 1 - int(known.sum()) * (minutes_wh.resolution / resolution)
    first = float(minutes_wh.values[known].sum()) + max(rest, 0.0) * per_interval
    longest = max(_averagings(tariff))
    more = [per_interval] * (longest // resolution - 1)
    return Series(minutes_wh.start, resolution, np.array([first, *more]))


def _ahead(
    demand: LoweredDemand, power_kw: NDArray[np.float64], so_far: PeaksSoFar, now: datetime
) -> PeakAhead | None:
    """Return where the average ends that runs in the first interval; None: none does."""
    of_first = np.flatnonzero(demand.interval_index == 0)
    if not of_first.size:
        return None
    block = int(demand.block_index[of_first[0]])
    quarter = demand.period.duration / _SHARE
    since = demand.period.start - (quarter if now - demand.period.start < quarter else timedelta(0))
    start = from_epoch_s(int(demand.block_starts_s[block]))
    before = (kw for at, kw in so_far.averages.get(demand.charge_id, ()) if since <= at < start)
    return PeakAhead(
        charge_id=demand.charge_id,
        name=demand.name,
        expected_kw=float(demand.averages_kw(power_kw)[block]),
        highest_kw=max(demand.floor_kw, *before, 0.0),
        price_per_kw=demand.price_per_kw,
        end=start + demand.averaging,
    )


def _demand_alone(tariff: Tariff) -> Tariff:
    return tariff.with_terms(
        lambda terms: replace(
            terms,
            import_rates=NO_PRICE,
            export_rates=NO_PRICE,
            fixed_charges=(),
            coincident_peak_charges=(),
        )
    )
