"""Carries commands to devices: leased, serialised for each device, each answered once."""

import logging

from wattmesh_gateway.app.arbiter import Arbiter, Slot
from wattmesh_gateway.app.channel_worker import ChannelWorker
from wattmesh_gateway.app.ports import CommandJournal, SettableDevices
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.domain.command import Command, CommandState
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_runtime.aio.tasks import BackgroundTasks, together

log = logging.getLogger(__name__)


class CarryCommands:
    """Runs a worker for each channel of a device that was commanded.

    What a device holds is read again every `reread_seconds` of the wall within its lease.
    """

    def __init__(
        self,
        devices: SettableDevices,
        journal: CommandJournal,
        reports: Reports,
        clock: Clock,
        background: BackgroundTasks,
        reread_seconds: float,
        arbiter: Arbiter,
    ) -> None:
        self._devices = devices
        self._journal = journal
        self._reports = reports
        self._clock = clock
        self._background = background
        self._reread_seconds = reread_seconds
        self._arbiter = arbiter
        self._workers: dict[Slot, ChannelWorker] = {}

    async def resume(self) -> None:
        """Take over what devices held when the gateway was here last."""
        for held in await self._journal.held():
            record = await self._journal.find(held.command.id)
            proven = record is not None and record.verified
            self._worker(held.command).resume(held, proven=proven)

    async def dispatch(self, command: Command) -> None:
        """Take on a command, unless it was answered before or is older than what was applied."""
        worker = self._worker(command)
        if worker.find(command.id) is not None:
            return
        record, applied = await together(
            self._journal.find(command.id),
            self._journal.last_applied(command.device, command.channel),
        )
        if record is not None and record.ended:
            for report in record.reports:
                self._reports.tell(report)
            return
        newest = max(worker.newest_sequence, applied.sequence if applied else 0)
        if command.sequence < newest:
            await self._reports.report(
                command, CommandState.SUPERSEDED, message="a newer command was taken on before"
            )
            return
        await worker.offer(command)

    async def cancel(self, command: CommandId, device: DeviceId) -> None:
        """Withdraw a command: what it steers goes to its safe state if the device holds it."""
        for (its_device, _), worker in self._workers.items():
            begun = worker.find(command) if its_device == device else None
            if begun is not None:
                await worker.withdraw(begun)
                return
        record = await self._journal.find(command)
        if record is None:
            log.warning("%s is withdrawn, but never came", command)
            return
        await self._worker(record.command).withdraw(record.command)

    def _worker(self, command: Command) -> ChannelWorker:
        """Return the worker of a command's channel; the channels of a device share a writer."""
        slot = command.slot
        if slot not in self._workers:
            worker = ChannelWorker(
                *(self._devices, self._reports, self._journal, self._clock, self._arbiter, slot),
                self._reread_seconds,
            )
            self._workers[slot] = worker
            self._background.start(worker.run())
        return self._workers[slot]
