"""When something of what is kept falls due by itself: events change state, parts are settled."""

from datetime import datetime, timedelta

from wattmesh_demandresponse.domain.event import Event, EventState
from wattmesh_demandresponse.domain.participation import Participation, ParticipationState

SETTLE_AFTER = timedelta(minutes=15)
"""Readings have come by then, as a rule."""
SETTLE_AGAIN_AFTER = timedelta(hours=1)
SETTLE_UNTIL = timedelta(days=5)
"""Until then a settlement is made again when readings were missing."""


def event_due(event: Event) -> datetime | None:
    """Return when an event changes its state next, for those who follow it; None: never."""
    if event.cancel_time is not None:
        return None
    match event.told_state:
        case EventState.SCHEDULED:
            return event.range.start
        case EventState.ACTIVE:
            return event.range.end
        case _:
            return None


def settle_due(part: Participation, event: Event) -> datetime | None:
    """Return when a participation is to be settled; None: there is nothing to settle.

    Whoever took part in some of an event has its part settled: who left in the middle, and who was
    in when it was called off after it had begun.
    """
    if not _took_part(part, event):
        return None
    first = event.held.end + SETTLE_AFTER
    if part.settlement is None:
        return first
    if not part.settlement.missing_count:
        return None
    again = part.settlement.settle_time + SETTLE_AGAIN_AFTER
    return again if again < event.held.end + SETTLE_UNTIL else None


def _took_part(part: Participation, event: Event) -> bool:
    if event.held.empty:  # called off before it began
        return False
    if part.takes_part or part.state is ParticipationState.SETTLED:
        return True
    left = part.decision
    return (
        part.state is ParticipationState.OPTED_OUT
        and left is not None
        and left.decide_time > event.range.start
        and part.commitment is not None
    )
