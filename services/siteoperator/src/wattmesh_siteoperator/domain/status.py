"""The status of a resource, with one condition `Ready` in the form that Kubernetes' tools know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from wattmesh_siteoperator.domain.outcome import Change, Outcome, Refused, Registered, Unreachable

Status = dict[str, Any]

READY = "Ready"
REGISTERED = "Registered"
MOST_NAMED = 20
"""So many names stand in a status or in an event; of more their number is told."""


def status_of(
    outcome: Outcome, generation: int, before: Mapping[str, Any], now: datetime
) -> Status:
    """Return the status of a resource's generation, from what its status was before.

    A resource that could not be judged keeps what was said of the site; the time of the condition
    is when it last changed between true, false and unknown.
    """
    condition = {
        "type": READY,
        "status": _truth(outcome),
        "reason": REGISTERED if isinstance(outcome, Registered) else outcome.reason,
        "message": _message(outcome),
        "observedGeneration": generation,
    }
    old = _condition(before)
    same = old.get("status") == condition["status"] and "lastTransitionTime" in old
    moment = old["lastTransitionTime"] if same else f"{now:%Y-%m-%dT%H:%M:%SZ}"
    said = {"conditions": [{**condition, "lastTransitionTime": moment}]}
    if not isinstance(outcome, Registered):
        return said
    counts = outcome.counts
    return {
        **said,
        "observedGeneration": generation,
        "site": outcome.site,
        "tariffs": counts.tariffs,
        "assets": counts.assets,
        "devices": counts.devices,
        "further": list(outcome.further[:MOST_NAMED]),
    }


def is_news(outcome: Outcome, before: Mapping[str, Any]) -> bool:
    """Whether an outcome is worth an event: something was done, or the condition changes."""
    old = _condition(before)
    reason = REGISTERED if isinstance(outcome, Registered) else outcome.reason
    return (
        bool(outcome.changes)
        or old.get("reason") != reason
        or (old.get("message") != _message(outcome) and not isinstance(outcome, Registered))
    )


def told(changes: tuple[Change, ...]) -> str:
    """Return what was done, for an event: `created sites/a, sites/a/assets/grid; deleted …`."""
    parts = []
    for action in dict.fromkeys(each.action for each in changes):
        names = [each.name for each in changes if each.action is action]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        parts.append(f"{action.value} {', '.join(names[:MOST_NAMED])}{more}")
    return "; ".join(parts)


def _condition(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (each for each in status.get("conditions", ()) if each.get("type") == READY)
    return next(found, {})


def _truth(outcome: Outcome) -> str:
    match outcome:
        case Registered():
            return "True"
        case Refused():
            return "False"
        case Unreachable():
            return "Unknown"
        case _:
            assert_never(outcome)


def _message(outcome: Outcome) -> str:
    if not isinstance(outcome, Registered):
        return outcome.message
    if not outcome.further:
        return "what is registered is as this says"
    return f"registered, and {len(outcome.further)} more at the site that are not said here"
