"""Scenarios in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from wattmesh_analytics.domain.operation import ScenarioRun
from wattmesh_kernel.errors import NotFound
from wattmesh_runtime.database import Database
from wattmesh_runtime.documents import DocumentCodec

_RUNS = DocumentCodec[ScenarioRun](ScenarioRun)
_LOST = "the process that ran it has ended"

_BEGIN = """
INSERT INTO scenarios (name, request_id, start_time, heartbeat, document)
VALUES (%s, %s, %s, clock_timestamp(), %s) ON CONFLICT DO NOTHING
"""
_SAVE = """
UPDATE scenarios SET document = %s, heartbeat = clock_timestamp() WHERE name = %s
RETURNING cancelled
"""
_SELECT = "SELECT document, heartbeat < clock_timestamp() - %(silent)s FROM scenarios"
_PAGE = f"""{_SELECT}
WHERE %(after)s = '' OR (start_time, name) < (
    SELECT start_time, name FROM scenarios WHERE name = %(after)s
)
ORDER BY start_time DESC, name DESC LIMIT %(size)s
"""


class PostgresScenarioStore:
    """ScenarioStore, in the table `scenarios`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, run: ScenarioRun) -> ScenarioRun:
        """Keep a new run; return the one kept before when its request id is known."""
        values = (run.name, run.request_id, run.start_time, _RUNS.to_json(run).decode())
        async with self._database.connection() as connection:
            if (await connection.execute(_BEGIN, values)).rowcount:
                return run
        return await self.get(run.name, timedelta(days=36500))

    async def save(self, run: ScenarioRun) -> bool:
        """Keep how far a run is, and say that it lives; False: somebody has cancelled it."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_SAVE, (_RUNS.to_json(run).decode(), run.name))
            row = await cursor.fetchone()
        return row is not None and not row[0]

    async def get(self, name: str, silent: timedelta) -> ScenarioRun:
        """Return a run; one that has been silent for too long has failed. Error: NotFound."""
        query = f"{_SELECT} WHERE name = %(name)s"
        async with self._database.connection() as connection:
            cursor = await connection.execute(query.encode(), {"name": name, "silent": silent})
            row = await cursor.fetchone()
        if row is None:
            raise _missing(name)
        return _run(row)

    async def page(self, after: str, size: int, silent: timedelta) -> Sequence[ScenarioRun]:
        """Return runs, newest first, beginning after the one of a name."""
        values = {"after": after, "size": size, "silent": silent}
        async with self._database.connection() as connection:
            rows = await (await connection.execute(_PAGE.encode(), values)).fetchall()
        return [_run(row) for row in rows]

    async def cancel(self, name: str) -> None:
        """Have a run end when it next says how far it is. Error: NotFound."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                "UPDATE scenarios SET cancelled = true WHERE name = %s", (name,)
            )
            if not cursor.rowcount:
                raise _missing(name)

    async def delete(self, name: str) -> None:
        """Forget a run."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM scenarios WHERE name = %s", (name,))


def _run(row: tuple[Any, ...]) -> ScenarioRun:
    document, silent = row
    run = _RUNS.from_document(document)
    return run.failed(_LOST) if silent and not run.done else run


def _missing(name: str) -> NotFound:
    return NotFound("OPERATION_NOT_FOUND", f"there is no {name}")
