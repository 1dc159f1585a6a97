"""What was delivered of an event, and what is paid: metered energy against the baseline."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from wattmesh_demandresponse.domain.event import Event, ReductionAsked
from wattmesh_demandresponse.domain.participation import Commitment, Participation, Settlement
from wattmesh_demandresponse.domain.programme import EventKind, Programme
from wattmesh_kernel.money import Money
from wattmesh_kernel.time import TimeRange

Values = NDArray[np.float64]

_W_PER_KW = 1000.0
_SETTLED_KWH = Decimal("0.001")


def settle(
    event: Event,
    programme: Programme,
    part: Participation,
    baseline_w: Values,
    metered_w: Values,
    now: datetime,
    *,
    most_w: float | None = None,
) -> Settlement:
    """Return what an event came to for who took part; arrays have one value an interval.

    Delivered is `baseline - metered`, over the intervals that count and were metered. Paid is the
    net of the event, so that what is only moved within it earns nothing: what was delivered in its
    intervals, up to what was asked in each and to `most_w`, which is all that the enrolment offers,
    less what was used above the baseline in others, and not below 0; for each kW that was promised
    all through; less what was promised in an interval and not delivered in it. Intervals count that
    ended before the event was called off or its part in it given up. In the ramp a promise counts
    by the share of the power that may be asked there.

    With a baseline of 5 kW, 3 kW metered for an hour, 1.5 kW promised, 0.20 a kWh, 1 a kW and 0.40
    a missing kWh: 2 kWh delivered, 1.5 promised, 0.40 + 1.50 paid.
    """
    hours = event.step.total_seconds() / 3600.0
    in_force = counts(event, part)
    known = in_force & np.isfinite(metered_w) & np.isfinite(baseline_w)
    delivered_kw = np.where(known, baseline_w - metered_w, 0.0) / _W_PER_KW
    promised_kw = promised_w(event, part.commitment) / _W_PER_KW
    owed_kw = promised_kw * ramp_shares(event, programme) * in_force
    return Settlement(
        settle_time=now,
        baseline_w=tuple(baseline_w.tolist()),
        metered_w=tuple(metered_w.tolist()),
        delivered_kwh=kwh(float(delivered_kw.sum()) * hours),
        committed_kwh=kwh(float(owed_kw.sum()) * hours),
        payment=_payment(
            event, programme, most_w, delivered_kw, owed_kw * known, promised_kw[in_force]
        ),
        missing_count=int((in_force & ~known).sum()),
    )


def _payment(
    event: Event,
    programme: Programme,
    most_w: float | None,
    delivered_kw: Values,
    owed_kw: Values,
    promised_kw: Values,
) -> Money | None:
    payment = programme.payment
    if payment is None:
        return None
    hours = event.step.total_seconds() / 3600.0
    offered_kw = np.inf if most_w is None else most_w / _W_PER_KW
    asked_kw, price = np.full(len(delivered_kw), offered_kw), payment.price_per_kwh
    if isinstance(event.asked, ReductionAsked):
        if event.asked.powers_w:
            asked_kw = np.minimum(asked_kw, np.array(event.asked.powers_w) / _W_PER_KW)
        if event.asked.price_per_kwh is not None:
            price = event.asked.price_per_kwh
    paid_kwh = max(0.0, float(np.minimum(delivered_kw, asked_kw).sum())) * hours
    missed_kwh = float(np.maximum(owed_kw - np.maximum(delivered_kw, 0.0), 0.0).sum()) * hours
    held_kw = float(promised_kw.min()) if len(promised_kw) else 0.0
    amount = (
        price * paid_kwh
        + payment.price_per_kw * held_kw
        - payment.penalty_price_per_kwh * missed_kwh
    )
    exact = Decimal(0) if event.test else Decimal(repr(amount))
    return Money(exact, payment.currency_code).rounded(2)


def promised_w(event: Event, commitment: Commitment | None) -> Values:
    """Return the reduction below the baseline that is promised per interval [W], never negative."""
    nothing = np.zeros(event.count)
    if commitment is None:
        return nothing
    promised: Values = np.array(commitment.committed_w)
    if event.kind is EventKind.PAID_REDUCTION:
        return promised
    if not commitment.baseline_w:
        return nothing
    reduced: Values = np.maximum(np.array(commitment.baseline_w) - promised, 0.0)
    return reduced


def ramp_shares(event: Event, programme: Programme) -> Values:
    """Return which share of the asked power has to be there in each interval, on average.

    It rises evenly over the ramp: a ramp of 30 min in intervals of an hour leaves 0.75 of the
    first one.
    """
    ramp_s, step_s = programme.ramp.total_seconds(), event.step.total_seconds()
    starts = np.arange(event.count) * step_s
    if ramp_s <= 0:
        return np.ones(event.count)
    within = np.clip(ramp_s - starts, 0.0, step_s)
    rising = (starts + within / 2) / ramp_s * within
    shares: Values = (rising + (step_s - within)) / step_s
    return shares


def counts(event: Event, part: Participation) -> NDArray[np.bool_]:
    """Return which intervals count: those that ended while it took part in what was asked."""
    end = event.held.end
    decision = part.decision
    if decision is not None and not decision.opted_in:
        end = min(end, max(decision.decide_time, event.range.start))
    whole = TimeRange(event.range.start, end).duration // event.step
    return np.arange(event.count) < whole


def kwh(value: float) -> Decimal:
    """Return an energy as it is settled [kWh]."""
    return Decimal(repr(value)).quantize(_SETTLED_KWH, ROUND_HALF_UP)
