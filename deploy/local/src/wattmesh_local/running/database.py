"""The embedded PostgreSQL as a process that is kept alive like every other."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import psycopg

from wattmesh_local.postgres import PreparedServer
from wattmesh_local.postgres_leftovers import end_leftovers
from wattmesh_local.running.process import ProcessSpec

DATABASE = "postgres"
_ANSWER_SECONDS = 2.0


def database_process(server: PreparedServer) -> ProcessSpec:
    """Return a server's process; a killed one recovers on the same data, at the same place."""
    program, *arguments = server.command
    return ProcessSpec(
        name=DATABASE,
        program=program,
        arguments=tuple(arguments),
        environment=dict(os.environ),
        target=server.url,
        grpc=False,
        user=server.user,
        folder=Path("/"),
        stop_signal=signal.SIGINT,
        answers=partial(database_answers, server.url),
        clear=partial(end_leftovers, server.data),
    )


async def database_answers(url: str) -> bool:
    """Return whether a database takes connections."""
    return await database_fault(url) is None


async def database_fault(url: str) -> str | None:
    """Return why a database takes no connections; None: it does."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            connection = await psycopg.AsyncConnection.connect(url)
    except TimeoutError:
        return f"no answer within {_ANSWER_SECONDS:g} s"
    except psycopg.OperationalError as error:
        lines = str(error).strip().splitlines() or [repr(error)]
        return lines[0].rpartition("failed: ")[2].strip()
    await connection.close()
    return None
