"""Reserves: what a signal asks of who holds power ready, and what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from wattmesh_demandresponse.domain.event import Event, Powers
from wattmesh_demandresponse.domain.participation import Commitment, Participation, Settlement
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_demandresponse.domain.settling import counts, kwh
from wattmesh_kernel.checks import require, require_between
from wattmesh_kernel.money import Money
from wattmesh_kernel.reserve_signal import LONGEST_HOLD
from wattmesh_kernel.time import TimeRange

Values = NDArray[np.float64]

_W_PER_KW = 1000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A signal as it was said: the share of what is held, above 0 up and below 0 down.

    It holds for `hold` if no other follows.
    """

    time: datetime
    ratio: float
    hold: timedelta

    def __post_init__(self) -> None:
        require(np.isfinite(self.ratio), "INVALID_VALUE", "a share is a number", "signal_ratio")
        require_between(self.ratio, -1, 1, "signal_ratio")
        lasting = timedelta(0) < self.hold <= LONGEST_HOLD
        require(lasting, "INVALID_DURATION", "it must be positive, at most 1 h", "hold_duration")


def asked_w(event: Event, held: Commitment | None, said: Said) -> float:
    """Return the change of power that a signal asks of who holds a reserve [W], import positive.

    Half of 3 kW that are held up asks for -1.5 kW; after the event nothing is asked.
    """
    if held is None or not event.held.contains(said.time):
        return 0.0
    column = held.up_w if said.ratio > 0 else held.down_w
    if not column:
        return 0.0
    return -said.ratio * column[(said.time - event.range.start) // event.step]


def signalled_w(event: Event, held: Commitment | None, signals: Sequence[Said]) -> Values:
    """Return what was asked in the mean of each interval [W], import positive, shape (count,)."""
    means = np.zeros(event.count)
    ends = [*(each.time for each in signals[1:]), event.held.end]
    for said, next_time in zip(signals, ends, strict=True):
        end = min(said.time + said.hold, next_time, event.held.end)
        power_w = asked_w(event, held, said)
        if end <= said.time or not power_w:
            continue
        span, first = TimeRange(said.time, end), (said.time - event.range.start) // event.step
        for index in range(first, event.count):
            interval = TimeRange.of(event.range.start + index * event.step, event.step)
            common = interval.intersect(span)
            if common is None:
                break
            means[index] += power_w * (common.duration / event.step)
    return means


def settle_reserve(
    event: Event,
    programme: Programme,
    part: Participation,
    signal_w: Values,
    metered_w: Values,
    now: datetime,
) -> Settlement:
    """Return what a reserve came to for who held it; arrays have one value an interval.

    Power was moved as asked as far as the meter shows more, or less, than was planned, up to what
    the signal asked in the mean of the interval. Paid is each kW held for an hour and each kWh
    moved; taken is each kWh asked and not moved. Intervals without a meter count for nothing.

    1 kW held up for an hour at 0.05, planned 2 kW, -0.5 kW asked and 1.6 kW metered, at 0.20 a kWh
    moved and 0.40 a missing one: 0.05 + 0.08 - 0.04 = 0.09.
    """
    hours, held = event.step.total_seconds() / 3600.0, part.commitment
    planned_w = np.full(event.count, np.nan) if held is None else np.array(held.committed_w)
    in_force = counts(event, part)
    known = in_force & np.isfinite(metered_w) & np.isfinite(planned_w)
    asked_kw = np.where(known, signal_w, 0.0) / _W_PER_KW
    shown_kw = np.where(known, metered_w - planned_w, 0.0) / _W_PER_KW
    moved_kw = np.clip(np.sign(asked_kw) * shown_kw, 0.0, np.abs(asked_kw))
    held_kw = np.where(known, _held_w(event, held), 0.0) / _W_PER_KW
    moved, asked = float(moved_kw.sum()) * hours, float(np.abs(asked_kw).sum()) * hours
    available, payment = _payment(event, programme, float(held_kw.sum()) * hours, moved, asked)
    return Settlement(
        settle_time=now,
        baseline_w=tuple(planned_w.tolist()),
        metered_w=tuple(metered_w.tolist()),
        delivered_kwh=kwh(moved),
        committed_kwh=kwh(asked),
        payment=payment,
        missing_count=int((in_force & ~known).sum()),
        signal_w=tuple(signal_w.tolist()),
        availability=available,
    )


def _payment(
    event: Event, programme: Programme, held_kwh: float, moved_kwh: float, asked_kwh: float
) -> tuple[Money | None, Money | None]:
    """Return what is paid for power that was held, and all that is paid."""
    pays = programme.payment
    if pays is None:
        return None, None
    available = 0.0 if event.test else pays.price_per_kw_hour * held_kwh
    moved = pays.price_per_kwh * moved_kwh - pays.penalty_price_per_kwh * (asked_kwh - moved_kwh)
    amounts = (available, 0.0 if event.test else available + moved)
    first, both = (Money(Decimal(repr(each)), pays.currency_code).rounded(2) for each in amounts)
    return first, both


def _held_w(event: Event, held: Commitment | None) -> Values:
    """Return what is held up and down together per interval [W]."""

    def of(column: Powers) -> Values:
        return np.array(column) if column else np.zeros(event.count)

    return np.zeros(event.count) if held is None else of(held.up_w) + of(held.down_w)
