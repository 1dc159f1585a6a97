"""What an enrolment makes of an event: its answer, its promise, and what was settled."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np

from wattmesh_demandresponse.domain.division import (
    SiteHolding,
    check_division,
    check_whole,
    divided_anew,
)
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event, Powers
from wattmesh_demandresponse.domain.programme import EventKind, Programme
from wattmesh_kernel.checks import require, require_between, require_text
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import PlanId
from wattmesh_kernel.money import Money
from wattmesh_kernel.programme_ids import EnrolmentId, ParticipationId


class ParticipationState(StrEnum):
    """Where a participation is."""

    PENDING = "pending"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    COMMITTED = "committed"
    SETTLED = "settled"


TAKES_PART = frozenset({ParticipationState.OPTED_IN, ParticipationState.COMMITTED})


class OptOutReason(StrEnum):
    """Why somebody opts out."""

    COMFORT = "comfort"
    OPERATIONS = "operations"
    EQUIPMENT = "equipment"
    ECONOMIC = "economic"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Somebody's answer; `reason` is why out."""

    opted_in: bool
    decide_time: datetime
    reason: OptOutReason | None = None
    message: str = ""
    principal: str = ""

    def __post_init__(self) -> None:
        require_text(self.message, 1000, "decision.message")
        require(
            self.opted_in or self.reason is not None,
            "MISSING_FIELD",
            "who opts out says why",
            "decision.reason",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Commitment:
    """What a plan promises, per interval of the event [W]; baseline and power import positive.

    `committed_w`: the reduction below the baseline of a paid reduction, else the power at the grid
    connection. `up_w`, `down_w`: what is held for a reserve, magnitudes; empty: nothing; `sites`:
    how a group's is divided among its sites.
    """

    plan: PlanId | None
    commit_time: datetime
    baseline_w: Powers = ()
    committed_w: Powers
    confidence_ratio: float
    expected_cost: Money | None = None
    expected_payment: Money | None = None
    up_w: Powers = ()
    down_w: Powers = ()
    sites: tuple[SiteHolding, ...] = ()

    def __post_init__(self) -> None:
        require_between(self.confidence_ratio, 0.5, 1.0, "commitment.confidence_ratio")
        for field, values in (
            ("commitment.committed_powers_w", self.committed_w),
            ("commitment.baseline_powers_w", self.baseline_w),
            ("commitment.up_powers_w", self.up_w),
            ("commitment.down_powers_w", self.down_w),
        ):
            require(bool(np.isfinite(values).all()), "INVALID_VALUE", f"{field} are finite", field)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What was metered against the baseline [W], import positive, NaN: not known; and is paid.

    Of a reserve `signal_w` is the change of power that was asked, import positive, and
    `availability` what of the payment is for power that was held.
    """

    settle_time: datetime
    baseline_w: Powers
    metered_w: Powers
    delivered_kwh: Decimal
    committed_kwh: Decimal
    payment: Money | None
    missing_count: int
    signal_w: Powers = ()
    availability: Money | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Participation:
    """An enrolment's part in an event."""

    id: ParticipationId
    subject: str
    state: ParticipationState
    decision: Decision | None = None
    commitment: Commitment | None = None
    settlement: Settlement | None = None

    @property
    def enrolment(self) -> EnrolmentId:
        """Who takes part."""
        return self.id.enrolment

    @property
    def takes_part(self) -> bool:
        """Whether it takes part in what is still to come."""
        return self.state in TAKES_PART


def begun(event: Event, enrolment: Enrolment, kept: Participation | None) -> Participation:
    """Return an enrolment's part in an event that is new, or has changed; answers stay.

    A promise was made for what was asked then: it does not stand for anything else.
    """
    decision = None if kept is None else kept.decision
    if not enrolment.takes_part(event.range):
        state = ParticipationState.OPTED_OUT
    elif decision is not None:
        state = _answered(decision)
    elif enrolment.opted_in_by_default:
        state = ParticipationState.OPTED_IN
    else:
        state = ParticipationState.PENDING
    return Participation(
        id=ParticipationId.of(event.id, enrolment.id),
        subject=enrolment.subject,
        state=state,
        decision=decision,
    )


def withdrawn(part: Participation) -> Participation:
    """Return a participation that an event or an enrolment does not have any more."""
    return replace(part, state=ParticipationState.OPTED_OUT, commitment=None)


def decided(
    kept: Participation, decision: Decision, event: Event, programme: Programme, now: datetime
) -> Participation:
    """Return a participation after an answer.

    Errors: FailedPrecondition `EVENT_IS_OVER`, `OPT_OUT_NOT_ALLOWED`.
    """
    if event.over(now):
        raise FailedPrecondition("EVENT_IS_OVER", f"{event.id} is {event.state(now).value}")
    if not decision.opted_in and not programme.opt_out_allowed and _obliged(kept):
        raise FailedPrecondition("OPT_OUT_NOT_ALLOWED", f"{programme.id} has no opt-out")
    state = _answered(decision)
    if decision.opted_in and kept.commitment is not None:
        state = ParticipationState.COMMITTED
    return replace(kept, decision=decision, state=state)


def committed(
    kept: Participation, commitment: Commitment, event: Event, now: datetime
) -> Participation:
    """Return a participation with its newest promise.

    Once the event has begun, what a group holds may be divided anew among its sites, and no more.
    Errors: FailedPrecondition `EVENT_IS_OVER`, `EVENT_HAS_BEGUN`, `NOT_TAKING_PART`.
    """
    if event.over(now):
        raise FailedPrecondition("EVENT_IS_OVER", f"{event.id} is {event.state(now).value}")
    promised = kept.commitment
    begun_already = now >= event.range.start
    if begun_already and (promised is None or not promised.sites or not commitment.sites):
        raise FailedPrecondition("EVENT_HAS_BEGUN", f"{event.id} has begun: promises are made")
    if not kept.takes_part:
        raise FailedPrecondition("NOT_TAKING_PART", f"{kept.id} is {kept.state.value}")
    check_division(commitment.sites, event.count)
    if begun_already and promised is not None:
        passed = (now - event.range.start) // event.step
        sites = divided_anew(promised.sites, commitment.sites, passed, event.count)
        return replace(kept, commitment=replace(promised, sites=sites))
    for field, values, least in (
        ("commitment.committed_powers_w", commitment.committed_w, event.count),
        ("commitment.baseline_powers_w", commitment.baseline_w, 0),
        ("commitment.up_powers_w", commitment.up_w, 0),
        ("commitment.down_powers_w", commitment.down_w, 0),
    ):
        require(
            len(values) in (least, event.count),
            "INVALID_LENGTH",
            f"{len(values)} values for {event.count} intervals",
            field,
        )
    if event.kind is EventKind.PAID_REDUCTION:
        _require_magnitudes(commitment.committed_w, "commitment.committed_powers_w")
    _require_magnitudes(commitment.up_w, "commitment.up_powers_w")
    _require_magnitudes(commitment.down_w, "commitment.down_powers_w")
    if commitment.sites or kept.subject.startswith("groups/"):
        check_whole(commitment.sites, commitment.up_w, commitment.down_w)
    return replace(kept, commitment=commitment, state=ParticipationState.COMMITTED)


def _require_magnitudes(values: Powers, field: str) -> None:
    least = min(values, default=0.0)
    require(least >= 0, "INVALID_VALUE", f"{field} are magnitudes", field)


def settled(kept: Participation, settlement: Settlement) -> Participation:
    """Return a participation with its newest settlement."""
    return replace(kept, settlement=settlement, state=ParticipationState.SETTLED)


def _obliged(kept: Participation) -> bool:
    """Whether it would take part without a word: who never was in may always stay out."""
    return kept.takes_part


def _answered(decision: Decision) -> ParticipationState:
    return ParticipationState.OPTED_IN if decision.opted_in else ParticipationState.OPTED_OUT
