"""Read the one record from plan to meter."""

from collections import defaultdict
from dataclasses import dataclass

from wattmesh_control.app.effect_ports import EventArchive, EventQuery, MoveArchive
from wattmesh_control.app.ports import CommandArchive, CommandQuery
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_control.domain.execution import Execution, events_within, step_of
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange

_MOST_STEPS = 1000
_MOST_EVENTS = 1000
_MOST_EVENTS_A_STEP = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionQuery:
    """A plan by its name, or devices; and when their setpoints begin."""

    plan: str = ""
    devices: DeviceFilter | None = None
    start_range: TimeRange | None = None

    def __post_init__(self) -> None:
        if not self.plan and self.devices is None:
            raise InvalidArgument("MISSING_FIELD", "a plan or a device is required", field="plan")
        if self.devices is not None and self.start_range is None:
            raise InvalidArgument("MISSING_FIELD", "a device needs a range", field="range")


class ReadExecution:
    """Puts together what was commanded, what became of it, and what happened meanwhile."""

    def __init__(self, commands: CommandArchive, events: EventArchive, moves: MoveArchive) -> None:
        self._commands = commands
        self._events = events
        self._moves = moves

    async def __call__(self, query: ExecutionQuery) -> Execution:
        """Return the record. Error: NotFound for a plan of which control knows nothing."""
        wanted = CommandQuery(
            devices=query.devices or DeviceFilter(),
            start_range=query.start_range,
            source=query.plan,
        )
        found = await self._commands.page(wanted, None, _MOST_STEPS + 1)
        if query.plan and not found:
            raise NotFound("PLAN_NOT_FOUND", f"control has no command of {query.plan}")
        commands = sorted(found[:_MOST_STEPS], key=lambda x: (x.device, x.span.start, x.number))
        events = await self._happened(commands)
        moves = await self._moves.moves([each.command for each in commands])
        return Execution(
            steps=tuple(
                step_of(
                    x,
                    events_within(events[x.device], x.held, _MOST_EVENTS_A_STEP),
                    moves.get(x.command),
                )
                for x in commands
            ),
            truncated=len(found) > _MOST_STEPS,
        )

    async def _happened(self, commands: list[Command]) -> dict[DeviceId, list[DeviceEvent]]:
        happened = defaultdict[DeviceId, list[DeviceEvent]](list)
        spans = [each.held for each in commands if not each.held.empty]
        if not spans:
            return happened
        span = TimeRange(min(x.start for x in spans), max(x.end for x in spans))
        devices = {each.device for each in commands}
        one = DeviceFilter(device=next(iter(devices))) if len(devices) == 1 else DeviceFilter()
        query = EventQuery(devices=one, span=span)
        for event in reversed(await self._events.page(query, None, _MOST_EVENTS)):
            happened[event.device].append(event)
        return happened
