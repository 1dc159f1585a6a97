"""The embedded PostgreSQL in the hands of the supervisor: killed, hanging, ended."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg

from tests.fakes.eventually import within
from tests.fakes.stoppable_postgres import family, standing_still
from tests.fakes.stopwatch import Stopwatch
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.running.database import DATABASE, database_process
from wattmesh_local.running.process import SupervisedProcess
from wattmesh_local.running.supervisor import Supervisor


def there(pid: int) -> bool:
    """Whether a process is there, and more than the memory of one."""
    return Path(f"/proc/{pid}/exe").exists()


@asynccontextmanager
async def supervised(folder: Path) -> AsyncIterator[tuple[EmbeddedPostgres, SupervisedProcess]]:
    server = EmbeddedPostgres(folder / "postgres")
    async with Supervisor(folder / "logs", lambda event: None) as supervisor:
        await supervisor.start([database_process(server.prepare())])
        yield server, supervisor.processes[DATABASE]
    server.clear()


async def restarted(process: SupervisedProcess, after: int) -> None:
    async with within(20):
        while process.pid in (None, after):
            await asyncio.sleep(0.02)
    await process.ready()


async def test_a_killed_database_comes_back_at_the_same_place_with_what_was_committed(
    tmp_path: Path,
) -> None:
    async with supervised(tmp_path) as (server, process):
        url = server.create_database("mesh")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            first = process.pid
            assert first is not None
            with Stopwatch() as watch:
                os.kill(first, signal.SIGKILL)
                await restarted(process, first)
            assert watch.seconds < 10
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


async def test_children_that_a_killed_database_left_do_not_keep_it_from_starting(
    tmp_path: Path,
) -> None:
    """One that stands still holds the shared memory for ever."""
    async with supervised(tmp_path) as (_, process):
        first = process.pid
        assert first is not None
        children = family(first)[1:]
        assert children
        for child in children:
            with suppress(ProcessLookupError):  # some come and go by themselves
                os.kill(child, signal.SIGSTOP)

        os.kill(first, signal.SIGKILL)
        await restarted(process, first)

        assert not any(map(there, children))


async def test_a_database_that_stands_still_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with supervised(tmp_path) as (_, process):
        pid = process.pid
        assert pid is not None
        pids = family(pid)
        with Stopwatch() as watch, standing_still(pid):
            await process.stop(patience_seconds=1)
            assert watch.seconds < 6
            assert not any(map(there, pids))
