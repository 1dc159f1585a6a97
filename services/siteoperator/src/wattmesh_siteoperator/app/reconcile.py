"""Has what is registered be as a resource says, and says what came of it."""

from collections.abc import Awaitable, Mapping
from typing import Any

from wattmesh_kernel.errors import (
    Aborted,
    DeadlineExceeded,
    Internal,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    WattmeshError,
)
from wattmesh_siteoperator.app.ports import Sites, Way
from wattmesh_siteoperator.domain.outcome import Change, Outcome, Refused, Registered, Unreachable

PASSING = (
    *(Aborted, DeadlineExceeded, Internal, ResourceExhausted, Unavailable),
    *(PermissionDenied, Unauthenticated),
)
"""Faults that are not the resource's: it is tried again as it is."""


class ReconcileSite:
    """Registers what a resource says, one step after the other; a step that fails is the last."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites

    async def __call__(self, wanted: Mapping[str, Any], *, prune: bool) -> Outcome:
        """Return what came of it; whoever repeats it takes only the steps that are left."""
        return await _go(self._sites.way_to(wanted, prune=prune))


class RemoveSite:
    """Ends a site whose resource is deleted, where it says that this ends the site."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites

    async def __call__(self, site: str) -> Outcome:
        """Return what came of it. Its readings, plans and bills stay, as SiteService keeps them."""
        return await _go(self._sites.way_out(site))


async def _go(finding: Awaitable[Way]) -> Outcome:
    done: list[Change] = []
    try:
        way = await finding
        for step in way.steps:
            await step.take()
            done.append(step.change)
    except PASSING as error:
        return Unreachable(reason=error.reason, message=error.message, changes=tuple(done))
    except WattmeshError as error:
        return Refused(reason=error.reason, message=error.message, changes=tuple(done))
    return Registered(site=way.site, counts=way.counts, changes=tuple(done), further=way.further)
