"""Tells control what a loop told devices in place of what their commands ask, now and then."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from wattmesh_gateway.app.arbiter import Slot
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.domain.command import Command, Move, SetpointMoves
from wattmesh_kernel.clock import Clock

_TELL_AFTER = timedelta(seconds=30)
_MOST_TOGETHER = 200


@dataclass(slots=True)
class _Moved:
    """What one command's device was told; `waiting` is not told to control yet."""

    command: Command
    told_w: float
    before: int = 0
    waiting: list[Move] = field(default_factory=list)


class Moves:
    """What one site's loop told its members against the commands in force.

    A command that the loop leaves alone costs nothing: it is kept from the first value on that is
    not what the command asks, and then every one that differs from the one before.
    """

    def __init__(self, reports: Reports, clock: Clock) -> None:
        self._reports = reports
        self._clock = clock
        self._moved: dict[Slot, _Moved] = {}

    def told(self, slot: Slot, command: Command, power_w: float, *, by_loop: bool) -> None:
        """Take note of what a device was just told [W] while a command is in force."""
        self.asked(slot, command)
        known = self._moved.get(slot)
        if known is None:
            if not by_loop:
                return
            known = self._moved[slot] = _Moved(command=command, told_w=math.nan)
        if math.isclose(known.told_w, power_w, rel_tol=1e-9, abs_tol=1e-6):
            return
        known.told_w = power_w
        known.waiting.append(Move(time=self._clock.now(), power_w=power_w))
        if len(known.waiting) >= _MOST_TOGETHER:
            self._tell(known)

    def asked(self, slot: Slot, command: Command | None) -> None:
        """Take note of the command in force: what is left of the one before is told."""
        known = self._moved.get(slot)
        if known is not None and (command is None or known.command.id != command.id):
            self._tell(self._moved.pop(slot))

    def tell_due(self) -> None:
        """Tell what has waited for long enough."""
        due = self._clock.now() - _TELL_AFTER
        self._tell_each(x for x in self._moved.values() if x.waiting and x.waiting[0].time <= due)

    def tell_all(self) -> None:
        """Tell what is left."""
        self._tell_each(self._moved.values())

    def _tell_each(self, moved: Iterable[_Moved]) -> None:
        for each in list(moved):
            self._tell(each)

    def _tell(self, known: _Moved) -> None:
        if not known.waiting:
            return
        self._reports.tell(
            SetpointMoves(command=known.command, before=known.before, moves=tuple(known.waiting))
        )
        known.before += len(known.waiting)
        known.waiting.clear()
