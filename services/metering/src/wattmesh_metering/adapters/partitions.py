"""Partitions of readings by the quarter of the year: made as readings need them, and without gauges
once these are too old (migration 0010).
"""

from datetime import datetime

import numpy as np

from wattmesh_metering.adapters.arrays import TimeArray, cursor_for_arrays
from wattmesh_metering.domain.readings import Ints
from wattmesh_runtime.database import Database

_OPEN = "SELECT open_partitions(%s)"
_NO_LIMIT = "SET LOCAL statement_timeout = 0"
_FORGET = "SELECT forget_gauges(%s, %s)"


class OpenPartitions:
    """Remembers which partitions are there, and has those made that are not.

    That is a transaction of its own: what makes a partition and is undone would undo it too.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: set[int] = set()

    def known(self, times_us: Ints) -> None:
        """Take note that somebody else has opened those of these times."""
        self._open.update(_first_months(times_us).tolist())

    async def open(self, times_us: Ints) -> None:
        """Have partitions for readings of these times [us since 1970]. Error: Unavailable."""
        months = _first_months(np.array([times_us.min(), times_us.max()]))
        if months[0] != months[1]:
            months = np.unique(_first_months(times_us))
        if self._open.issuperset(months.tolist()):
            return
        begins: Ints = months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
        async with self._database.transaction() as connection:
            await cursor_for_arrays(connection).execute(_OPEN, (TimeArray(begins),))
        self._open.update(months.tolist())


def _first_months(times_us: Ints) -> Ints:
    """Return the first months of the quarters of these times [since 1970]."""
    months: Ints = times_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    return months // 3 * 3


class PostgresRetention:
    """Forgets gauges, a partition at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_gauges(self, before: datetime, now: datetime) -> bool:
        """Forget those of one partition that ended before a time; False: there is none.

        Error: Unavailable, also when others did not let go of the partition in time.
        """
        async with self._database.transaction() as connection:
            await connection.execute(_NO_LIMIT)
            found = await (await connection.execute(_FORGET, (before, now))).fetchone()
        return found == (True,)
