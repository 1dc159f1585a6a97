"""Store what gateways say: what became of commands, devices lost and back.

Whatever has come in while the last transaction was under way goes into the next one, of all
gateways together; every reader is told when its own is stored.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, assert_never

from wattmesh_control.app.chunks import MOST_AT_ONCE, halving
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.ports import Observations, Scope
from wattmesh_control.app.spans import RECORD_REPORT
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent, EventType
from wattmesh_control.domain.life import (
    UNFINISHED,
    CommandState,
    ReleaseSeen,
    Reported,
    Troubled,
)
from wattmesh_control.domain.moves import Moves
from wattmesh_control.domain.release import ReleaseState
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import CommandId, DeviceId, GatewayId, SiteId
from wattmesh_runtime.aio.leases import Lease
from wattmesh_runtime.aio.losses import AWAY_OR_FULL
from wattmesh_runtime.aio.spans import traced

log = logging.getLogger(__name__)

MOST_WAITING = 2_000
"""Messages that may wait to be stored before the streams are no longer read."""

_GATHER_SECONDS = 0.001
"""A transaction takes longer than the read-back that follows a write: so long it is waited for."""

_MORE_FOLLOWS = frozenset({CommandState.APPLIED})
"""Reports after which another one of the same command follows at once."""

_BAD = frozenset({CommandState.REFUSED, CommandState.FAILED, CommandState.EXPIRED})


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandReport:
    """A gateway's word on a command."""

    command: CommandId
    reported: Reported


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceStatus:
    """A gateway's word on a device."""

    device: DeviceId
    online: bool
    time: datetime
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointNews:
    """A gateway's word on a setpoint that a device holds, or let go of."""

    command: CommandId
    device: DeviceId
    what: str
    """`drifted`, `reapplied`, `release_pending` or `released`."""
    time: datetime
    message: str
    value: float | None = None
    """What the device holds, in the unit of the command's kind."""

    @property
    def release(self) -> ReleaseSeen | None:
        """What it says of the release; None: nothing."""
        state = _RELEASES.get(self.what)
        if state is None:
            return None
        return ReleaseSeen(state=state, time=self.time, message=self.message)


_RELEASES = {"release_pending": ReleaseState.PENDING, "released": ReleaseState.RELEASED}


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopNews:
    """A gateway's word on the loop of a site: of a member, or of the meter that it goes by."""

    site: SiteId
    device: DeviceId | None
    what: str
    """`limiting`, `meter_stale`, `member_lost` and the like."""
    time: datetime
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MovesNews:
    """What a loop told a device while a command was in force; `before`: so many came earlier."""

    command: CommandId
    device: DeviceId
    before: int
    moves: Moves


GatewayMessage: TypeAlias = CommandReport | DeviceStatus | SetpointNews | LoopNews | MovesNews


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Received:
    """A message of one gateway that is to be stored."""

    gateway: GatewayId
    lease: Lease
    message: GatewayMessage
    stored: "asyncio.Future[None]"


@dataclass(kw_only=True)
class _Recording(Work[int]):
    """Lets lives go on; what comes late, twice or from elsewhere does nothing."""

    received: Sequence[Received]
    ignored: int = 0
    lost: dict[DeviceId, str] = field(default_factory=dict)
    back: set[DeviceId] = field(default_factory=set)
    reconciles = False

    @property
    def scope(self) -> Scope:
        messages = [each.message for each in self.received]
        return Scope(
            devices=frozenset(each.device for each in messages if isinstance(each, DeviceStatus)),
            commands=frozenset(
                each.command
                for each in messages
                if isinstance(each, CommandReport | SetpointNews | MovesNews)
            ),
            fence=tuple({each.lease.name: each.lease for each in self.received}.values()),
        )

    def decide(self, draft: Draft) -> None:
        for each in self.received:
            match each.message:
                case CommandReport():
                    self._report(draft, each.gateway, each.message)
                case DeviceStatus():
                    self._status(draft, each.gateway, each.message)
                case SetpointNews():
                    self._setpoint(draft, each.gateway, each.message)
                case LoopNews():
                    _loop(draft, each.gateway, each.message)
                case MovesNews():
                    self._moves(draft, each.gateway, each.message)
                case _:
                    assert_never(each.message)

    def answer(self, draft: Draft) -> int:
        return self.ignored

    def _report(self, draft: Draft, gateway: GatewayId, report: CommandReport) -> None:
        command = draft.standing.commands.get(report.command)
        if command is None or not _of(command, gateway):
            log.warning("%s reports on %s, not one of its own", gateway, report.command)
            self.ignored += 1
            return
        before = draft.current(command)
        told = {"command": command.command.name, "device": command.device.name}
        with traced(
            RECORD_REPORT, turn=command.source, state=report.reported.state.value, about=told
        ):
            after = draft.advance(command, report.reported)
        if after is before:
            self.ignored += 1
        elif after.life.state in _BAD:
            log.warning(
                "%s on %s %s: %s",
                *(after.command, after.device, after.life.state.value, after.life.message),
            )

    def _status(self, draft: Draft, gateway: GatewayId, status: DeviceStatus) -> None:
        trouble = "" if status.online else status.message or "the device does not answer"
        for last in draft.standing.last.values():
            command = draft.current(last)
            waits = command.life.live and command.life.state in UNFINISHED
            if command.device == status.device and waits and _of(command, gateway):
                draft.advance(command, Troubled(trouble))
                if status.online:
                    draft.resends.append(command.command)
        draft.events.append(_event(status))
        self.lost.pop(status.device, None)
        self.back.discard(status.device)
        if status.online:
            self.back.add(status.device)
        else:
            self.lost[status.device] = trouble

    def _setpoint(self, draft: Draft, gateway: GatewayId, news: SetpointNews) -> None:
        command = draft.standing.commands.get(news.command)
        if command is None or not _of(command, gateway):
            self.ignored += 1
            return
        if news.release is not None:
            draft.advance(command, news.release)
        event = DeviceEvent(
            device=command.device,
            time=news.time,
            what=news.what,
            message=news.message,
            command=command.command,
            kind=command.kind,
            value=news.value,
        )
        draft.events.append(event)

    def _moves(self, draft: Draft, gateway: GatewayId, news: MovesNews) -> None:
        command = draft.standing.commands.get(news.command)
        if command is None or not _of(command, gateway) or command.device != news.device:
            self.ignored += 1
            return
        draft.moves.append((command.command, news.before, news.moves))


