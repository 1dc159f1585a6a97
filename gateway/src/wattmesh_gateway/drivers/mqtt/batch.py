"""Understands telegrams that carry many times: as columns, which cost little for each value."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.domain.reading_columns import ReadingColumns
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_gateway.drivers.mqtt.document import find, moment_of, require_come, said, scaled
from wattmesh_gateway.drivers.mqtt.profile import (
    BatchLayout,
    TelegramBatch,
    TelegramFormat,
    TelegramPoint,
    TelegramTime,
    TimeFormat,
)
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.quantities import QUANTITIES
from wattmesh_kernel.sites import Device

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""

Pick = Callable[[tuple[str, ...]], Sequence[object] | None]
"""Returns what stands at a path for each of the times; None: nothing does."""


def understand_batch(
    device: Device,
    format_: TelegramFormat,
    batch: TelegramBatch,
    document: object,
    arrival: datetime,
) -> Telegram:
    """Return the readings of a telegram with many times, as `understand` does those of one.

    A time or value that makes no sense is a problem, and all others count.
    Error: TelegramError when there are no times, or nothing of what it should have.
    """
    pick = _picking(batch, document)
    raw_times = pick(format_.time.path)
    if not raw_times:
        raise TelegramError(f"{'.'.join(format_.time.path)} has no times")
    problems: list[str] = []
    times_us = _times_us(raw_times, format_.time, arrival, problems)
    points: list[PointId] = []
    places: list[int] = []
    rows_us: list[int] = []
    values: list[float] = []
    for name, point in format_.points.items():
        try:
            raw = _column(pick, point, len(raw_times))
        except TelegramError as error:
            problems.append(str(error))
            continue
        own_us, own = _values(times_us, raw, name, point, problems)
        if own and name in device.points:
            places.extend([len(points)] * len(own))
            points.append(device.point(name))
            rows_us.extend(own_us)
            values.extend(own)
    if not values and not problems:
        raise TelegramError("it has none of the values of the profile")
    readings = ReadingColumns(points=points, places=places, times_us=rows_us, values=values)
    return Telegram(device=device.id, readings=readings, problems=problems, understood=bool(values))


def _picking(batch: TelegramBatch, document: object) -> Pick:
    root = find(document, batch.path)
    if batch.layout is BatchLayout.COLUMNS:
        return lambda path: _listed(find(root, path), path)
    records = _listed(root, batch.path) or ()
    return lambda path: [find(record, path) for record in records]


def _column(pick: Pick, point: TelegramPoint, times: int) -> Sequence[object]:
    """Return what a telegram has of a point; TelegramError when nobody knows of which times."""
    raw = pick(point.path)
    if raw is not None and len(raw) != times:
        raise TelegramError(f"{'.'.join(point.path)} has {len(raw)} of {times} values")
    return [None] * times if raw is None else raw


def _listed(raw: object, path: Sequence[str]) -> Sequence[object] | None:
    if raw is None or isinstance(raw, list):
        return raw
    raise TelegramError(f"{'.'.join(path) or 'it'} is {said(raw)}, which is no list")


def _times_us(
    raw: Sequence[object], time: TelegramTime, arrival: datetime, problems: list[str]
) -> list[int | None]:
    """Return the times [µs since 1970]; None, and a problem, for what is none."""
    latest_ms = int(arrival.timestamp() * 1000)
    if time.format is TimeFormat.UNIX_MS and set(map(type, raw)) == {int}:
        sound = [each for each in raw if isinstance(each, int)]
        if min(sound) > 0 and max(sound) <= min(latest_ms, _LATEST_MS):
            return [1000 * each for each in sound]
    return [_time_us(each, time, arrival, problems) for each in raw]


def _time_us(raw: object, time: TelegramTime, arrival: datetime, problems: list[str]) -> int | None:
    try:
        moment = moment_of(raw, time)
        require_come(moment, arrival)
    except TelegramError as error:
        problems.append(str(error))
        return None
    return (moment - _EPOCH) // _MICROSECOND


def _values(
    times_us: Sequence[int | None],
    raw: Sequence[object],
    name: str,
    point: TelegramPoint,
    problems: list[str],
) -> tuple[list[int], list[float]]:
    """Return the times and values that a point has."""
    plain = _plain(raw, name, point)
    found = plain if plain is not None else _one_by_one(raw, name, point, problems)
    pairs = zip(times_us, found, strict=True)
    kept = [(at, value) for at, value in pairs if at is not None and value is not None]
    return [at for at, _ in kept], [value for _, value in kept]


def _plain(raw: Sequence[object], name: str, point: TelegramPoint) -> list[float] | None:
    """Return values that are all possible numbers, as most are; None: look at each."""
    if not raw or not set(map(type, raw)) <= {int, float}:
        return None
    try:
        values = [each * point.scale for each in raw if isinstance(each, int | float)]
        sound = math.isfinite(sum(values))
    except OverflowError:  # an integer of hundreds of digits
        return None
    quantity = QUANTITIES[name]
    return values if sound and all(map(quantity.accepts, (min(values), max(values)))) else None


def _one_by_one(
    raw: Sequence[object], name: str, point: TelegramPoint, problems: list[str]
) -> Iterator[float | None]:
    for each in raw:
        try:
            yield scaled(each, name, point)
        except TelegramError as error:
            problems.append(str(error))
            yield None
