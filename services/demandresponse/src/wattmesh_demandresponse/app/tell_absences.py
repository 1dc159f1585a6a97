"""Tells somebody else's VTN who is away, and when."""

from collections.abc import Sequence
from typing import Protocol

from wattmesh_demandresponse.app.keep import MOST_IN_PAGE
from wattmesh_demandresponse.app.ports import Query
from wattmesh_demandresponse.app.programmes import KeepEnrolments, KeepProgrammes
from wattmesh_demandresponse.domain.absence import Absence
from wattmesh_demandresponse.domain.records import Parent
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.programme_ids import ProgrammeId


class OptingVtn(Protocol):
    """Somebody else's VTN that wants to know who is away."""

    async def tell(self, absences: Sequence[Absence]) -> None:
        """Tell all that there are, and what else it does not know yet. Error: Unavailable."""


class TellAbsences:
    """Times in which an enrolment that has a name there takes part in nothing."""

    def __init__(
        self,
        vtn: OptingVtn,
        programmes: KeepProgrammes,
        enrolments: KeepEnrolments,
        clock: Clock,
    ) -> None:
        self._vtn = vtn
        self._programmes = programmes
        self._enrolments = enrolments
        self._clock = clock

    async def __call__(self) -> None:
        """Tell them. Error: Unavailable."""
        page, _ = await self._programmes.list(Query(), MOST_IN_PAGE, "")
        absences: list[Absence] = []
        for each in page:
            if each.resource.external_id:
                absences += await self._of(each.resource.id, each.resource.external_id)
        await self._vtn.tell(absences)

    async def _of(self, programme: ProgrammeId, market_context: str) -> list[Absence]:
        found: list[Absence] = []
        now, after = self._clock.now(), ""
        while True:
            query = Query(parent=Parent(programme=programme))
            page, after = await self._enrolments.list(query, MOST_IN_PAGE, after)
            found += [
                Absence(
                    market_context=market_context, resource=each.resource.external_id, range=span
                )
                for each in page
                if each.resource.external_id
                for span in each.resource.unavailable
                if span.end > now
            ]
            if not after:
                return found
