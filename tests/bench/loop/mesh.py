"""The real services, each a process of its own, on an embedded PostgreSQL."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_local.postgres import SUPERUSER, EmbeddedPostgres
from wattmesh_local.running.ports import free_targets
from wattmesh_local.running.process import ProcessEvent, ProcessSpec
from wattmesh_local.running.supervisor import Supervisor

SERVICES = ("metering", "forecast", "optimizer", "control", "planner")
"""Those that are measured, in the order in which they start."""
MODEL_HOST = "modelhost"
DATABASE = "database"
WITH_DATABASE = ("metering", "forecast", "control", "planner")
_NOBODY = "carbon"
"""A neighbour that the sites have no need of."""
_NEVER = timedelta(days=365)
_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "WATTMESH_GRACE_SECONDS": "2",
}
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


def standing_clock(moment: datetime) -> ScaledClock:
    """Return a clock that stands: for everything that comes before a run."""
    return ScaledClock(moment, datetime.now(UTC) + _NEVER, 1.0)


@contextmanager
def counting_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Give a PostgreSQL server that counts statements, with a role for each service."""
    with EmbeddedPostgres(folder) as server, _superuser(server.url()) as connection:
        connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        for name in WITH_DATABASE:
            role = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(role))
    with EmbeddedPostgres(folder, keep=False) as server:  # a library is loaded by a start alone
        yield server


def copy_database(server: EmbeddedPostgres, name: str, template: str) -> str:
    """Return the URL of a fresh copy of a database that nobody is connected to."""
    with _superuser(server.url()) as connection:
        for statement in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {} TEMPLATE {}"):
            names = (sql.Identifier(name), sql.Identifier(template))[: statement.count("{}")]
            connection.execute(sql.SQL(statement).format(*names))
    return server.url(name)


def _superuser(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What the processes of one run are told."""

    database_url: str
    clock: str
    resolution: timedelta
    lead: timedelta
    models: Path | None = None
    forecast_deadline_seconds: float | None = None


class LoopMesh:
    """Starts services and ends them with itself; `targets` says where each one answers."""

    def __init__(self, supervisor: Supervisor, run: Run, folder: Path) -> None:
        self._supervisor = supervisor
        self._run = run
        self._folder = folder
        names = (*SERVICES, MODEL_HOST, _NOBODY)
        self.targets = dict(zip(names, free_targets(len(names)), strict=True))

    async def start(self, *names: str) -> None:
        """Start services one after the other, in the order given."""
        for name in names:
            await self._supervisor.start([self._spec(name)])

    async def start_all(self) -> None:
        """Start every service, with a host for the models where there are any."""
        await self.start(*([MODEL_HOST] if self._run.models else []), *SERVICES)

    @property
    def pids(self) -> dict[str, int]:
        """The processes by name. Error: RuntimeError when one died or was started again."""
        found = dict[str, int]()
        for name, process in self._supervisor.processes.items():
            if process.pid is None or process.restarts:
                raise RuntimeError(f"{name} died:\n{process.log_end()}")
            found[name] = process.pid
        return found

    def _spec(self, name: str) -> ProcessSpec:
        settings = {
            "clock": self._run.clock,
            "listen_address": self.targets[name],
            **self._own(name),
        }
        kept = {each: os.environ[each] for each in _PASSED_ON if each in os.environ}
        told = {f"WATTMESH_{key.upper()}": value for key, value in settings.items()}
        return ProcessSpec(
            name=name,
            arguments=("-m", f"wattmesh_{name}"),
            environment={**kept, **_ENVIRONMENT, **told},
            target=self.targets[name],
        )

    def _own(self, name: str) -> dict[str, str]:
        reach = {f"{peer}_target": target for peer, target in self.targets.items()}
        models = {"models_directory": str(self._run.models or self._folder / "no-models")}
        match name:
            case "planner":
                return {**self._database(name), **reach, **self._rhythm()}
            case "forecast":
                server = {"model_server_target": self.targets[MODEL_HOST]}
                return {**self._database(name), **reach, **models, **server}
            case "metering" | "control":
                return {**self._database(name), **reach}
            case _:
                return models

    def _database(self, role: str) -> dict[str, str]:
        return {"database_url": self._run.database_url.replace(SUPERUSER, role, 1)}

    def _rhythm(self) -> dict[str, str]:
        told = {
            "plan_resolution": f"PT{self._run.resolution.total_seconds():.0f}S",
            "plan_horizon": "PT24H",
            "plan_lead": f"PT{self._run.lead.total_seconds():.0f}S",
        }
        if self._run.forecast_deadline_seconds is not None:
            told["forecast_deadline_seconds"] = str(self._run.forecast_deadline_seconds)
        return told


@asynccontextmanager
async def loop_mesh(run: Run, folder: Path) -> AsyncIterator[LoopMesh]:
    """Give a mesh whose processes end with the context."""
    async with Supervisor(folder / "logs", _tell) as supervisor:
        yield LoopMesh(supervisor, run, folder)


def clock_spec(clock: ScaledClock) -> str:
    """Return what processes are told, so that all of them compute the same time."""
    return format_clock_spec(clock)


def _tell(event: ProcessEvent) -> None:
    print(f"{event.name} {event.text}", file=sys.stderr)
