"""The real services, each a process of its own, on an embedded PostgreSQL."""

import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import psycopg
from psycopg import sql

from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_kernel.ids import GatewayId
from wattmesh_local.identities.folder import (
    caller_settings,
    gateway_subject,
    issue,
    person_subject,
    service_subjects,
    tls_settings,
)
from wattmesh_local.postgres import SUPERUSER, EmbeddedPostgres
from wattmesh_local.postgres_places import PostgresPlaces
from wattmesh_local.running.job import run_job
from wattmesh_local.running.ports import free_targets
from wattmesh_local.running.process import ProcessEvent, ProcessSpec
from wattmesh_local.running.supervisor import Supervisor
from wattmesh_runtime.tls import certificates, channel_credentials

SERVICES = ("metering", "forecast", "optimizer", "control", "planner")
"""Those that are measured, in the order in which they start."""
MODEL_HOST = "modelhost"
BENCH = "bench"
"""Who registers, sends readings and asks, and in whose name."""
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
_CHANNEL_OPTIONS = (("grpc.enable_http_proxy", 0),)
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


def standing_clock(moment: datetime) -> ScaledClock:
    """Return a clock that stands: for everything that comes before a run."""
    return ScaledClock(moment, datetime.now(UTC) + _NEVER, 1.0)


def open_channel(target: str, identity: Path | None = None) -> grpc.aio.Channel:
    """Return a channel to a service on loopback, with the certificate in a folder if there is."""
    if identity is None:
        return grpc.aio.insecure_channel(target, options=_CHANNEL_OPTIONS)
    files = certificates(caller_settings(identity))
    assert files is not None, "an identity is certificates"
    credentials = channel_credentials(files.value)
    return grpc.aio.secure_channel(target, credentials, options=_CHANNEL_OPTIONS)


@contextmanager
def counting_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Give a PostgreSQL server that counts statements, with a role for each service."""
    PostgresPlaces(folder).remove()  # what a run that was killed has left
    with EmbeddedPostgres(folder) as server, _superuser(server.url()) as connection:
        connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        connection.execute("ALTER SYSTEM SET pg_stat_statements.track_planning = on")
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
    resolution: timedelta
    lead: timedelta
    models: Path | None = None
    identities: Path | None = None
    """Where each process finds its certificate (`issued`); None: all speak plaintext."""


def issued(folder: Path, gateways: Iterable[str]) -> Path:
    """Issue identities of the services, the gateways, and of the bench itself; return where."""
    subjects = {**service_subjects(), BENCH: person_subject(BENCH, "engineer")}
    issue(
        folder,
        subjects
        | {
            name.replace("/", "-"): gateway_subject(GatewayId.parse(name).segment)
            for name in gateways
        },
    )
    return folder


class LoopMesh:
    """Starts services and ends them with itself; `targets` says where each one answers."""

    def __init__(self, supervisor: Supervisor, run: Run, folder: Path) -> None:
        self._supervisor = supervisor
        self._run = run
        self._folder = folder
        names = (*SERVICES, MODEL_HOST, _NOBODY)
        self.targets = dict(zip(names, free_targets(len(names)), strict=True))

    def channel(self, service: str, caller: str = BENCH) -> grpc.aio.Channel:
        """Return a channel to a service, of the bench or of a gateway."""
        folder = self._run.identities
        identity = None if folder is None else folder / caller.replace("/", "-")
        return open_channel(self.targets[service], identity)

    async def start(self, names: Sequence[str], clock: ScaledClock) -> None:
        """Start services one after the other, on a clock that all of them share."""
        for name in names:
            await self._supervisor.start([self._spec(name, clock)])

    @property
    def pids(self) -> dict[str, int]:
        """The processes by name. Error: RuntimeError when one died or was started again."""
        found = dict[str, int]()
        for name, process in self._supervisor.processes.items():
            if process.pid is None or process.restarts:
                raise RuntimeError(f"{name} died:\n{process.log_end()}")
            found[name] = process.pid
        return found

    async def train(self, model: str, assets: Sequence[str], until: datetime) -> None:
        """Train a forecast model on what is metered, unless the folder has the same already."""
        job = ("-m", "wattmesh_forecast.train", model, "--end", until.isoformat(), "--assets")
        name = f"train-{model}"
        metering = {"metering_target": self.targets["metering"], **self._shown("forecast")}
        settings = {**self._models(), **metering}
        log_file = self._folder / "logs" / f"{name}.log"
        await run_job(name, (*job, *assets), _environment(settings), log_file)

    def _spec(self, name: str, clock: ScaledClock) -> ProcessSpec:
        settings = {"clock": format_clock_spec(clock), "listen_address": self.targets[name]}
        folder = self._run.identities
        return ProcessSpec(
            name=name,
            arguments=("-m", f"wattmesh_{name}"),
            environment=_environment({**settings, **self._own(name), **self._shown(name)}),
            target=self.targets[name],
            identity=None if folder is None else folder / BENCH,
        )

    def _shown(self, name: str) -> dict[str, str]:
        folder = self._run.identities
        return {} if folder is None else tls_settings(folder / name)

    def _own(self, name: str) -> dict[str, str]:
        reach = {f"{peer}_target": target for peer, target in self.targets.items()}
        match name:
            case "planner":
                return {**self._database(name), **reach, **self._rhythm()}
            case "forecast":
                server = {"model_server_target": self.targets[MODEL_HOST]}
                return {**self._database(name), **reach, **self._models(), **server}
            case "metering" | "control":
                return {**self._database(name), **reach}
            case _:
                return self._models()

    def _models(self) -> dict[str, str]:
        return {"models_directory": str(self._run.models or self._folder / "no-models")}

    def _database(self, role: str) -> dict[str, str]:
        return {"database_url": self._run.database_url.replace(SUPERUSER, role, 1)}

    def _rhythm(self) -> dict[str, str]:
        return {
            "plan_resolution": f"PT{self._run.resolution.total_seconds():.0f}S",
            "plan_horizon": "PT24H",
            "plan_lead": f"PT{self._run.lead.total_seconds():.0f}S",
        }


@asynccontextmanager
async def loop_mesh(run: Run, folder: Path) -> AsyncIterator[LoopMesh]:
    """Give a mesh whose processes end with the context."""
    async with Supervisor(folder / "logs", _tell) as supervisor:
        yield LoopMesh(supervisor, run, folder)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with these settings and as little of ours as possible."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    told = {f"WATTMESH_{name.upper()}": value for name, value in settings.items()}
    return {**kept, **_ENVIRONMENT, **told}


def _tell(event: ProcessEvent) -> None:
    print(f"{event.name} {event.text}", file=sys.stderr)
