"""Tells control what a loop does: when something begins and when it is over, not every value."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from wattmesh_gateway.app.arbiter import By, Choice, Slot
from wattmesh_gateway.app.loop.moves import Moves
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.domain.command import Command, SetpointEventType
from wattmesh_gateway.domain.loop.verdict import Condition, Verdict
from wattmesh_gateway.domain.loop_event import LoopEvent, LoopEventType
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.sites import Phase

log = logging.getLogger(__name__)

_OVER_AFTER = timedelta(seconds=10)
"""A limit that has moved nobody for so long counts as over: it may be touched again and again."""

_LOUD = frozenset({LoopEventType.METER_STALE, LoopEventType.MEMBER_LOST, LoopEventType.ISLANDED})


class Telling:
    """What was told of one site's loop."""

    def __init__(self, site: SiteId, reports: Reports, clock: Clock) -> None:
        self._site = site
        self._reports = reports
        self._clock = clock
        self._condition = Condition.WAITING
        self._meter: DeviceId | None = None
        self._limiting = frozenset[str]()
        self._limited_until: datetime | None = None
        self._lost: dict[Slot, str] = {}
        self._islanded = False
        self._shed = frozenset[Slot]()
        self._overruled: dict[Slot, tuple[Command, By]] = {}
        self._moves = Moves(reports, clock)

    def started(self, why: str) -> None:
        """Tell that the loop runs."""
        self._tell(LoopEventType.STARTED, why)

    def ended(self, why: str) -> None:
        """Tell that it has ended."""
        self._tell(LoopEventType.ENDED, why)

    def given_back(self) -> None:
        """Tell what is left: no device is told anything any more."""
        self._moves.tell_all()

    def decided(self, verdict: Verdict, lost: Mapping[Slot, str]) -> None:
        """Tell what is new in what the loop makes of its meter and members."""
        self._moves.tell_due()
        self._tell_meter(verdict)
        self._tell_limits(verdict)
        self._tell_island(verdict)
        for slot in lost.keys() - self._lost.keys():
            self._tell(LoopEventType.MEMBER_LOST, lost[slot], device=slot[0])
        for slot in self._lost.keys() - lost.keys():
            self._tell(LoopEventType.MEMBER_BACK, "it can be told again", device=slot[0])
        self._lost = dict(lost)

    def asked(self, slot: Slot, command: Command | None) -> None:
        """Take note of the command in force."""
        self._moves.asked(slot, command)

    def told(self, slot: Slot, command: Command | None, choice: Choice, power_w: float) -> None:
        """Tell, on a command's record, that a device was told something else, or again the same.

        `power_w`: what it was told, as power [W].
        """
        if command is not None:
            self._moves.told(slot, command, power_w, by_loop=choice.by is not By.COMMAND)
        before = self._overruled.get(slot)
        if command is None or choice.by is By.COMMAND:
            self._overruled.pop(slot, None)
            if command is not None and before is not None and before[0].id == command.id:
                self._event(command, SetpointEventType.RESTORED, choice)
        elif before != (command, choice.by):
            self._overruled[slot] = (command, choice.by)
            self._event(command, SetpointEventType.OVERRULED, choice)

    def _event(self, command: Command, type_: SetpointEventType, choice: Choice) -> None:
        value = choice.value if choice.kind is command.kind else None
        message = choice.why or "as the command asks"
        self._reports.event(command, type_, value=value, message=message)

    def _tell_meter(self, verdict: Verdict) -> None:
        meter = None if verdict.shown is None else verdict.shown.meter
        if verdict.condition is Condition.STALE and self._condition is not Condition.STALE:
            self._tell(LoopEventType.METER_STALE, "no meter is to be trusted", device=self._meter)
        elif meter is not None and (
            meter != self._meter or self._condition is not Condition.STEERING
        ):
            self._tell(LoopEventType.METER_USED, f"{meter.name} shows it", device=meter)
        self._meter = meter or self._meter
        self._condition = verdict.condition

    def _tell_island(self, verdict: Verdict) -> None:
        island = verdict.island
        if island is None:
            return
        if island.islanded and not self._islanded:
            self._tell(LoopEventType.ISLANDED, island.why)
        if self._islanded and not island.islanded:
            self._tell(LoopEventType.RECONNECTED, "the grid is back")
        self._islanded = island.islanded
        for slot in island.shed.keys() - self._shed:
            self._tell(LoopEventType.SHED, island.shed[slot], device=slot[0])
        why = "the battery bears it" if island.islanded else "the grid is back"
        for slot in self._shed - island.shed.keys():
            self._tell(LoopEventType.RESTORED, why, device=slot[0])
        self._shed = frozenset(island.shed)

    def _tell_limits(self, verdict: Verdict) -> None:
        now = self._clock.now()
        if verdict.limiting:
            self._limited_until = now + _OVER_AFTER
        new = verdict.limiting - self._limiting
        if new and verdict.shown is not None:
            shown_w = verdict.shown.powers_w[Phase.THREE]
            self._tell(LoopEventType.LIMITING, ", ".join(sorted(new)), value=shown_w)
            self._limiting |= new
        if self._limiting and self._limited_until is not None and now >= self._limited_until:
            self._tell(LoopEventType.UNLIMITED, ", ".join(sorted(self._limiting)))
            self._limiting = frozenset()

    def _tell(
        self,
        type_: LoopEventType,
        message: str,
        *,
        device: DeviceId | None = None,
        value: float | None = None,
    ) -> None:
        level = logging.WARNING if type_ in _LOUD else logging.INFO
        log.log(level, "loop of %s: %s: %s", device or self._site, type_.value, message)
        self._reports.tell(
            LoopEvent(
                site=self._site,
                type=type_,
                event_time=self._clock.now(),
                device=device or self._meter,
                value=value,
                message=message,
            )
        )
