"""Readings: as they come in, as they are kept, and why some are refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.checks import require
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.quantities import QUANTITIES, Quality, Quantity
from wattmesh_kernel.time import EPOCH

MAX_BATCH_ROWS = 10_000
"""Most readings of a batch."""

QUALITY_CODES: MappingProxyType[Quality, int] = MappingProxyType(
    {Quality.MEASURED: 1, Quality.ESTIMATED: 2, Quality.SUBSTITUTED: 3}
)
"""How a quality is written in a column; 0 is none."""

QUALITIES: MappingProxyType[int, Quality] = MappingProxyType(
    {code: quality for quality, code in QUALITY_CODES.items()}
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def to_microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_microseconds(microseconds: int) -> datetime:
    """Return the UTC time of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


class Fate(IntEnum):
    """What becomes of a reading that is not refused."""

    STORED = 0
    DUPLICATE = 1
    """The same value is kept already."""
    REVISED = 2
    """Another value for a point and time that are kept: it stands from now on."""


class RejectionReason(Enum):
    """Why a reading was refused."""

    UNKNOWN_POINT = "unknown_point"
    INVALID_VALUE = "invalid_value"
    INVALID_TIME = "invalid_time"
    MALFORMED = "malformed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """A reading that was refused: where it stood in which batch, and what it said, if it could."""

    sequence: int
    row: int
    reason: RejectionReason
    message: str
    point: str = ""
    time_us: int | None = None
    value: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredPoint:
    """A point that readings may name; `key` is the number under which they are kept."""

    key: int
    id: PointId

    def __post_init__(self) -> None:
        require(self.key > 0, "INVALID_KEY", "a key is positive", "key")

    @property
    def quantity(self) -> Quantity:
        """What the point measures."""
        return QUANTITIES[self.id.segment]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One reading."""

    point: PointId
    measure_time: datetime
    value: float
    quality: Quality


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Newest:
    """The newest reading of each point that has one, in columns."""

    points: Sequence[RegisteredPoint]
    times_us: Ints
    values: Floats
    qualities: Ints

    def readings(self) -> list[Reading]:
        """Return them one by one."""
        columns = (self.times_us.tolist(), self.values.tolist(), self.qualities.tolist())
        return [
            Reading(
                point=point.id,
                measure_time=from_microseconds(time_us),
                value=value,
                quality=QUALITIES[quality],
            )
            for point, time_us, value, quality in zip(self.points, *columns, strict=True)
        ]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReadingBatch:
    """Readings as sent: row i of all columns is one. Columns may not fit each other.

    Parameters: `sequence` is positive; `points` the names that `point_indices` refer to; `times_us`
    microseconds since 1970; `qualities` codes (QUALITY_CODES), empty for measured throughout;
    `reset_rows` the rows whose register began anew since the reading before; `trace_parent` is
    the `traceparent` of its sending, empty where that is not traced.
    Error: InvalidArgument for a sequence that is not positive or more than MAX_BATCH_ROWS rows.
    """

    sequence: int
    points: tuple[str, ...]
    point_indices: Ints
    times_us: Ints
    values: Floats
    qualities: Ints
    reset_rows: Ints
    trace_parent: str = ""

    def __post_init__(self) -> None:
        require(self.sequence > 0, "INVALID_SEQUENCE", "a sequence is positive", "batch.sequence")
        require(
            max(self.rows, len(self.points), len(self.reset_rows)) <= MAX_BATCH_ROWS,
            "BATCH_TOO_LARGE",
            f"a batch has at most {MAX_BATCH_ROWS} rows",
            "batch",
        )

    @property
    def rows(self) -> int:
        """How many readings were meant: the length of the longest column."""
        return max(map(len, self._columns))

    @property
    def ragged(self) -> bool:
        """Whether the columns differ in length, so that nothing says what belongs together."""
        return len({len(column) for column in self._columns}) > 1

    @property
    def _columns(self) -> tuple[Ints | Floats, ...]:
        columns: tuple[Ints | Floats, ...] = (self.point_indices, self.times_us, self.values)
        return (*columns, self.qualities) if len(self.qualities) else columns


def order_of(owners: Ints, times_us: Ints) -> Ints | slice:
    """Return the order by owner and time, of one time as they are."""
    if not len(owners):
        return slice(None)
    since_us = times_us - times_us.min()
    span_us = int(since_us.max()) + 1
    if (int(owners.max()) + 1) * span_us < 2**62:  # one number orders faster than two
        return np.argsort(owners * span_us + since_us, kind="stable")
    return np.lexsort((times_us, owners))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """Readings in columns, all of one length: point keys, times [us since 1970], values."""

    keys: Ints
    times_us: Ints
    values: Floats
    qualities: Ints
    resets: Mask
    """Whether the register began anew since the reading before."""

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, which: Mask | Ints | slice) -> "Rows":
        return Rows(
            keys=self.keys[which],
            times_us=self.times_us[which],
            values=self.values[which],
            qualities=self.qualities[which],
            resets=self.resets[which],
        )

    def order(self) -> Ints | slice:
        """Return the order by point and time, of one key as they are."""
        return order_of(self.keys, self.times_us)

    @classmethod
    def empty(cls) -> Self:
        """Return no rows."""
        none = np.empty(0, np.int64)
        return cls(
            keys=none,
            times_us=none,
            values=np.empty(0),
            qualities=none,
            resets=np.empty(0, np.bool_),
        )

    @classmethod
    def concatenated(cls, parts: Sequence["Rows"]) -> Self:
        """Return the rows of all parts, one after the other."""
        if not parts:
            return cls.empty()
        return cls(
            keys=np.concatenate([part.keys for part in parts]),
            times_us=np.concatenate([part.times_us for part in parts]),
            values=np.concatenate([part.values for part in parts]),
            qualities=np.concatenate([part.qualities for part in parts]),
            resets=np.concatenate([part.resets for part in parts]),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Breaks:
    """Where a register goes on elsewhere: from its first reading not before each time on.

    `lifts`: how much is added to what it shows from there on, as if it had gone on where it was;
    NaN when nobody knows. A counter that ran over 100,000 has a lift of 100,000.
    """

    times_us: Ints
    lifts: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class History:
    """One point's kept readings in a span, ascending in time: times [us since 1970] and values.

    `resets_us` are the times, ascending, of those at which a register began anew from 0, `breaks`
    those at which it went on elsewhere.
    """

    times_us: Ints
    values: Floats
    resets_us: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    breaks: Breaks | None = None

    @classmethod
    def empty(cls) -> Self:
        """Return a history without readings."""
        return cls(times_us=np.empty(0, np.int64), values=np.empty(0))
