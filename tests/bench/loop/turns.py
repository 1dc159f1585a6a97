"""The turns of a run: one interval each, for every home, between two looks at the cost.

A turn on the run's clock, in parts of an interval that begins at H and is followed by T:

    H + 0.25   the turn begins: processor time and statements are read
    H + 0.28   the devices report: registers, and a fresh state of charge
    H + 0.40   the planner plans the interval that begins at T: its lead is 0.6 of an interval
    T          the plans' setpoints become commands, which the gateways apply and verify at once
    T + 0.25   the turn ends, and the next one begins
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import grpc

from tests.bench.loop.cost import ME, DatabaseWatch, Statement, cpu_seconds
from tests.bench.loop.counts import Counts, read_counts
from tests.bench.loop.gateway import NullGateway
from tests.bench.loop.homes import Home, Meters
from tests.bench.loop.mesh import DATABASE, LoopMesh
from tests.bench.loop.readings import send_readings
from wattmesh_kernel.clock import ScaledClock
from wattmesh_kernel.time import TimeRange

LEAD_RATIO = 0.6
_BEGIN_RATIO = 0.25
_REPORT_RATIO = 0.28

Key = TypeVar("Key")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What has been spent by a moment."""

    cpu_s: Mapping[str, float]
    statements: Mapping[str, int]
    statement_ms: Mapping[Statement, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What the measured turns took together."""

    turns: int
    cpu_s: Mapping[str, float]
    statements: Mapping[str, int]
    statement_ms: Mapping[Statement, float]
    wall_s: float
    counts: Counts


class Turns:
    """Lets the devices of all homes report, and looks at the cost."""

    def __init__(
        self,
        *,
        clock: ScaledClock,
        start: datetime,
        resolution: timedelta,
        homes: Sequence[Home],
        meters: Meters,
        mesh: LoopMesh,
        database: DatabaseWatch,
        database_pid: int,
    ) -> None:
        self._clock = clock
        self._start = start
        self._resolution = resolution
        self._homes = homes
        self._meters = meters
        self._mesh = mesh
        self._database = database
        self._database_pid = database_pid

    async def run(self, turns: int) -> Spent:
        """Return what `turns` turns took, after one that does not count."""
        mesh = self._mesh
        async with AsyncExitStack() as stack:
            metering, planner, control = [
                await stack.enter_async_context(mesh.channel(name))
                for name in ("metering", "planner", "control")
            ]
            for gateway in sorted({home.gateway for home in self._homes}):
                own = await stack.enter_async_context(mesh.channel("control", gateway))
                await stack.enter_async_context(NullGateway(own, gateway))
            await self._turn(metering, 0)
            await self._clock.sleep_until(self._begin(1))
            before, began = await self._look(), time.monotonic()
            for turn in range(1, turns + 1):
                await self._turn(metering, turn)
            await self._clock.sleep_until(self._begin(turns + 1))
            after, ended = await self._look(), time.monotonic()
            first = self._start + 2 * self._resolution
            span = TimeRange(first, first + turns * self._resolution)
            return Spent(
                turns=turns,
                cpu_s=_difference(before.cpu_s, after.cpu_s),
                statements=_difference(before.statements, after.statements),
                statement_ms=_difference(before.statement_ms, after.statement_ms),
                wall_s=ended - began,
                counts=await read_counts(planner, control, span),
            )

    def _begin(self, turn: int) -> datetime:
        return self._start + (turn + _BEGIN_RATIO) * self._resolution

    async def _turn(self, metering: grpc.aio.Channel, turn: int) -> None:
        """Have every device report what it shows at the last quarter hour."""
        begun = self._start + turn * self._resolution
        await self._clock.sleep_until(begun + _REPORT_RATIO * self._resolution)
        values = self._meters.values(self._homes, [begun])
        async with asyncio.timeout(600):
            await send_readings(metering, "bench/live", self._homes, [begun], values)

    async def _look(self) -> Look:
        pids = {**self._mesh.pids, DATABASE: self._database_pid, ME: self._database.pid}
        cpu_s = cpu_seconds(pids)
        cpu_s[DATABASE] -= cpu_s.pop(ME)
        return Look(
            cpu_s=cpu_s,
            statements=await self._database.statements(),
            statement_ms=await self._database.statement_costs(),
        )


def _difference(before: Mapping[Key, Number], after: Mapping[Key, Number]) -> dict[Key, Number]:
    return {name: value - before.get(name, 0) for name, value in after.items()}
