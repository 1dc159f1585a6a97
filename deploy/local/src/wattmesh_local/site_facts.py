"""What a data folder says of its sites before anything runs."""

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from wattmesh_local.running.process import ProcessError


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteFacts:
    """The zone the sites' days follow, and the time that is measured."""

    zone: ZoneInfo
    first: datetime
    last: datetime


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
