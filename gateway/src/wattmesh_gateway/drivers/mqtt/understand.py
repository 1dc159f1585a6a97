"""Understands JSON telegrams as a profile describes them."""

import json
import math
import reprlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_gateway.drivers.mqtt.profile import (
    TelegramFormat,
    TelegramPoint,
    TelegramTime,
    TimeFormat,
)
from wattmesh_kernel.quantities import QUANTITIES
from wattmesh_kernel.sites import Device

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LONGEST_PAYLOAD_BYTES = 256 * 1024
_FURTHEST_AHEAD = timedelta(days=1)
"""How far a device's clock may be ahead: a reading of next year would look like the newest."""


def understand(
    device: Device, format_: TelegramFormat, payload: bytes, arrival: datetime
) -> Telegram:
    """Return the readings of a telegram of `device` that arrived at `arrival`.

    A value that is absent or null was not measured and is left out, as is a point that the site
    model does not give the device.
    Error: TelegramError when it is no JSON, has no time, or has nothing of what it should have.

    A device may send anything: nothing that it sends raises anything else.
    """
    document = _parse(payload)
    measure_time = _measure_time(document, format_.time, arrival)
    readings: list[Reading] = []
    problems: list[str] = []
    for name, point in format_.points.items():
        try:
            value = _value(document, name, point)
        except TelegramError as error:
            problems.append(str(error))
            continue
        if value is not None and name in device.points:
            readings.append(
                Reading(point=device.point(name), measure_time=measure_time, value=value)
            )
    if not readings and not problems:
        raise TelegramError("it has none of the values of the profile")
    return Telegram(device=device.id, readings=readings, problems=problems)


def _parse(payload: bytes) -> object:
    if len(payload) > _LONGEST_PAYLOAD_BYTES:
        raise TelegramError(f"it is {len(payload)} bytes long")
    try:
        document: object = json.loads(payload, object_pairs_hook=_object)
    except ValueError as error:
        raise TelegramError(f"it is no JSON: {error}") from error
    except RecursionError as error:
        raise TelegramError("it is nested too deeply") from error
    return document


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; ValueError when it says a thing twice: which one is meant?"""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands in it twice")
    return members


def _measure_time(document: object, time: TelegramTime, arrival: datetime) -> datetime:
    if time.format is TimeFormat.ARRIVAL:
        return arrival
    moment = _moment(_find(document, time.path), time)
    if moment - arrival > _FURTHEST_AHEAD:
        raise TelegramError(f"it is dated {moment.isoformat()}, which is yet to come")
    return moment


def _moment(raw: object, time: TelegramTime) -> datetime:
    try:
        match time.format:
            case TimeFormat.RFC3339:
                return _as_utc(datetime.fromisoformat(str(raw)))
            case TimeFormat.UNIX_S:
                return _EPOCH + timedelta(seconds=_number(raw))
            case TimeFormat.UNIX_MS:
                return _EPOCH + timedelta(milliseconds=_number(raw))
            case TimeFormat.ARRIVAL:
                raise ValueError("it says none")
    except (ValueError, OverflowError) as error:
        raise TelegramError(f"{'.'.join(time.path)} is {_said(raw)}, which is no time") from error


def _as_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def _value(document: object, name: str, point: TelegramPoint) -> float | None:
    raw = _find(document, point.path)
    if raw is None:
        return None
    path = ".".join(point.path)
    try:
        value = _number(raw) * point.scale
    except ValueError as error:
        raise TelegramError(f"{path} is {_said(raw)}, which is no number") from error
    if not QUANTITIES[name].accepts(value):
        raise TelegramError(f"{path} is {_said(raw)}, which is not possible for {name}")
    return value


def _number(raw: object) -> float:
    """Return a JSON number, or one written as text; ValueError when it is neither."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError(raw)
    try:
        value = float(raw)
    except OverflowError as error:  # an integer of hundreds of digits
        raise ValueError("too large") from error
    if not math.isfinite(value):
        raise ValueError(raw)
    return value


def _find(document: object, path: Sequence[str]) -> object:
    """Return what lies at a path of keys and list indices; None when nothing does."""
    found = document
    for key in path:
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def value_at(payload: bytes, path: Sequence[str]) -> object:
    """Return what a JSON payload carries at a path, text as it is; TelegramError as above."""
    return _find(_parse(payload), path)


def _said(raw: object) -> str:
    """Return what a device said, short enough for people whatever it was."""
    return reprlib.repr(raw)
