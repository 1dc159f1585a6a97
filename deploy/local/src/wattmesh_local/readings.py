"""`wattmesh readings import | export | check`: meter data, from and to files; what is wrong."""

import math
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.type.v1 import quality_pb2
from wattmesh_contracts.values import (
    datetime_from_proto,
    duration_to_proto,
    time_range_to_proto,
)
from wattmesh_kernel.quantities import QUANTITIES, Kind
from wattmesh_kernel.time import EPOCH, TimeRange
from wattmesh_local.identities.folder import caller_settings
from wattmesh_local.readings_files import Columns, Part, read_parts, writing
from wattmesh_local.readings_picture import Finding, draw
from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.errors import rpc_errors
from wattmesh_runtime.telemetry import Telemetry

_MICROSECOND = timedelta(microseconds=1)
_MOST_LANES = 200
_RASTER_AT_ONCE = timedelta(days=30)
_POINTS_AT_ONCE = 20
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What is written: `parent` as `sites/{site}/devices/-/points/-`, or one of its points."""

    parent: str
    span: TimeRange
    resolution: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Where a picture goes, and how many days it shows, up to the newest reading."""

    file: Path
    days: int


async def import_readings(
    file: Path, target: str, console: Console, columns: Columns, identity: Path | None = None
) -> int:
    """Send the readings of a CSV or Parquet file; 0 when none was refused.

    Sending it again is harmless, so one that broke off is simply begun again. Errors:
    InvalidArgument for a file that is none; what metering says.
    """
    sums, reasons = Counter[str](), Counter[str]()
    async with _metering(target, identity) as metering:
        stream = metering.Ingest()
        hello = metering_pb2.IngestHello(source=f"files/{file.name}")
        await stream.write(metering_pb2.IngestRequest(hello=hello))
        for sequence, part in enumerate(read_parts(file, columns), start=1):
            batch = _batch(sequence, part)
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


async def export_readings(
    file: Path, target: str, console: Console, export: Export, identity: Path | None = None
) -> int:
    """Write what a site's points measured into a CSV or Parquet file, on a raster.

    Of a register the most that it showed in each interval, of all else the mean, stamped with the
    interval's end; nothing where nothing was measured. 0 when there was anything.
    """
    rows = 0
    async with _metering(target, identity) as metering:
        points = await _points(metering, export.parent)
        with writing(file) as write:
            for first in range(0, len(points), _POINTS_AT_ONCE):
                some = points[first : first + _POINTS_AT_ONCE]
                begin = export.span.start
                while begin < export.span.end:
                    end = min(export.span.end, begin + _RASTER_AT_ONCE)
                    part = await _exported(metering, some, TimeRange(begin, end), export.resolution)
                    write(part)
                    rows, begin = rows + len(part.points), end
    console.print(f"{rows} readings of {len(points)} points in {file}", highlight=False)
    return 0 if rows else 1


async def _exported(
    metering: "metering_pb2_grpc.MeteringServiceAsyncStub",
    points: Sequence[str],
    span: TimeRange,
    resolution: timedelta,
) -> Part:
    asked = [
        metering_pb2.QuerySeriesRequest(
            point=point,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
            aggregation=metering_pb2.AGGREGATION_MAX
            if QUANTITIES[point.rsplit("/", 1)[1]].kind is Kind.REGISTER
            else metering_pb2.AGGREGATION_MEAN,
            include_quality=True,
        )
        for point in points
    ]
    request = metering_pb2.BatchQuerySeriesRequest(requests=asked)
    names, times_us, values, qualities = [], [], [], []
    step = resolution // _MICROSECOND
    first_us = (span.start - EPOCH) // _MICROSECOND + step
    for point, answer in zip(
        points, (await metering.BatchQuerySeries(request)).answers, strict=True
    ):
        for place, value in enumerate(answer.series.values):
            if not math.isnan(value):
                names.append(point)
                times_us.append(first_us + place * step)
                values.append(value)
                told = answer.qualities[place] or quality_pb2.QUALITY_MEASURED
                qualities.append(told)
    return Part(points=names, times_us=times_us, values=values, qualities=qualities)


async def _points(metering: "metering_pb2_grpc.MeteringServiceAsyncStub", parent: str) -> list[str]:
    """Return the names of the points that ever measured anything."""
    request = metering_pb2.GetLatestReadingsRequest(points=[parent])
    return sorted(each.point for each in (await metering.GetLatestReadings(request)).readings)


async def check_readings(
    site: str,
    target: str,
    console: Console,
    identity: Path | None = None,
    picture: Picture | None = None,
) -> int:
    """Print what validation found at a site that still holds; 0 when it is nothing."""
    name = site if site.startswith("sites/") else f"sites/{site}"
    async with _metering(target, identity) as metering:
        flags = [flag async for flag in _flags(metering, f"{name}/devices/-/points/-")]
        if picture is not None:
            await _draw(metering, name, flags, picture)
    table = Table("point", "finding", "from", "to", "left out", "why")
    for flag in flags:
        table.add_row(
            flag.point.removeprefix(f"{name}/devices/"),
            _kind(flag),
            _at(datetime_from_proto(flag.first_measure_time)),
            _at(datetime_from_proto(flag.last_measure_time)),
            "yes" if flag.excluded else "",
            flag.message,
        )
    console.print(table if flags else "nothing found")
    return 1 if flags else 0


async def _draw(
    metering: "metering_pb2_grpc.MeteringServiceAsyncStub",
    site: str,
    flags: Sequence[metering_pb2.ReadingFlag],
    picture: Picture,
) -> None:
    request = metering_pb2.GetLatestReadingsRequest(points=[f"{site}/devices/-/points/-"])
    newest = (await metering.GetLatestReadings(request)).readings
    if not newest:
        return
    last = max(datetime_from_proto(each.measure_time) for each in newest)
    end = last.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    span = TimeRange(end - picture.days * _DAY, end)
    points = sorted(each.point for each in newest)[:_MOST_LANES]
    asked = [
        metering_pb2.QuerySeriesRequest(
            point=point,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(_DAY),
            aggregation=metering_pb2.AGGREGATION_COUNT,
        )
        for point in points
    ]
    answers = await metering.BatchQuerySeries(metering_pb2.BatchQuerySeriesRequest(requests=asked))
    short = f"{site}/devices/"
    counts = {
        point.removeprefix(short): np.array(answer.series.values)
        for point, answer in zip(points, answers.answers, strict=True)
    }
    findings = [
        Finding(
            point=flag.point.removeprefix(short),
            kind=_kind(flag),
            first=datetime_from_proto(flag.first_measure_time),
            last=datetime_from_proto(flag.last_measure_time),
        )
        for flag in flags
    ]
    draw(counts, span.start, findings, picture.file)


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


def _batch(sequence: int, part: Part) -> metering_pb2.ReadingBatch:
    places: dict[str, int] = {}
    indices = [places.setdefault(point, len(places)) for point in part.points]
    return metering_pb2.ReadingBatch(
        sequence=sequence,
        points=places,
        point_indices=indices,
        measure_times_us=part.times_us,
        values=part.values,
        qualities=part.qualities,
    )


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


def _kind(flag: metering_pb2.ReadingFlag) -> str:
    name = metering_pb2.ReadingFlagKind.Name(flag.kind)
    return name.removeprefix("READING_FLAG_KIND_").lower()
