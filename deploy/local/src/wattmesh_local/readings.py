"""`wattmesh readings import | check`: meter data from files, what validation found at a site."""

import csv
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.type.v1 import quality_pb2
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import EPOCH
from wattmesh_local.identities.folder import caller_settings
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.errors import rpc_errors
from wattmesh_runtime.telemetry import Telemetry

_ROWS_AT_ONCE = 10_000
_QUALITIES = {
    "": quality_pb2.QUALITY_MEASURED,
    "measured": quality_pb2.QUALITY_MEASURED,
    "estimated": quality_pb2.QUALITY_ESTIMATED,
    "substituted": quality_pb2.QUALITY_SUBSTITUTED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """How the columns of a file are called; `points` renames what stands in its point column."""

    point: str = "point"
    time: str = "measure_time"
    value: str = "value"
    quality: str = "quality"
    points: dict[str, str] = field(default_factory=dict)


async def import_readings(
    file: Path, target: str, console: Console, columns: Columns, identity: Path | None = None
) -> int:
    """Send the readings of a CSV file; 0 when none was refused.

    Sending it again is harmless, so one that broke off is simply begun again. Errors:
    InvalidArgument for a file that is none; what metering says.
    """
    sums, reasons = Counter[str](), Counter[str]()
    async with _metering(target, identity) as metering:
        stream = metering.Ingest()
        hello = metering_pb2.IngestHello(source=f"files/{file.name}")
        await stream.write(metering_pb2.IngestRequest(hello=hello))
        for sequence, rows in enumerate(_parts(file, columns), start=1):
            batch = _batch(sequence, rows, columns)
            await stream.write(metering_pb2.IngestRequest(batch=batch))
            answer = await stream.read()
            if not isinstance(answer, metering_pb2.IngestResponse):
                break
            for name in ("stored", "duplicates", "revised", "rejected_total"):
                sums[name] += getattr(answer, name)
            for each in answer.rejected:
                reason = metering_pb2.RejectionReason.Name(each.reason)
                reasons[f"{reason.removeprefix('REJECTION_REASON_').lower()}: {each.point}"] += 1
            console.print(_line(sums), highlight=False)
        await stream.done_writing()
        await stream.read()  # the end, or the error that ended it
    for reason, count in reasons.most_common():
        console.print(Text(f"refused {count} × {reason}", style="red"), highlight=False)
    return 1 if sums["rejected_total"] else 0


async def check_readings(
    site: str, target: str, console: Console, identity: Path | None = None
) -> int:
    """Print what validation found at a site that still holds; 0 when it is nothing."""
    name = site if site.startswith("sites/") else f"sites/{site}"
    async with _metering(target, identity) as metering:
        flags = [flag async for flag in _flags(metering, f"{name}/devices/-/points/-")]
    table = Table("point", "finding", "from", "to", "left out", "why")
    for flag in flags:
        kind = metering_pb2.ReadingFlagKind.Name(flag.kind).removeprefix("READING_FLAG_KIND_")
        table.add_row(
            flag.point.removeprefix(f"{name}/devices/"),
            kind.lower(),
            _at(datetime_from_proto(flag.first_measure_time)),
            _at(datetime_from_proto(flag.last_measure_time)),
            "yes" if flag.excluded else "",
            flag.message,
        )
    console.print(table if flags else "nothing found")
    return 1 if flags else 0


async def _flags(
    metering: "metering_pb2_grpc.MeteringServiceAsyncStub", parent: str
) -> AsyncIterator[metering_pb2.ReadingFlag]:
    token, first = "", True
    while first or token:
        first = False
        page = await metering.ListReadingFlags(
            metering_pb2.ListReadingFlagsRequest(parent=parent, page_token=token)
        )
        for flag in page.flags:
            yield flag
        token = page.next_page_token


def _parts(file: Path, columns: Columns) -> Iterator[Sequence[tuple[int, dict[str, str]]]]:
    """Yield the rows of a file with their line numbers, in parts."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text)
            wanted = {columns.point, columns.time, columns.value}
            if missing := sorted(wanted - set(reader.fieldnames or ())):
                raise _unreadable(file, f"it has no column {missing[0]!r}")
            lines = ((reader.line_num, row) for row in reader)
            while rows := list(islice(lines, _ROWS_AT_ONCE)):
                yield rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(file, str(error)) from error


def _batch(
    sequence: int, rows: Sequence[tuple[int, dict[str, str]]], columns: Columns
) -> metering_pb2.ReadingBatch:
    places: dict[str, int] = {}
    batch = metering_pb2.ReadingBatch(sequence=sequence)
    for line, row in rows:
        try:
            moment = datetime.fromisoformat(row[columns.time].strip())
            value = float(row[columns.value])
            quality = _QUALITIES[(row.get(columns.quality) or "").strip().lower()]
            since = moment - EPOCH  # a time without an offset says no instant
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidArgument("INVALID_DOCUMENT", f"line {line}: {error!r}") from error
        point = columns.points.get(row[columns.point], row[columns.point])
        batch.point_indices.append(places.setdefault(point, len(places)))
        batch.measure_times_us.append(round(since.total_seconds() * 1e6))
        batch.values.append(value)
        batch.qualities.append(quality)
    batch.points.extend(places)
    return batch


@asynccontextmanager
async def _metering(
    target: str, identity: Path | None
) -> AsyncIterator["metering_pb2_grpc.MeteringServiceAsyncStub"]:
    channel: grpc.aio.Channel = open_channel(target, caller_settings(identity), Telemetry("local"))
    try:
        with rpc_errors():
            yield metering_pb2_grpc.MeteringServiceStub(channel)
    finally:
        await channel.close()


def _line(sums: Counter[str]) -> str:
    return (
        f"{sums['stored']} stored, {sums['duplicates']} there already, "
        f"{sums['revised']} revised, {sums['rejected_total']} refused"
    )


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def _unreadable(file: Path, why: str) -> InvalidArgument:
    return InvalidArgument("INVALID_DOCUMENT", f"{file} cannot be read: {why}")
