"""When the steered devices of a site were to step, from the commands that they acknowledged."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from wattmesh_control.domain.command import Command
from wattmesh_control.domain.effects.asked import Level, asked_of
from wattmesh_control.domain.effects.steps import Edge
from wattmesh_control.domain.effects.windows import Held
from wattmesh_control.domain.setpoint import Slot

_SEAMLESS = timedelta(seconds=2)
"""A command that follows within so long took over: the device was not let go in between."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgesAround:
    """The edges of one command and all others of its site.

    `told_w`: the steps it and what followed it were told to make [W]; None where that is not known.
    """

    begin: Edge
    finish: Edge | None
    every: tuple[Edge, ...]
    told_w: tuple[float | None, float | None]


def held_of(command: Command, now: datetime) -> Held:
    """Return when a command was sent, acknowledged and over; it must have been acknowledged."""
    assert command.life.apply_time is not None, "only what was acknowledged has an effect"
    end = max(min(command.held.end, now), command.life.apply_time)
    return Held(sent=_sent(command), acknowledged=command.life.apply_time, end=end)


def edges_around(command: Command, commands: Sequence[Command], settling: timedelta) -> EdgesAround:
    """Return the edges; `commands` are the acknowledged ones of the site, oldest first."""
    slots = defaultdict[Slot, list[Command]](list)
    for each in commands:
        if each.life.apply_time is not None:
            slots[each.slot].append(each)
    every = [edge for slot in slots.values() for edge in _edges(slot, settling)]
    own = slots[command.slot]
    index = next((i for i, each in enumerate(own) if each.command == command.command), None)
    before = own[index - 1] if index else None
    after = own[index + 1] if index is not None and index + 1 < len(own) else None
    begin = _edge(command, settling)
    later = [x for x in every if x.device == command.device and x.begin > begin.begin]
    return EdgesAround(
        begin=begin,
        finish=min(later, key=lambda each: each.begin, default=None),
        every=tuple(every),
        told_w=_told(command, before, after),
    )


def _sent(command: Command) -> datetime:
    life = command.life
    assert life.apply_time is not None
    first = life.dispatch_time if life.dispatch_count == 1 else None
    return min(first or command.create_time, life.apply_time)


def _edge(command: Command, settling: timedelta) -> Edge:
    assert command.life.apply_time is not None
    return Edge(device=command.device, begin=_sent(command), end=command.life.apply_time + settling)


def _edges(slot: Sequence[Command], settling: timedelta) -> list[Edge]:
    found = [_edge(each, settling) for each in slot]
    for each, following in pairwise([*slot, None]):
        if each is not None and _let_go(each, following):
            close = each.life.close_time
            assert close is not None
            found.append(Edge(device=each.device, begin=close, end=close + 2 * settling))
    return found


def _let_go(command: Command, following: Command | None) -> bool:
    close = command.life.close_time
    return close is not None and (following is None or _sent(following) > close + _SEAMLESS)


def _told(
    command: Command, before: Command | None, after: Command | None
) -> tuple[float | None, float | None]:
    value_w = _level_w(command)
    if value_w is None:
        return None, None
    base_w = 0.0 if before is None or _let_go(before, command) else _level_w(before)
    next_w = 0.0 if after is None or _let_go(command, after) else _level_w(after)
    return (
        None if base_w is None else value_w - base_w,
        None if next_w is None else next_w - value_w,
    )


def _level_w(command: Command) -> float | None:
    asked = asked_of(command.kind, command.value, None)
    return asked.power_w if isinstance(asked, Level) else None
