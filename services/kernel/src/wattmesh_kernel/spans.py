"""Times as people write them: `90s`, `15min`, `2h`, `1d`."""

import math
import re
from datetime import timedelta

from wattmesh_kernel.errors import InvalidArgument

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|min|h|d)")
_UNITS = {"d": 86_400.0, "h": 3600.0, "min": 60.0, "s": 1.0}


def parse_span(text: str) -> timedelta:
    """Return a time as people write it. Error: InvalidArgument."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise InvalidArgument("INVALID_DURATION", f"{text!r} is not like 90s, 15min, 2h or 1d")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def format_span(duration: timedelta) -> str:
    """Return a duration in the largest unit that takes it whole: 15min, and 90s."""
    seconds = duration.total_seconds()
    for unit, length in _UNITS.items():
        count = seconds / length
        if count >= 1 and math.isclose(count, round(count)):
            return f"{round(count)}{unit}"
    return f"{seconds:g}s"
