"""Store what gateways did and said: commands sent, reports, devices lost and back."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.app.changes import Announce, Changes
from wattmesh_control.app.ports import DeviceEvent, Ledger, Observations
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.life import UNFINISHED, CommandState, Reported, Sent, Troubled
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import CommandId, DeviceId, GatewayId

log = logging.getLogger(__name__)

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


class RecordReports:
    """Lets the lives of commands go on; what comes late, twice or from elsewhere does nothing."""

    def __init__(
        self, *, clock: Clock, ledger: Ledger, announce: Announce, observations: Observations
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._announce = announce
        self._observations = observations
        self._online: dict[DeviceId, bool] = {}

    async def sending(self, commands: Collection[CommandId]) -> set[CommandId]:
        """Note that commands go out; return those that are still to: live, their lease running.

        It comes before the sending, so that no report can be there earlier.
        """
        if not commands:
            return set()
        now = self._clock.now()
        async with self._ledger.transaction() as books:
            found = await books.commands.lock_all(commands)
            before = [each for each in found if each.life.live and each.leased(now)]
            steps = [(each, each.advance(Sent(now))) for each in before]
            await books.commands.save(steps, now)
        self._announce(Changes(moved=[after for _, after in steps]), agenda=False)
        return {each.command for each in before}

    async def command(self, gateway: GatewayId, report: CommandReport) -> None:
        """Take in what became of a command."""
        async with self._ledger.transaction() as books:
            before = await books.commands.lock(report.command)
            if before is None or before.target is None or before.target.gateway != gateway:
                log.warning("%s reports on %s, not one of its own", gateway, report.command)
                after = None
            else:
                after = before.advance(report.reported)
            if before is not None and after is not None and after is not before:
                await books.commands.save([(before, after)], self._clock.now())
        if after is None or after is before:
            self._observations.report_ignored()
            return
        if after.life.state in _BAD:
            log.warning(
                "%s on %s %s: %s",
                *(after.command, after.device, after.life.state.value, after.life.message),
            )
        self._announce(Changes(moved=[after]), agenda=False)

    async def device(self, gateway: GatewayId, status: DeviceStatus) -> None:
        """Take in that a device was lost or came back; back, it gets its command again."""
        if self._online.get(status.device) is status.online:
            return
        async with self._ledger.transaction() as books:
            await books.lock([status.device])
            last = (await books.commands.last([status.device])).values()
            waiting = [
                each
                for each in last
                if each.life.live and each.life.state in UNFINISHED and _of(each, gateway)
            ]
            trouble = "" if status.online else status.message or "the device does not answer"
            steps = [(each, each.advance(Troubled(trouble))) for each in waiting]
            await books.commands.save(steps, self._clock.now())
            await books.note([_event(status)])
        self._online[status.device] = status.online
        if status.online:
            log.info("%s is back", status.device)
        else:
            log.warning("%s is lost: %s", status.device, trouble)
        offers = [after for _, after in steps] if status.online else []
        self._announce(Changes(offers=offers), agenda=False)


def _of(command: Command, gateway: GatewayId) -> bool:
    return command.target is not None and command.target.gateway == gateway


def _event(status: DeviceStatus) -> DeviceEvent:
    return DeviceEvent(
        device=status.device,
        time=status.time,
        what="online" if status.online else "offline",
        message=status.message,
    )
