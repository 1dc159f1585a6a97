"""One size: its homes made known once, then a run for every resolution on a copy of that."""

import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.loop.cost import DatabaseWatch
from tests.bench.loop.homes import Home, Meters
from tests.bench.loop.mesh import (
    MODEL_HOST,
    SERVICES,
    LoopMesh,
    Run,
    copy_database,
    counting_postgres,
    issued,
    loop_mesh,
    standing_clock,
)
from tests.bench.loop.readings import send_readings
from tests.bench.loop.registration import register_homes
from tests.bench.loop.turns import LEAD_RATIO, Spent, Turns
from wattmesh_kernel.clock import ScaledClock
from wattmesh_local.postgres import EmbeddedPostgres

START = datetime(2024, 5, 6, 8, tzinfo=UTC)
"""A Monday morning: the sun rises while the runs go on."""
_HOMES_AT_ONCE = 100
_TRAINED = 10
"""Homes that a model is trained on: the same ones for every size, so that it is trained once."""
_PATIENCE = timedelta(seconds=40)
"""How long services may take to start, at first; twice as long after each try that failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """How many homes, and how they are measured; `wall_s` is how long an interval takes."""

    homes: Sequence[Home]
    resolutions: Sequence[timedelta]
    turns: int
    wall_s: float
    folder: Path
    models: Path | None = None
    identities: bool = False
    patience: timedelta = _PATIENCE


class _TooLateError(Exception):
    """The services took longer to start than the clock stood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What came of one run."""

    homes: int
    resolution: timedelta
    forecast: str
    """The source that all forecasts should have: model or seasonal."""
    spent: Spent
    connections: dict[str, int]


async def measure(scenario: Scenario) -> AsyncIterator[Measured]:
    """Yield what came of the run of every resolution."""
    scenario.folder.mkdir(parents=True, exist_ok=True)
    with counting_postgres(scenario.folder / "postgres") as server:
        meters = Meters(START)
        await _prepare(scenario, meters, server.create_database("prepared"))
        for resolution in scenario.resolutions:
            yield await _measure_patiently(scenario, meters, resolution, server)


async def _prepare(scenario: Scenario, meters: Meters, url: str) -> None:
    """Make the homes known to metering, with their history, while the clock stands."""
    hour = timedelta(hours=1)
    run = Run(
        database_url=url,
        resolution=hour,
        lead=hour,
        models=scenario.models,
        identities=_identities(scenario),
    )
    async with loop_mesh(run, scenario.folder) as mesh:
        await mesh.start(["metering"], standing_clock(START))
        async with mesh.channel("metering") as channel:
            _say(scenario, "registering")
            await register_homes(channel, scenario.homes)
            _say(scenario, "sending their history")
            for first in range(0, len(scenario.homes), _HOMES_AT_ONCE):
                homes, times = scenario.homes[first : first + _HOMES_AT_ONCE], meters.history(START)
                values, source = meters.values(homes, times), f"bench/history-{first}"
                await send_readings(channel, source, homes, times, values)
        if scenario.models:
            for asset in ("load", "pv"):  # the models have the names of what they forecast
                trained = [f"{home.site}/assets/{asset}" for home in scenario.homes[:_TRAINED]]
                await mesh.train(asset, trained, START)


def _identities(scenario: Scenario) -> Path | None:
    if not scenario.identities:
        return None
    gateways = sorted({home.gateway for home in scenario.homes})
    return issued(scenario.folder / "identities", gateways)


async def _measure_patiently(
    scenario: Scenario, meters: Meters, resolution: timedelta, server: EmbeddedPostgres
) -> Measured:
    """Measure; on a busy machine begin again with more time for the services to start."""
    patience = scenario.patience
    while True:
        try:
            return await _measure(scenario, meters, resolution, server, patience)
        except _TooLateError:
            patience *= 2


async def _measure(
    scenario: Scenario,
    meters: Meters,
    resolution: timedelta,
    server: EmbeddedPostgres,
    patience: timedelta,
) -> Measured:
    url = copy_database(server, f"run_{resolution // timedelta(minutes=1)}", "prepared")
    run = Run(
        database_url=url,
        resolution=resolution,
        lead=LEAD_RATIO * resolution,
        models=scenario.models,
        identities=_identities(scenario),
    )
    async with DatabaseWatch(url) as database, loop_mesh(run, scenario.folder) as mesh:
        _say(scenario, f"starting the services, intervals of {resolution}")
        clock = await _start(scenario, mesh, resolution, patience)
        assert server.pid is not None
        turns = Turns(
            clock=clock,
            start=START,
            resolution=resolution,
            homes=scenario.homes,
            meters=meters,
            mesh=mesh,
            database=database,
            database_pid=server.pid,
        )
        spent = await turns.run(scenario.turns)
    return Measured(
        homes=len(scenario.homes),
        resolution=resolution,
        forecast="model" if scenario.models else "seasonal",
        spent=spent,
        connections=database.connections,
    )


async def _start(
    scenario: Scenario, mesh: LoopMesh, resolution: timedelta, patience: timedelta
) -> ScaledClock:
    """Start everything and return the clock of the run, which stands for `patience`.

    Error: _TooLateError when the clock went on before all were there.
    """
    if scenario.models:  # takes as long as TensorFlow takes to load
        await mesh.start([MODEL_HOST], standing_clock(START))
    rate = resolution.total_seconds() / scenario.wall_s
    clock = ScaledClock(START, datetime.now(UTC) + patience, rate)
    await mesh.start(SERVICES, clock)
    if clock.now() > START:
        raise _TooLateError
    return clock


def _say(scenario: Scenario, what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {len(scenario.homes)} homes: {what}", file=sys.stderr)
