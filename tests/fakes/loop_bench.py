"""Loops, commands and the arbiter between them, with fake devices and a journal on disk."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tests.fakes.eventually import eventually
from tests.fakes.loop_site import METER, shows
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice, FakeDevices
from wattmesh_gateway.adapters.command_journal import SqliteCommandJournal
from wattmesh_gateway.adapters.loop_policies import SqliteLoopPolicies
from wattmesh_gateway.adapters.spool_database import JOURNAL_MIGRATIONS, SpoolDatabase
from wattmesh_gateway.app.arbiter import Arbiter
from wattmesh_gateway.app.carry_commands import CarryCommands
from wattmesh_gateway.app.loop.run_loops import RunLoops
from wattmesh_gateway.app.reports import News, Reports
from wattmesh_gateway.domain.command import Command, CommandReport, SetpointEvent, SetpointMoves
from wattmesh_gateway.domain.loop_event import LoopEvent, LoopEventType
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.loop_policy import LoopPolicy, LoopPolicySet
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_runtime.aio.tasks import BackgroundTasks

POWER = SetpointKind.ACTIVE_POWER_W


class LoopBench:
    """A gateway's loops and commands, and all that they told control."""

    def __init__(
        self,
        devices: Mapping[DeviceId, FakeDevice],
        clock: ManualClock,
        news: "asyncio.Queue[News]",
        carry: CarryCommands,
        loops: RunLoops,
        policies: SqliteLoopPolicies,
        found: FakeDevices,
    ) -> None:
        self.devices = devices
        self.found = found
        self.clock = clock
        self.carry = carry
        self.loops = loops
        self.policies = policies
        self._news = news
        self._told: list[News] = []
        self._sequence = 0

    async def run_by(self, *policies: LoopPolicy) -> None:
        """Have control say what loops may do."""
        await self.loops.take(LoopPolicySet(issue_time=self.clock.now(), policies=policies))

    def say(self, power_w: float, meter: DeviceId = METER) -> None:
        """Have a meter say what it measures a millisecond later."""
        self.clock.advance(timedelta(milliseconds=1))
        self.loops.hear([shows(power_w, self.clock.now(), meter)])

    async def loaded_until(self, load_w: float, device: DeviceId, so: Callable[[], bool]) -> None:
        """Have the meter show a load and a device, every 5 s of the clock, until it is so."""

        def say() -> bool:
            self.clock.advance(timedelta(seconds=5))
            self.say(load_w + self.held(device))
            return so()

        await eventually(say)

    async def command(
        self,
        device: DeviceId,
        value: float,
        lease: timedelta = timedelta(hours=1),
        owner: str = "",
    ) -> Command:
        """Have control command a device."""
        self._sequence += 1
        command = Command(
            id=CommandId(f"c{self._sequence}"),
            device=device,
            kind=POWER,
            value=value,
            lease_expire_time=self.clock.now() + lease,
            sequence=self._sequence,
            owner=owner,
        )
        await self.carry.dispatch(command)
        return command

    def held(self, device: DeviceId, kind: SetpointKind = POWER) -> float:
        """Return what a device holds; 0 in its safe state."""
        return self.devices[device].held.get(kind, 0.0)

    async def holds(self, device: DeviceId, value: float) -> None:
        """Wait until a device holds a value."""
        await eventually(lambda: self.held(device) == value)

    async def forgotten(self) -> bool:
        """Return whether no policy is kept any more."""
        return not await self.policies.all()

    @property
    def reports(self) -> list[CommandReport]:
        return [each for each in self._all() if isinstance(each, CommandReport)]

    @property
    def setpoint_events(self) -> list[SetpointEvent]:
        return [each for each in self._all() if isinstance(each, SetpointEvent)]

    @property
    def moves(self) -> list[SetpointMoves]:
        return [each for each in self._all() if isinstance(each, SetpointMoves)]

    @property
    def events(self) -> list[LoopEventType]:
        return [each.type for each in self._all() if isinstance(each, LoopEvent)]

    def _all(self) -> list[News]:
        while not self._news.empty():
            self._told.append(self._news.get_nowait())
        return self._told


@asynccontextmanager
async def loop_bench(
    path: Path, devices: Mapping[DeviceId, FakeDevice], clock: ManualClock
) -> AsyncIterator[LoopBench]:
    async with (
        SpoolDatabase(path, JOURNAL_MIGRATIONS) as database,
        BackgroundTasks() as background,
    ):
        journal = SqliteCommandJournal(database)
        policies = SqliteLoopPolicies(database)
        reports, arbiter = Reports(journal, clock), Arbiter()
        found = FakeDevices(dict(devices))
        with reports.listening() as news:
            carry = CarryCommands(
                *(found, journal, reports, clock, background), reread_seconds=30.0, arbiter=arbiter
            )
            loops = RunLoops(
                *(policies, arbiter, found, reports, clock, clock, background), tick_seconds=0.02
            )
            await carry.resume()
            await loops.resume()
            yield LoopBench(devices, clock, news, carry, loops, policies, found)
