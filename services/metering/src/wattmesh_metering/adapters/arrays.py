"""Numpy columns as parameters of statements, in PostgreSQL's binary format of arrays.

A list goes through the driver element by element, at microseconds each; a column goes at once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection, AsyncCursor
from psycopg.adapt import Dumper
from psycopg.pq import Format

from wattmesh_metering.adapters.columns import POSTGRES_EPOCH_US
from wattmesh_metering.domain.readings import Ints


class IntArray:
    """An `integer[]` parameter."""

    def __init__(self, values: Ints) -> None:
        self.values = values


class TimeArray:
    """A `timestamptz[]` parameter, of microseconds since 1970."""

    def __init__(self, times_us: Ints) -> None:
        self.times_us = times_us


class _IntArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1007

    def dump(self, obj: IntArray) -> bytes:
        return _array(obj.values, 23, ">i4")


class _TimeArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1185

    def dump(self, obj: TimeArray) -> bytes:
        return _array(obj.times_us - POSTGRES_EPOCH_US, 1184, ">i8")


def cursor_for_arrays(connection: AsyncConnection) -> AsyncCursor[Any]:
    """Return a cursor with binary results that takes arrays as parameters."""
    cursor = connection.cursor(binary=True)
    cursor.adapters.register_dumper(IntArray, _IntArrayDumper)
    cursor.adapters.register_dumper(TimeArray, _TimeArrayDumper)
    return cursor


def _array(values: Ints, element: int, kind: str) -> bytes:
    """Return one dimension: its head (dimensions, nulls, type, size, first index), then each."""
    elements: NDArray[np.void] = np.empty(len(values), [("size", ">i4"), ("value", kind)])
    elements["size"] = np.dtype(kind).itemsize
    elements["value"] = values
    head = np.array([1, 0, element, len(values), 1], ">i4")
    return head.tobytes() + elements.tobytes()
