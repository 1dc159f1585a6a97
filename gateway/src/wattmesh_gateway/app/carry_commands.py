"""Carries commands to devices: leased, serialised for each device, each answered once."""

import logging

from wattmesh_gateway.app.device_worker import DeviceWorker
from wattmesh_gateway.app.ports import CommandJournal, SettableDevices
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.domain.command import Command, CommandState
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_runtime.aio.tasks import BackgroundTasks

log = logging.getLogger(__name__)


class CarryCommands:
    """Runs a worker for each device that was commanded."""

    def __init__(
        self,
        devices: SettableDevices,
        journal: CommandJournal,
        reports: Reports,
        clock: Clock,
        background: BackgroundTasks,
    ) -> None:
        self._devices = devices
        self._journal = journal
        self._reports = reports
        self._clock = clock
        self._background = background
        self._workers: dict[DeviceId, DeviceWorker] = {}

    async def dispatch(self, command: Command) -> None:
        """Take on a command, unless it was answered before or is older than what was applied."""
        worker = self._worker(command.device)
        if worker.find(command.id) is not None:
            return
        record = await self._journal.find(command.id)
        if record is not None and record.ended:
            for report in record.reports:
                self._reports.tell(report)
            return
        applied = await self._journal.last_applied(command.device)
        newest = max(worker.newest_sequence, applied.sequence if applied else 0)
        if command.sequence < newest:
            await self._reports.report(
                command, CommandState.SUPERSEDED, message="a newer command was taken on before"
            )
            return
        await worker.offer(command)

    async def cancel(self, command: CommandId, device: DeviceId) -> None:
        """Withdraw a command: the device goes to its safe state if it was the last applied."""
        worker = self._worker(device)
        held = worker.find(command)
        if held is not None:
            await worker.withdraw(held)
            return
        record = await self._journal.find(command)
        if record is None:
            log.warning("%s is withdrawn, but never came", command)
            return
        applied = await self._journal.last_applied(device)
        if applied is not None and applied.id == command:
            await worker.withdraw(record.command)
        else:
            await self._reports.report(record.command, CommandState.CANCELLED, message="not held")

    def _worker(self, device: DeviceId) -> DeviceWorker:
        if device not in self._workers:
            worker = DeviceWorker(self._devices, self._reports, self._clock)
            self._background.start(worker.run())
            self._workers[device] = worker
        return self._workers[device]
