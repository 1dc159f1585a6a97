"""Times and durations as OpenADR 3 writes them: RFC 3339 and ISO 8601."""

import re
from datetime import UTC, datetime, timedelta

from wattmesh_kernel.errors import InvalidArgument

NOW = "0000-00-00"
"""A start that is whenever it is read."""
_DURATION = re.compile(
    r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)
_LONGEST = timedelta(days=3660)
_YEARS = range(1970, 2200)
"""What comes of a time and some durations is a time then, too."""
_UNITS = ("weeks", "days", "hours", "minutes", "seconds")


def duration_from_text(text: str, field: str = "duration") -> timedelta:
    """Return a duration of weeks to seconds: `PT1H30M` is 90 minutes.

    Months and years have no length of their own: InvalidArgument, as for anything else, and for
    more than ten years.
    """
    found = _DURATION.fullmatch(text)
    parts = [] if found is None else [each for each in found.groups() if each is not None]
    if found is None or not parts or len(text) > 40:
        raise InvalidArgument("INVALID_DURATION", f"{text[:40]!r} is no duration", field=field)
    values = {
        unit: float(value)
        for unit, value in zip(_UNITS, found.groups(), strict=True)
        if value is not None
    }
    try:
        duration = timedelta(**values)
    except OverflowError as error:
        raise InvalidArgument("INVALID_DURATION", f"{text!r} is too long", field=field) from error
    if duration > _LONGEST:
        raise InvalidArgument("INVALID_DURATION", f"{text!r} is too long", field=field)
    return duration


def duration_to_text(duration: timedelta) -> str:
    """Return a duration: 90 minutes is `PT1H30M`."""
    hours, rest = divmod(round(duration.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S"))]
    return "PT" + ("".join(each for each in parts if not each.startswith("0")) or "0S")


def time_from_text(text: str, now: datetime, field: str = "start") -> datetime:
    """Return a time in UTC; `0000-00-00` is now.

    InvalidArgument for one without a zone, before 1970 or after 2199.
    """
    if text == NOW:
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidArgument("INVALID_TIME", f"{text[:40]!r} is no time", field=field) from error
    if moment.tzinfo is None:
        raise InvalidArgument("INVALID_TIME", f"{text[:40]} has no time zone", field=field)
    if moment.year not in _YEARS:
        raise InvalidArgument("INVALID_TIME", f"{text[:40]} is out of range", field=field)
    return moment.astimezone(UTC)


def time_to_text(moment: datetime) -> str:
    """Return a time: `2024-05-15T15:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
