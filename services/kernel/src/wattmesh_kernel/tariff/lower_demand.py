"""Demand charges over intervals: clocked averages, floors and ratchets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff.calendar import (
    Bools,
    Ints,
    LocalTimes,
    charge_periods,
    day_number,
    earlier_period_start,
    from_epoch_s,
    season_mask,
    whole_seconds,
)
from wattmesh_kernel.tariff.charges import DemandCharge, Ratchet
from wattmesh_kernel.tariff.lowered import LoweredDemand, RatchetLink
from wattmesh_kernel.tariff.parts import Run, TariffPart, runs_of
from wattmesh_kernel.tariff.samples import Samples, epochs_of
from wattmesh_kernel.tariff.state import BillingState
from wattmesh_kernel.time import TimeRange


@dataclass(frozen=True, slots=True, eq=False)
class _Averages:
    """To which clocked average each interval belongs, and whether that one counts."""

    starts_s: Ints
    counts: Bools
    length_s: int
    weight: float


@dataclass(frozen=True, slots=True)
class _Period:
    """A billing period or day of a charge: all of it, and what of it the charge holds in."""

    whole: TimeRange
    held: TimeRange

    @property
    def ratio(self) -> float:
        return 1.0 if self.held is self.whole else self.held.duration / self.whole.duration


def grid_demands(
    parts: Sequence[TariffPart], span: TimeRange, samples: Samples, state: BillingState
) -> tuple[LoweredDemand, ...]:
    """Return every demand charge in every period of the span that has averages that count."""
    demands: list[LoweredDemand] = []
    for run in runs_of(parts, lambda terms: terms.demand_charges):
        if (held := run.within(span)) is not None:
            demands.extend(_of_charge(run, held, samples.during(run.range), state, demands))
    return tuple(demands)


def _of_charge(
    run: Run[DemandCharge],
    held: TimeRange,
    samples: Samples,
    state: BillingState,
    before: Sequence[LoweredDemand],
) -> Iterator[LoweredDemand]:
    charge = run.charge
    averages = _averages(charge, samples)
    periods = [
        _Period(whole, run.held(whole))
        for whole in charge_periods(charge.interval, run.cycle, held, samples.zone)
    ]
    counting = np.flatnonzero(averages.counts)
    starts = averages.starts_s[counting]
    bounds = np.searchsorted(
        starts, epochs_of([*(each.held.start for each in periods), periods[-1].held.end])
    )
    # The same id in an earlier part is the same charge to a ratchet.
    earlier = [
        (number, each.period) for number, each in enumerate(before) if each.charge_id == charge.id
    ]
    number = len(before)
    for period, (first, last) in zip(periods, pairwise(bounds.tolist()), strict=True):
        if len(inside := counting[first:last]):
            yield _demand(run, period, averages, inside, samples, state, earlier)
            earlier.append((number, period.held))
            number += 1


def _averages(charge: DemandCharge, samples: Samples) -> _Averages:
    length_s = whole_seconds(charge.averaging)
    if samples.resolution_s >= length_s:
        return _interval_averages(charge, samples, length_s)
    return _block_averages(charge, samples, length_s)


def _interval_averages(charge: DemandCharge, samples: Samples, length_s: int) -> _Averages:
    """Take the mean of each interval for every average that starts within it."""
    instants = samples.starts_s
    if samples.resolution_s > length_s:
        steps = np.arange(0, samples.resolution_s, length_s)
        instants = (instants[:, None] + steps).ravel()
    within = LocalTimes.at(instants, samples.zone).within(charge.window, samples.holidays)
    counts = np.any(within.reshape(len(samples.starts_s), -1), axis=1)
    return _Averages(samples.starts_s, counts, samples.resolution_s, 1.0)


def _block_averages(charge: DemandCharge, samples: Samples, length_s: int) -> _Averages:
    """Join intervals into the averages of the local wall clock."""
    local = LocalTimes.at(samples.starts_s, samples.zone)
    phase = local.second_of_day % length_s
    if length_s % samples.resolution_s or np.any(phase % samples.resolution_s):
        raise InvalidArgument(
            "UNFIT_RESOLUTION",
            f"intervals of {timedelta(seconds=samples.resolution_s)} from "
            f"{from_epoch_s(int(samples.starts_s[0])).isoformat()} do not add up to the "
            f"{charge.averaging} averages of demand charge {charge.id}",
            field="resolution",
        )
    starts = samples.starts_s - phase
    counts = LocalTimes.at(starts, samples.zone).within(charge.window, samples.holidays)
    return _Averages(starts, counts, length_s, samples.resolution_s / length_s)


def _blocks(starts_s: Ints) -> tuple[Ints, Ints]:
    """Return the starts of the averages, each once and in order, and which one each entry is of."""
    if (starts_s[1:] > starts_s[:-1]).all():
        return starts_s, np.arange(len(starts_s), dtype=np.int64)
    starts, index = np.unique(starts_s, return_inverse=True)
    return starts, index.astype(np.int64)


def _demand(
    run: Run[DemandCharge],
    period: _Period,
    averages: _Averages,
    inside: Ints,
    samples: Samples,
    state: BillingState,
    earlier: list[tuple[int, TimeRange]],
) -> LoweredDemand:
    charge = run.charge
    block_starts, block_index = _blocks(averages.starts_s[inside])
    offset_kw = np.zeros(len(block_starts))
    if block_starts[0] < samples.starts_s[0]:
        energy_kwh = state.open_energy_kwh(charge.id, from_epoch_s(int(block_starts[0])))
        offset_kw[0] = energy_kwh / (averages.length_s / 3600)
    before_kw = state.peak_kw(charge.id, period.held.start)
    floor_kw = max(before_kw or 0.0, charge.minimum_kw)
    links: tuple[RatchetLink, ...] = ()
    if charge.ratchet is not None:
        seen = _Lookback(run, charge.ratchet, period.whole, samples)
        floor_kw = max(floor_kw, seen.floor_kw(state))
        links = seen.links(earlier)
    return LoweredDemand(
        charge_id=charge.id,
        name=charge.name,
        period=period.held,
        price_per_kw=charge.price_per_kw * period.ratio,
        interval_index=inside,
        block_index=block_index,
        block_starts_s=block_starts,
        offset_kw=offset_kw,
        weight=averages.weight,
        averaging=timedelta(seconds=averages.length_s),
        peak_so_far_kw=before_kw or 0.0,
        floor_kw=floor_kw,
        billed_before_kw=0.0 if before_kw is None else floor_kw,
        ratchets=links,
        part=samples.part,
    )


class _Lookback:
    """Which earlier periods a ratchet looks at, from one period."""

    def __init__(
        self, run: Run[DemandCharge], ratchet: Ratchet, period: TimeRange, samples: Samples
    ) -> None:
        charge = run.charge
        self._charge, self._ratchet, self._zone = charge, ratchet, samples.zone
        since = earlier_period_start(
            charge.interval, run.cycle, period.start, ratchet.lookback, samples.zone
        )
        self._range = TimeRange(since, period.start)

    def floor_kw(self, state: BillingState) -> float:
        peaks = (
            peak.peak_kw
            for peak in state.demand_peaks
            if peak.charge_id == self._charge.id and self._sees(peak.period_start.timestamp())
        )
        return self._ratchet.share_ratio * max(peaks, default=0.0)

    def links(self, earlier: list[tuple[int, TimeRange]]) -> tuple[RatchetLink, ...]:
        return tuple(
            RatchetLink(demand=number, share_ratio=self._ratchet.share_ratio)
            for number, period in earlier
            if self._sees(period.start.timestamp())
        )

    def _sees(self, start_s: float) -> bool:
        start = from_epoch_s(int(start_s))
        if not self._range.contains(start):
            return False
        if self._ratchet.season is None:
            return True
        day = np.array([day_number(start.astimezone(self._zone).date())])
        return bool(season_mask(day, (self._ratchet.season,))[0])
