"""What a data folder says of its sites before anything runs."""

import json
import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import time_zone
from wattmesh_local.running.process import ProcessError

HISTORY = timedelta(days=16)
"""The least that forecast models learn from."""
USUAL_HISTORY = timedelta(weeks=5)
"""What they learn from when nobody says when to start."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteFacts:
    """The zone the sites' days follow, and the time that is measured."""

    zone: ZoneInfo
    first: datetime
    last: datetime

    def choose_start(self, asked: date | None, days: int, warm_up: timedelta) -> date:
        """Return the first day to simulate: the one asked for, or five weeks into the data.

        Error: InvalidArgument when there is too little data before it to learn from, or the days
        that follow are not all in the data.
        """
        earliest = (self.first + HISTORY + warm_up).astimezone(self.zone).date() + _DAY
        latest = self.last.astimezone(self.zone).date() - days * _DAY
        day = asked or min(self.first.astimezone(self.zone).date() + USUAL_HISTORY, latest)
        if not earliest <= day <= latest:
            raise InvalidArgument(
                "NO_DATA_THEN",
                f"--start {day}: the data allow {days} days to start from {earliest} to {latest}",
                field="start",
            )
        return day


def facts_from_json(text: str) -> SiteFacts:
    """Return the facts that `python -m wattmesh_twin.describe` printed."""
    try:
        facts = json.loads(text)
        return SiteFacts(
            zone=ZoneInfo(facts["time_zone"]),
            first=datetime.fromisoformat(facts["start_time"]),
            last=datetime.fromisoformat(facts["end_time"]),
        )
    except (ValueError, KeyError) as error:
        raise ProcessError(f"the data folder could not be described: {text[:200]}") from error


def local_zone() -> ZoneInfo:
    """Return the zone of this machine; UTC when it does not say."""
    place = Path("/etc/localtime").resolve()
    name = os.environ.get("TZ") or str(place).partition("/zoneinfo/")[2] or "UTC"
    try:
        return time_zone(name.lstrip(":"))
    except InvalidArgument:
        return ZoneInfo("UTC")
