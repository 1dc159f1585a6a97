"""The probe service as a process of its own, through the runtime's `run_service`.

An answer takes as many seconds as its request says: "0.5" is answered after half a second.
Asked for "count", it asks the database, when it has one; "hold" takes a connection for a minute.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

from tests.fakes.probe_service import NAME, Answer, ProbeService
from wattmesh_runtime.database import Database
from wattmesh_runtime.postgres_leases import PostgresLeases
from wattmesh_runtime.readiness import Dependency
from wattmesh_runtime.service import Runtime, Service, run_service
from wattmesh_runtime.settings import ServiceSettings


class ProbeSettings(ServiceSettings):
    """What the probe can be told."""

    task_fails: bool = False
    task_ends_by_nobody: bool = False
    slow_start_seconds: float = 0
    database_url: str = ""
    peer_target: str = ""
    helper_target: str = ""
    tenacious: bool = False
    """A loop beside serving blocks the event loop for minutes when it is to end."""


async def answer_after(seconds: str) -> str:
    await asyncio.sleep(float(seconds))
    return seconds


async def ask(database: Database, what: str) -> str:
    async with database.connection() as connection:
        statement = "SELECT pg_sleep(60)" if what == "hold" else "SELECT 1"
        await connection.execute(statement)
    return what


@contextlib.asynccontextmanager
async def opened(settings: ProbeSettings) -> AsyncIterator[tuple[Answer, tuple[Dependency, ...]]]:
    """Give what answers, and what it depends on, with a database or without."""
    if not settings.database_url:
        yield answer_after, ()
        return
    async with (
        Database(settings.database_url, "probe", max_size=2) as database,
        PostgresLeases(settings.database_url, "probe") as leases,
    ):
        yield partial(ask, database), (database.dependency, leases.dependency)


def peers(settings: ProbeSettings, runtime: Runtime) -> Iterator[Dependency]:
    if settings.peer_target:
        yield runtime.peer("peer", settings.peer_target)
    if settings.helper_target:
        yield runtime.peer("helper", settings.helper_target, without="nobody helps")


@contextlib.asynccontextmanager
async def wire(settings: ProbeSettings, runtime: Runtime) -> AsyncIterator[Service]:
    async def work() -> None:
        if settings.task_fails:
            raise ValueError("the task has failed")
        if settings.task_ends_by_nobody:
            raise asyncio.CancelledError
        try:
            await asyncio.Event().wait()
        finally:
            if settings.tenacious:
                time.sleep(600)  # noqa: ASYNC251 (a library that blocks does this)

    print("wiring begins", file=sys.stderr, flush=True)
    await asyncio.sleep(settings.slow_start_seconds)
    try:
        async with opened(settings) as (answer, needs):
            yield Service(
                name="probe",
                register=(ProbeService(answer).register,),
                service_names=(NAME,),
                dependencies=(*needs, *peers(settings, runtime)),
                tasks=(work,),
            )
    finally:
        print("wiring closed", file=sys.stderr)


if __name__ == "__main__":
    run_service(ProbeSettings, wire)
