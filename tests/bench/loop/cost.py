"""What a run costs: processor time of processes, statements and connections of the database."""

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import psycopg

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)  # proc_pid_stat(5): ppid; utime, stime, cutime, cstime
_SAMPLE_SECONDS = 1.0
Statement: TypeAlias = tuple[str, str]
"""A role and the text of what it had executed."""
ME = "bench"
"""Application name of the bench's own connections, which do not count."""


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the processor time of processes with everything that they started [s].

    What has ended is in the sum of the one that waited for it.
    """
    seconds, children = dict[int, float](), defaultdict[int, list[int]](list)
    for pid, fields in _processes():
        children[int(fields[_PARENT])].append(pid)
        seconds[pid] = sum(int(each) for each in fields[_TIMES]) / _TICKS_PER_SECOND

    def whole(pid: int) -> float:
        return seconds.get(pid, 0.0) + sum(whole(child) for child in children[pid])

    return {name: whole(pid) for name, pid in pids.items()}


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Yield every process with the fields of its /proc/PID/stat from the third on."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                text = (folder / "stat").read_text()
                yield int(folder.name), text.rpartition(")")[2].split()


class DatabaseWatch:
    """Counts statements by role, and the most connections that a role ever had.

    Each service comes with a role of its own, so that PostgreSQL itself tells them apart.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.connections: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        self._connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, application_name=ME
        )
        await self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self._lock = asyncio.Lock()
        self._sampling = asyncio.create_task(self._sample(), name="sample connections")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sampling.cancel()
        await asyncio.gather(self._sampling, return_exceptions=True)
        await self._connection.close()

    @property
    def pid(self) -> int:
        """The process of the server that answers the watch itself."""
        return self._connection.info.backend_pid

    async def statements(self) -> Mapping[str, int]:
        """Return how many statements each role has had executed, BEGIN and COMMIT among them."""
        return await self._by_role(
            "SELECT rolname, sum(calls)::bigint FROM pg_stat_statements(false)"
            " JOIN pg_roles ON pg_roles.oid = userid JOIN pg_database ON pg_database.oid = dbid"
            " WHERE datname = current_database() AND toplevel AND rolname <> current_user"
            " GROUP BY rolname"
        )

    async def statement_costs(self) -> Mapping[Statement, float]:
        """Return how long PostgreSQL has planned and executed each statement of each role [ms].

        Parsing and the way to the client are not in it.
        """
        async with self._lock:
            cursor = await self._connection.execute(
                "SELECT rolname, query, sum(total_exec_time + total_plan_time)"
                " FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid"
                " JOIN pg_database ON pg_database.oid = dbid"
                " WHERE datname = current_database() AND rolname <> current_user"
                " GROUP BY rolname, query"
            )
            rows = await cursor.fetchall()
        return {(role, " ".join(query.split())): milliseconds for role, query, milliseconds in rows}

    async def _sample(self) -> None:
        while True:
            now = await self._by_role(
                "SELECT usename, count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename <> current_user GROUP BY usename"
            )
            for role, count in now.items():
                self.connections[role] = max(count, self.connections.get(role, 0))
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def _by_role(self, query: str) -> dict[str, int]:
        async with self._lock:
            cursor = await self._connection.execute(query.encode())
            return dict(await cursor.fetchall())
