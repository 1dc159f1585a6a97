"""Arrays of numbers as PostgreSQL's binary `double precision[]`, without a step per number."""

import struct

import numpy as np
from psycopg import adapt, postgres
from psycopg.pq import Format

from wattmesh_forecast.domain.hours import Floats

_FLOAT8 = 701
"""Object id of the type `double precision`."""


class FloatArray:
    """An array of any shape that is written as it lies in memory.

    The format: number of axes, whether there are NULLs, the elements' type, length and lower bound
    of each axis, then each element with its length in bytes, all in network order.
    """

    def __init__(self, values: Floats) -> None:
        elements = np.empty(values.size, dtype=[("length", ">i4"), ("value", ">f8")])
        elements["length"] = 8
        elements["value"] = values.ravel()
        axes = b"".join(struct.pack(">ii", length, 1) for length in values.shape)
        self.binary = struct.pack(">iiI", values.ndim, 0, _FLOAT8) + axes + elements.tobytes()


class FloatArrayDumper(adapt.Dumper):
    """Hands the bytes on."""

    format = Format.BINARY
    oid = postgres.types["float8"].array_oid

    def dump(self, obj: FloatArray) -> bytes:
        """Return the array as it goes over the wire."""
        return obj.binary