class RecordReports:
    """Takes messages of gateways in, as many as there are in one transaction."""

    def __init__(self, unit_of_work: UnitOfWork, observations: Observations) -> None:
        self._unit_of_work = unit_of_work
        self._observations = observations
        self._waiting: asyncio.Queue[Received] = asyncio.Queue(MOST_WAITING)
        self._online: dict[DeviceId, bool] = {}

    async def take(
        self, gateway: GatewayId, lease: Lease, message: GatewayMessage
    ) -> "asyncio.Future[None]":
        """Let a message be stored; the future ends when it is, or with the error."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if isinstance(message, DeviceStatus) and self._is_known(message):
            stored.set_result(None)
            return stored
        received = Received(gateway=gateway, lease=lease, message=message, stored=stored)
        await self._waiting.put(received)
        return stored

    async def __call__(self) -> None:
        """Run for ever."""
        while True:
            received = await self._first()
            while not self._waiting.empty() and len(received) < MOST_AT_ONCE:
                received.append(self._waiting.get_nowait())
            try:
                await halving(received, self._store, self._fail)
            except AWAY_OR_FULL as error:
                for each in received:
                    _end(each, error)

    async def _first(self) -> list[Received]:
        """Return what came first, with the read-back that follows it, if that comes soon.

        When much comes, as at the turn of an interval, more is gathered.
        """
        busy = not self._waiting.empty()
        received = [await self._waiting.get()]
        if busy:
            await asyncio.sleep(_GATHER_SECONDS)
            return received
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GATHER_SECONDS):
                while _more_follows(received[-1].message):
                    received.append(await self._waiting.get())
        return received

    async def _store(self, received: Sequence[Received]) -> None:
        work = _Recording(received=received)
        ignored = (await self._unit_of_work(work)).answer
        for _ in range(ignored):
            self._observations.report_ignored()
        for device, trouble in work.lost.items():
            self._online[device] = False
            log.warning("%s is lost: %s", device, trouble)
        for device in work.back:
            self._online[device] = True
            log.info("%s is back", device)
        for each in received:
            _end(each, None)

    async def _fail(self, received: Received, error: Exception) -> None:
        """Pass over, by name, a message that fails alone; a lost lease ends its stream."""
        if isinstance(error, WattmeshError):
            _end(received, error)
            return
        message = received.message
        if isinstance(message, DeviceStatus | LoopNews):
            about: DeviceId | CommandId | None = message.device
        else:
            about = message.command
        log.error("what %s says of %s is passed over", received.gateway, about, exc_info=error)
        self._observations.report_ignored()
        _end(received, None)

    def is_lost(self, device: DeviceId) -> bool:
        """Return whether a device was last said not to answer, to this process."""
        return self._online.get(device) is False

    def _is_known(self, status: DeviceStatus) -> bool:
        return self._online.get(status.device) is status.online


def _more_follows(message: GatewayMessage) -> bool:
    return isinstance(message, CommandReport) and message.reported.state in _MORE_FOLLOWS


def _end(received: Received, error: Exception | None) -> None:
    if received.stored.done():
        return
    if error is None:
        received.stored.set_result(None)
    else:
        received.stored.set_exception(error)
        received.stored.exception()  # whoever waits is told; nobody may be waiting any more


def _loop(draft: Draft, gateway: GatewayId, news: LoopNews) -> None:
    log.info("the loop of %s at %s: %s: %s", news.site, gateway, news.what, news.message)
    if news.device is not None:
        event = DeviceEvent(
            device=news.device, time=news.time, what=f"loop_{news.what}", message=news.message
        )
        draft.events.append(event)


def _of(command: Command, gateway: GatewayId) -> bool:
    return command.target is not None and command.target.gateway == gateway


def _event(status: DeviceStatus) -> DeviceEvent:
    return DeviceEvent(
        device=status.device,
        time=status.time,
        what=EventType.ONLINE if status.online else EventType.OFFLINE,
        message=status.message,
    )
