"""The gateway's use case for commands with one device, and what it told control."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fakes.eventually import within
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice, FakeDevices
from wattmesh_gateway.adapters.command_journal import SqliteCommandJournal
from wattmesh_gateway.adapters.spool_database import JOURNAL_MIGRATIONS, SpoolDatabase
from wattmesh_gateway.app.arbiter import Arbiter
from wattmesh_gateway.app.carry_commands import CarryCommands
from wattmesh_gateway.app.reports import News, Reports
from wattmesh_gateway.domain.command import Command, CommandReport, CommandState, SetpointEvent
from wattmesh_kernel.ids import CommandId, DeviceId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_runtime.aio.tasks import BackgroundTasks

NOW = datetime(2016, 9, 5, 7, tzinfo=UTC)
BATTERY = DeviceId(SiteId("home-1"), "battery")
HOUR = timedelta(hours=1)


def command(
    sequence: int,
    value: float = 1000.0,
    lease: timedelta = HOUR,
    kind: SetpointKind = SetpointKind.ACTIVE_POWER_W,
) -> Command:
    return Command(
        id=CommandId(f"c{sequence}"),
        device=BATTERY,
        kind=kind,
        value=value,
        lease_expire_time=NOW + lease,
        sequence=sequence,
    )


class Bench:
    """A carrier with one device, and what it told control."""

    def __init__(
        self, path: Path, device: FakeDevice, clock: ManualClock, news: "asyncio.Queue[News]"
    ) -> None:
        self.path = path
        self.device = device
        self.clock = clock
        self.news = news
        self.events: list[SetpointEvent] = []
        self.reports: Reports
        self.carry: CarryCommands
        self.devices: FakeDevices
        self.arbiter: Arbiter

    async def next_report(self) -> CommandReport:
        async with within(5):
            while not isinstance(report := await self.news.get(), CommandReport):
                assert isinstance(report, SetpointEvent)
                self.events.append(report)
        return report

    async def states(self, count: int) -> list[tuple[str, CommandState]]:
        reports = [await self.next_report() for _ in range(count)]
        return [(report.command.segment, report.state) for report in reports]


@asynccontextmanager
async def bench(path: Path, device: FakeDevice, clock: ManualClock) -> AsyncIterator[Bench]:
    async with SpoolDatabase(path, JOURNAL_MIGRATIONS) as database, BackgroundTasks() as background:
        journal = SqliteCommandJournal(database)
        reports = Reports(journal, clock)
        with reports.listening() as news:
            made = Bench(path, device, clock, news)
            made.reports = reports
            made.devices = FakeDevices({BATTERY: device})
            made.arbiter = Arbiter()
            made.carry = CarryCommands(
                *(made.devices, journal, reports, clock, background),
                reread_seconds=30.0,
                arbiter=made.arbiter,
            )
            await made.carry.resume()
            yield made
