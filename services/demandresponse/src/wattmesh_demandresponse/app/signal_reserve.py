"""The activation signal of reserves: passed on at once, and kept for the settlement."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from wattmesh_demandresponse.app.keep import MOST_IN_PAGE, not_found
from wattmesh_demandresponse.app.ports import Query, Records
from wattmesh_demandresponse.domain.division import divided
from wattmesh_demandresponse.domain.event import Event, EventState, ReserveAsked
from wattmesh_demandresponse.domain.participation import Participation
from wattmesh_demandresponse.domain.records import Kind, Parent
from wattmesh_demandresponse.domain.reserve import Said, asked_w
from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.programme_ids import EventId
from wattmesh_kernel.reserve_signal import ReserveSignal


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldSites:
    """The sites that were told from there, and those for which others of their group stand in."""

    told: Collection[SiteId] = ()
    stood_in: Collection[SiteId] = ()


class ReserveLine(Protocol):
    """The way to the gateways of sites."""

    async def pass_on(self, signals: Sequence[ReserveSignal]) -> ToldSites:
        """Pass signals on; return what became of them. Error: Unavailable."""


class Signals(Protocol):
    """Where signals are kept."""

    async def keep(self, event: EventId, said: Said) -> None:
        """Keep a signal; one of the same time stays as it was."""

    async def of(self, event: EventId) -> Sequence[Said]:
        """Return the signals of an event, in order of time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PassedOn:
    """What a signal asks of all sites together [W], import positive, and who was told."""

    said: Said
    asked_w: float
    sites: int
    told: int
    stood_in: int = 0


class SignalReserve:
    """Passes a signal on before it keeps it: who follows it has a second."""

    def __init__(
        self, records: Records, line: ReserveLine | None, signals: Signals, clock: Clock
    ) -> None:
        self._records = records
        self._line = line
        self._signals = signals
        self._clock = clock

    async def __call__(self, name: str, said: Said) -> PassedOn:
        """Ask everybody who committed for a share of what is held.

        Errors: NotFound; InvalidArgument `EVENT_IS_NO_RESERVE`; FailedPrecondition
        `EVENT_NOT_ACTIVE`; Unavailable.
        """
        event = await self._event(name)
        parent = Parent(programme=event.id.programme, event=event.id)
        parts = await self._records.list(Kind.PARTICIPATION, Query(parent=parent), "", MOST_IN_PAGE)
        held = [cast(Participation, each.resource) for each in parts]
        signals = [each for part in held if part.takes_part for each in _signals(event, part, said)]
        passed_on = ToldSites()
        if self._line is not None and signals:
            passed_on = await self._line.pass_on(signals)
        await self._signals.keep(event.id, said)
        return PassedOn(
            said=said,
            asked_w=sum(each.power_w for each in signals),
            sites=len(signals),
            told=len(passed_on.told),
            stood_in=len(passed_on.stood_in),
        )

    async def _event(self, name: str) -> Event:
        EventId.parse(name, "event")
        record = await self._records.get(name)
        if record is None:
            raise not_found(Kind.EVENT, name)
        event = cast(Event, record.resource)
        require(
            isinstance(event.asked, ReserveAsked),
            "EVENT_IS_NO_RESERVE",
            "it has no signal",
            "event",
        )
        state = event.state(self._clock.now())
        if state is not EventState.ACTIVE:
            raise FailedPrecondition("EVENT_NOT_ACTIVE", f"{name} is {state.value}")
        return event


def _signals(event: Event, part: Participation, said: Said) -> Iterator[ReserveSignal]:
    """Yield what is asked of a site, or of each site of a group, which stand in for each other."""
    promised = part.commitment
    if promised is None:
        return
    power_w = asked_w(event, promised, said)
    if part.subject.startswith("groups/"):
        index = (said.time - event.range.start) // event.step
        powers_w = divided(promised.sites, min(max(index, 0), event.count - 1), power_w)
        pool = part.subject
    else:
        powers_w, pool = {SiteId.parse(part.subject): power_w}, ""
    for site, share_w in powers_w.items():
        yield ReserveSignal(
            site=site,
            reserve=event.id.name,
            power_w=share_w,
            hold=said.hold,
            signal_time=said.time,
            pool=pool,
        )
