"""Trainings in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from wattmesh_forecast.adapters.model_json import model_from_json, model_to_json
from wattmesh_forecast.domain.training import Training, TrainingOrder, TrainingState
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database

_COLUMNS = (
    "name, request_id, model, assets, range_start, range_end, start_time,"
    " state, stage, progress_ratio, error, result"
)
_BEGIN = f"""
INSERT INTO trainings ({_COLUMNS})
VALUES (%s, nullif(%s, ''), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (request_id) DO NOTHING
"""
_SAVE = """
UPDATE trainings SET state = %s, stage = %s, progress_ratio = %s, error = %s, result = %s
WHERE name = %s
"""
_FAIL = "UPDATE trainings SET state = 'failed', error = %s WHERE state = 'running'"
_BY_NAME = f"SELECT {_COLUMNS} FROM trainings WHERE name = %s"
_BY_REQUEST = f"SELECT {_COLUMNS} FROM trainings WHERE request_id = %s"
_DELETE = "DELETE FROM trainings WHERE name = %s"
_PAGE = f"""
SELECT {_COLUMNS} FROM trainings
WHERE %(after)s = '' OR (start_time, name) < (
    SELECT start_time, name FROM trainings WHERE name = %(after)s
)
ORDER BY start_time DESC, name DESC
LIMIT %(size)s
"""

Row = tuple[
    str,
    str | None,
    str,
    list[str],
    datetime,
    datetime,
    datetime,
    str,
    str,
    float,
    str,
    dict[str, Any] | None,
]


class PostgresTrainingStore:
    """Trainings in the table `trainings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, training: Training) -> Training:
        """Store a new training; return the one stored before when its request id is known."""
        order = training.order
        values = (
            training.name,
            order.request_id,
            order.model,
            [asset.name for asset in order.assets],
            order.range.start,
            order.range.end,
            training.start_time,
            *_state(training),
        )
        async with self._database.transaction() as connection:
            if (await connection.execute(_BEGIN, values)).rowcount:
                return training
            cursor = await connection.execute(_BY_REQUEST, (order.request_id,))
            row: Row | None = await cursor.fetchone()
        assert row is not None  # what the insert gave way to
        return _from_row(row)

    async def save(self, training: Training) -> None:
        """Store how far a training is."""
        async with self._database.transaction() as connection:
            await connection.execute(_SAVE, (*_state(training), training.name))

    async def get(self, name: str) -> Training:
        """Return a training; NotFound."""
        async with self._database.connection_for_caller() as connection:
            row: Row | None = await (await connection.execute(_BY_NAME, (name,))).fetchone()
        if row is None:
            raise NotFound("OPERATION_NOT_FOUND", f"there is no {name}")
        return _from_row(row)

    async def page(self, after: str, size: int) -> Sequence[Training]:
        """Return trainings, newest first, beginning after the one of a name."""
        async with self._database.connection_for_caller() as connection:
            if after and not (await connection.execute(_BY_NAME, (after,))).rowcount:
                raise InvalidArgument(
                    "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
                )
            values = {"after": after, "size": size}
            rows: list[Row] = await (await connection.execute(_PAGE, values)).fetchall()
        return [_from_row(row) for row in rows]

    async def delete(self, name: str) -> None:
        """Forget a training."""
        async with self._database.transaction() as connection:
            await connection.execute(_DELETE, (name,))

    async def fail_running(self, error: str) -> None:
        """Mark every running training as failed."""
        async with self._database.transaction() as connection:
            await connection.execute(_FAIL, (error,))


def _state(training: Training) -> tuple[str, str, float, str, Jsonb | None]:
    result = training.result
    return (
        training.state.value,
        training.stage,
        training.progress_ratio,
        training.error,
        Jsonb(model_to_json(result)) if result is not None else None,
    )


def _from_row(row: Row) -> Training:
    (name, request_id, model, assets, start, end, began, state, stage, ratio, error, result) = row
    return Training(
        name=name,
        order=TrainingOrder(
            model=model,
            assets=tuple(AssetId.parse(asset) for asset in assets),
            range=TimeRange(start, end),
            request_id=request_id or "",
        ),
        start_time=began,
        state=TrainingState(state),
        stage=stage,
        progress_ratio=ratio,
        error=error,
        result=model_from_json(result) if result is not None else None,
    )
