"""Files of readings: CSV and Parquet, in parts that one batch takes, and back."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from wattmesh.type.v1 import quality_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import EPOCH

ROWS_AT_ONCE = 10_000
QUALITIES = {
    "": quality_pb2.QUALITY_MEASURED,
    "measured": quality_pb2.QUALITY_MEASURED,
    "estimated": quality_pb2.QUALITY_ESTIMATED,
    "substituted": quality_pb2.QUALITY_SUBSTITUTED,
}
NAMES = {number: name for name, number in QUALITIES.items() if name}
_HEADING = ("point", "measure_time", "value", "quality")


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """How the columns of a file are called; `points` renames what stands in its point column."""

    point: str = "point"
    time: str = "measure_time"
    value: str = "value"
    quality: str = "quality"
    points: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Some rows of a file, as columns of one length: times in microseconds since 1970."""

    points: Sequence[str]
    times_us: Sequence[int]
    values: Sequence[float]
    qualities: Sequence[quality_pb2.Quality.ValueType]


def read_parts(file: Path, columns: Columns) -> Iterator[Part]:
    """Yield the rows of a file in parts. Error: InvalidArgument for what is none, with its row."""
    return _parquet_parts(file, columns) if _is_parquet(file) else _csv_parts(file, columns)


@contextmanager
def writing(file: Path) -> Iterator[Callable[[Part], None]]:
    """Give what writes parts into a file, by its name a Parquet one or CSV."""
    with _writing_parquet(file) if _is_parquet(file) else _writing_csv(file) as write:
        yield write


def _is_parquet(file: Path) -> bool:
    return file.suffix.lower() in (".parquet", ".pq")


def _csv_parts(file: Path, columns: Columns) -> Iterator[Part]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text)
            _require_columns(file, columns, reader.fieldnames or ())
            lines = ((reader.line_num, row) for row in reader)
            while rows := list(islice(lines, ROWS_AT_ONCE)):
                read = [_row(line, row, columns) for line, row in rows]
                points, times_us, values, qualities = zip(*read, strict=True)
                yield Part(points=points, times_us=times_us, values=values, qualities=qualities)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(file, str(error)) from error


def _row(
    line: int, row: dict[str, str], columns: Columns
) -> tuple[str, int, float, quality_pb2.Quality.ValueType]:
    try:
        moment = datetime.fromisoformat(row[columns.time].strip())
        value = float(row[columns.value])
        quality = QUALITIES[(row.get(columns.quality) or "").strip().lower()]
        since = moment - EPOCH  # a time without an offset says no instant
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidArgument("INVALID_DOCUMENT", f"line {line}: {error!r}") from error
    point = columns.points.get(row[columns.point], row[columns.point])
    return point, round(since.total_seconds() * 1e6), value, quality


def _parquet_parts(file: Path, columns: Columns) -> Iterator[Part]:
    import pyarrow as arrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as table:
            known = table.schema_arrow.names
            _require_columns(file, columns, known)
            kind = table.schema_arrow.field(columns.time).type
            if not (arrow.types.is_timestamp(kind) and kind.tz):
                raise _unreadable(file, f"{columns.time!r} holds no times with a zone")
            wanted = [columns.point, columns.time, columns.value]
            if columns.quality in known:
                wanted.append(columns.quality)
            for rows in table.iter_batches(ROWS_AT_ONCE, columns=wanted):
                yield _arrow_part(rows, columns)
    except (OSError, arrow.ArrowException, KeyError) as error:
        raise _unreadable(file, repr(error)) from error


def _arrow_part(rows: Any, columns: Columns) -> Part:
    """Return a record batch of Arrow as a part."""
    import pyarrow as arrow

    points, times, values = (
        rows.column(name).cast(kind)
        for name, kind in (
            (columns.point, arrow.string()),
            (columns.time, arrow.timestamp("us", "UTC")),
            (columns.value, arrow.float64()),
        )
    )
    for column in (points, times, values):
        if column.null_count:
            raise KeyError("a row without point, time or value")
    qualities = [quality_pb2.QUALITY_MEASURED] * len(points)
    if columns.quality in rows.schema.names:
        told = rows.column(columns.quality).cast(arrow.string()).to_pylist()
        qualities = [QUALITIES[(each or "").strip().lower()] for each in told]
    return Part(
        points=[columns.points.get(name, name) for name in points.to_pylist()],
        times_us=times.cast(arrow.int64()).to_pylist(),
        values=values.to_pylist(),
        qualities=qualities,
    )


@contextmanager
def _writing_csv(file: Path) -> Iterator[Callable[[Part], None]]:
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(_HEADING)

        def write(part: Part) -> None:
            times = (datetime.fromtimestamp(us / 1e6, UTC).isoformat() for us in part.times_us)
            names = (NAMES[quality] for quality in part.qualities)
            writer.writerows(zip(part.points, times, part.values, names, strict=True))

        yield write


@contextmanager
def _writing_parquet(file: Path) -> Iterator[Callable[[Part], None]]:
    import pyarrow as arrow
    from pyarrow import parquet

    kinds = (arrow.string(), arrow.timestamp("us", "UTC"), arrow.float64(), arrow.string())
    schema = arrow.schema(list(zip(_HEADING, kinds, strict=True)))
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:

        def write(part: Part) -> None:
            names = [NAMES[quality] for quality in part.qualities]
            told = (part.points, part.times_us, part.values, names)
            arrays = [arrow.array(each, kind) for each, kind in zip(told, kinds, strict=True)]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))

        yield write


def _require_columns(file: Path, columns: Columns, known: Sequence[str]) -> None:
    wanted = {columns.point, columns.time, columns.value}
    if missing := sorted(wanted - set(known)):
        raise _unreadable(file, f"it has no column {missing[0]!r}")


def _unreadable(file: Path, why: str) -> InvalidArgument:
    return InvalidArgument("INVALID_DOCUMENT", f"{file} cannot be read: {why}")
