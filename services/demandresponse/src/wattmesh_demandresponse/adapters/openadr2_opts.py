"""Opts told to a VTN of OpenADR 2.0b by `EiOpt`: made, kept, and cancelled.

An event is answered once, by `oadrCreatedEvent`; who thinks otherwise later, or stays out of it as
one resource of several, says so by `oadrCreateOpt`, and takes it back by `oadrCancelOpt`. A
resource that is away for a time says it the same way, without an event: a schedule of
availability (OpenADR 2.0b Profile Specification, section 8.4).
"""

import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from wattmesh_demandresponse.adapters.openadr2_line import Line, Party
from wattmesh_demandresponse.domain.absence import Absence
from wattmesh_demandresponse.domain.participation import OptOutReason
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import TimeRange

_log = logging.getLogger(__name__)

_MOST_MESSAGES = 50
"""In one turn; what is left waits for the next."""
_SCHEDULE = "x-schedule"
_REASONS = {
    OptOutReason.COMFORT: "overrideStatus",
    OptOutReason.OPERATIONS: "mustRun",
    OptOutReason.EQUIPMENT: "outageRunStatus",
    OptOutReason.ECONOMIC: "economic",
}
_AGAIN = timedelta(hours=1)
"""After which a VTN that does not serve `EiOpt` is told again."""
_REFUSED = ""
"""The id of an opt that the VTN would not have: neither told again, nor cancelled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventOut:
    """That an event is opted out of, for one resource or (empty) for all of us."""

    event_id: str
    modification_number: int
    market_context: str
    resource: str = ""
    reason: OptOutReason | None = None

    @property
    def key(self) -> str:
        """What tells it from others."""
        return json.dumps(["event", self.event_id, self.modification_number, self.resource])

    def content(self) -> dict[str, Any]:
        """Return what a message says of it."""
        return {
            "opt_reason": _word(self.reason),
            "market_context": self.market_context,
            "event_id": self.event_id,
            "modification_number": self.modification_number,
            "targets": _targets(self.resource),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleOut:
    """That a resource is away for a time."""

    absence: Absence

    @property
    def key(self) -> str:
        """What tells it from others."""
        absent, span = self.absence, self.absence.range
        return json.dumps(
            [
                *("absence", absent.market_context, absent.resource),
                *(span.start.isoformat(), span.end.isoformat()),
            ]
        )

    def content(self) -> dict[str, Any]:
        """Return what a message says of it."""
        span: TimeRange = self.absence.range
        return {
            "opt_reason": _SCHEDULE,
            "market_context": self.absence.market_context,
            "vavailability": {
                "components": [{"dtstart": span.start, "duration": span.end - span.start}]
            },
            "targets": _targets(self.absence.resource),
        }


class KeptOpts(Protocol):
    """Where the ids of opts are kept, for the next start: by key."""

    async def kept(self) -> Mapping[str, str]:
        """Return them."""

    async def keep(self, opts: Mapping[str, str]) -> None:
        """Keep them."""


class Oadr2Opts:
    """Tells each opt once, cancels what holds no more, and forgets what is over."""

    def __init__(self, line: Line, party: Party, kept: KeptOpts, clock: Clock) -> None:
        self._line = line
        self._party = party
        self._store = kept
        self._clock = clock
        self._not_before: datetime | None = None
        self._outs: Mapping[str, EventOut] = {}
        self._current: set[tuple[str, int]] = set()

    async def knows(self, out: EventOut) -> bool:
        """Whether the VTN was told this."""
        return out.key in await self._store.kept()

    def of_events(self, outs: Sequence[EventOut], current: set[tuple[str, int]]) -> None:
        """Say what is opted out of, of all events (id, modification) that there are now."""
        self._outs = {each.key: each for each in outs}
        self._current = current

    async def tell(self, absences: Sequence[Absence]) -> None:
        """Tell what the VTN does not know yet, and who is away. Error: Unavailable.

        After a start it is told once events were answered: what they are is not known before.
        """
        if not self._takes_opts():
            return
        schedules = [ScheduleOut(absence=each) for each in absences]
        wanted: dict[str, EventOut | ScheduleOut] = {each.key: each for each in schedules}
        wanted |= self._outs
        kept = dict(await self._store.kept())
        new = [each for key, each in wanted.items() if key not in kept]
        for key in [key for key in kept if key not in wanted][:_MOST_MESSAGES]:
            if self._to_come(key):
                await self._cancel(kept, key)
            else:
                await self._forget(kept, key)
        for each in new[:_MOST_MESSAGES]:
            if self._takes_opts():
                await self._create(kept, each)

    def _takes_opts(self) -> bool:
        return self._not_before is None or self._clock.now() >= self._not_before

    def _to_come(self, key: str) -> bool:
        """Whether what an opt is about is still there: else it needs no word any more."""
        kind, *rest = json.loads(key)
        if kind == "event":
            return (rest[0], rest[1]) in self._current
        return datetime.fromisoformat(rest[-1]) > self._clock.now()

    async def _create(self, kept: dict[str, str], out: EventOut | ScheduleOut) -> None:
        opt_id = uuid.uuid4().hex
        answer = await self._line.ask_if_served(
            "EiOpt",
            "oadrCreateOpt",
            ven_id=await self._party.ven_id(),
            opt_id=opt_id,
            opt_type="optOut",
            created_date_time=self._clock.now(),
            **out.content(),
        )
        if answer is None:
            if self._not_before is None:
                _log.warning("the VTN takes no EiOpt: it hears by oadrCreatedEvent alone")
            self._not_before = self._clock.now() + _AGAIN
            return
        if answer.code != 200:
            _log.warning("the VTN refuses opt %s: %s", out.key[:300], answer.code)
            opt_id = _REFUSED
        kept[out.key] = opt_id
        await self._store.keep(kept)

    async def _cancel(self, kept: dict[str, str], key: str) -> None:
        if kept[key] != _REFUSED:
            answer = await self._line.ask_if_served(
                "EiOpt", "oadrCancelOpt", ven_id=await self._party.ven_id(), opt_id=kept[key]
            )
            if answer is not None and answer.code != 200:
                _log.warning("the VTN does not cancel opt %s: %s", key[:300], answer.code)
        await self._forget(kept, key)

    async def _forget(self, kept: dict[str, str], key: str) -> None:
        del kept[key]
        await self._store.keep(kept)


def _word(reason: OptOutReason | None) -> str:
    return "notParticipating" if reason is None else _REASONS.get(reason, "notParticipating")


def _targets(resource: str) -> list[dict[str, str]]:
    return [{"resource_id": resource}] if resource else []
