"""Finds what profiles name in a JSON payload, whatever a device has sent."""

import json
import math
import reprlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from wattmesh_gateway.domain.errors import TelegramError
from wattmesh_gateway.drivers.mqtt.profile import TelegramPoint, TelegramTime, TimeFormat
from wattmesh_kernel.quantities import QUANTITIES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LONGEST_TELEGRAM_BYTES = 64 * 1024
"""Most of a telegram that says how things are now: reading it takes a millisecond and a half."""
LONGEST_BATCH_BYTES = 256 * 1024
"""Most of a telegram with readings of many moments."""
_FURTHEST_AHEAD = timedelta(days=1)
"""How far a device's clock may be ahead: a reading of next year would look like the newest."""


def parse(payload: bytes, most_bytes: int = LONGEST_TELEGRAM_BYTES) -> object:
    """Return a payload's document; TelegramError when it is no JSON, or longer than is read."""
    if len(payload) > most_bytes:
        raise TelegramError(f"it is {len(payload)} bytes long, and at most {most_bytes} are read")
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


def measure_time(document: object, time: TelegramTime, arrival: datetime) -> datetime:
    """Return when a document was measured; TelegramError when it does not say, or in the future."""
    if time.format is TimeFormat.ARRIVAL:
        return arrival
    moment = moment_of(find(document, time.path), time)
    require_come(moment, arrival)
    return moment


def require_come(moment: datetime, arrival: datetime) -> None:
    """Refuse by TelegramError what was measured long after it arrived."""
    if moment - arrival > _FURTHEST_AHEAD:
        raise TelegramError(f"it is dated {moment.isoformat()}, which is yet to come")


def moment_of(raw: object, time: TelegramTime) -> datetime:
    """Return the time that something says in a format; TelegramError when it says none."""
    try:
        match time.format:
            case TimeFormat.RFC3339:
                return _as_utc(datetime.fromisoformat(str(raw)))
            case TimeFormat.UNIX_S:
                return _EPOCH + timedelta(seconds=number(raw))
            case TimeFormat.UNIX_MS:
                return _EPOCH + timedelta(milliseconds=number(raw))
            case TimeFormat.ARRIVAL:
                raise ValueError("it says none")
    except (ValueError, OverflowError) as error:
        raise TelegramError(f"{'.'.join(time.path)} is {said(raw)}, which is no time") from error


def _as_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def value_of(document: object, name: str, point: TelegramPoint) -> float | None:
    """Return a point's value; None: it has none. TelegramError for what is no value of it."""
    return scaled(find(document, point.path), name, point)


def scaled(raw: object, name: str, point: TelegramPoint) -> float | None:
    """Return what a device said of a point in its unit; as `value_of`."""
    if raw is None:
        return None
    path = ".".join(point.path)
    try:
        value = number(raw) * point.scale
    except ValueError as error:
        raise TelegramError(f"{path} is {said(raw)}, which is no number") from error
    if not QUANTITIES[name].accepts(value):
        raise TelegramError(f"{path} is {said(raw)}, which is not possible for {name}")
    return value


def number(raw: object) -> float:
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


def find(document: object, path: Sequence[str]) -> object:
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
    return find(parse(payload), path)


def said(raw: object) -> str:
    """Return what a device said, short enough for people whatever it was."""
    return reprlib.repr(raw)
