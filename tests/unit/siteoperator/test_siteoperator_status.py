"""What a resource's status says of what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wattmesh_kernel.errors import (
    Aborted,
    FailedPrecondition,
    InvalidArgument,
    PermissionDenied,
    Unavailable,
    WattmeshError,
)
from wattmesh_siteoperator.app.ports import Way
from wattmesh_siteoperator.app.reconcile import ReconcileSite
from wattmesh_siteoperator.domain.outcome import (
    Action,
    Change,
    Counts,
    Outcome,
    Refused,
    Registered,
    Unreachable,
)
from wattmesh_siteoperator.domain.status import is_news, status_of, told

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = Registered(site="sites/a", counts=Counts(assets=2))
AWAY = Unreachable(reason="UNAVAILABLE", message="metering is away")
WRONG = Refused(reason="INVALID_DOCUMENT", message="assets.x: no")


def after(*outcomes: Outcome) -> dict[str, Any]:
    """The status after these, an hour apart, each of a generation of its own."""
    status: dict[str, Any] = {}
    for index, outcome in enumerate(outcomes):
        now = NOON + timedelta(hours=index)
        status = {**status, **status_of(outcome, index + 1, status, now)}
    return status


def condition(status: Mapping[str, Any]) -> dict[str, Any]:
    (found,) = status["conditions"]
    return dict(found)


def test_the_condition_says_since_when_it_is_as_it_is() -> None:
    assert condition(after(DONE, DONE))["lastTransitionTime"] == "2026-03-01T12:00:00Z"
    assert condition(after(DONE, AWAY, DONE))["lastTransitionTime"] == "2026-03-01T14:00:00Z"


def test_what_could_not_be_judged_leaves_what_is_known_of_the_site() -> None:
    status = after(DONE, AWAY)
    assert condition(status)["status"] == "Unknown"
    assert (status["assets"], status["observedGeneration"]) == (2, 1)
    assert condition(status)["observedGeneration"] == 2


def test_an_event_is_told_once() -> None:
    changed = (Change(action=Action.CHANGED, name="sites/a"),)
    assert is_news(WRONG, after(DONE))
    assert not is_news(WRONG, after(DONE, WRONG))
    assert not is_news(DONE, after(DONE))
    assert is_news(Registered(site="sites/a", counts=Counts(), changes=changed), after(DONE))


def test_an_event_of_a_large_site_fits() -> None:
    names = [Change(action=Action.CREATED, name=f"sites/a/devices/{n}") for n in range(500)]
    words = told((*names, Change(action=Action.DELETED, name="sites/a/assets/x")))
    assert "and 480 more; deleted sites/a/assets/x" in words


@dataclass(frozen=True)
class FailingStep:
    """A step that is taken, or fails."""

    change: Change
    error: WattmeshError | None = None

    async def take(self) -> None:
        if self.error is not None:
            raise self.error


class TwoSteps:
    """A site whose second step fails."""

    def __init__(self, error: WattmeshError) -> None:
        self._error = error

    async def way_to(self, wanted: Mapping[str, Any], *, prune: bool) -> Way:
        first = FailingStep(Change(action=Action.CREATED, name="sites/a"))
        second = Change(action=Action.CREATED, name="sites/a/assets/b")
        steps = (first, FailingStep(second, self._error), first)
        return Way(site="sites/a", counts=Counts(), steps=steps)

    async def way_out(self, site: str) -> Way:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidArgument("INVALID_DOCUMENT", "no"), Refused),
        (FailedPrecondition("IN_USE", "by others"), Refused),
        (Unavailable("DEPENDENCY_UNAVAILABLE", "away"), Unreachable),
        (Aborted("ETAG_MISMATCH", "somebody was faster"), Unreachable),
        (PermissionDenied("PERMISSION_MISSING", "not yet"), Unreachable),
    ],
)
async def test_a_step_that_fails_is_the_last_and_says_what_was_done_before(
    error: WattmeshError, kind: type[Outcome]
) -> None:
    outcome = await ReconcileSite(TwoSteps(error))({}, prune=False)
    assert isinstance(outcome, kind)
    assert [each.name for each in outcome.changes] == ["sites/a"]
