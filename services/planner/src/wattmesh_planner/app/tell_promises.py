"""Tells demand response what a plan promises of events; a plan stands without."""

import logging
from collections.abc import Sequence

from wattmesh_kernel.errors import FailedPrecondition, WattmeshError
from wattmesh_kernel.ids import PlanId
from wattmesh_planner.app.ports import GridEvents
from wattmesh_planner.domain.events import Promise

_log = logging.getLogger(__name__)


class TellPromises:
    """One word per event; with `events` None nobody is told anything."""

    def __init__(self, events: GridEvents | None) -> None:
        self._events = events

    async def __call__(self, plan: PlanId, promises: Sequence[Promise]) -> None:
        """Tell them; the next plan tells what could not be told."""
        for each in promises if self._events is not None else ():
            assert self._events is not None
            try:
                await self._events.commit(each, plan)
            except FailedPrecondition as error:  # it begins, is over, or somebody left it just now
                _log.info("%s promises nothing of %s: %s", plan, each.event, error)
            except WattmeshError as error:
                _log.warning("%s: its promise of %s was not taken: %s", plan, each.event, error)
