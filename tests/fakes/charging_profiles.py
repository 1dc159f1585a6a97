"""The charging profiles that a charge point keeps, and the limit that they come to."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


class ChargingProfiles:
    """Takes profiles in the words of OCPP 1.6, keys in snake case; the highest level counts."""

    def __init__(self) -> None:
        self.by_id: dict[int, dict[str, Any]] = {}
        self.most_a = 32.0

    def set(self, id_: int, profile: Mapping[str, Any], schedule: Mapping[str, Any]) -> None:
        """Keep a profile in place of one with the same id."""
        self.by_id[id_] = {**profile, "schedule": dict(schedule)}

    def clear(self, id_: int) -> bool:
        """Drop a profile; return whether it was there."""
        return self.by_id.pop(id_, None) is not None

    def limit(self, now: datetime | None = None) -> float:
        """Return the limit that holds."""
        moment = now or datetime.now(UTC)
        holding = [each for each in self.by_id.values() if _holds(each, moment)]
        highest = max(holding, key=lambda each: each["stack_level"], default=None)
        if highest is None:
            return self.most_a
        return float(highest["schedule"]["charging_schedule_period"][0]["limit"])


def _holds(profile: Mapping[str, Any], now: datetime) -> bool:
    schedule = profile["schedule"]
    begin = datetime.fromisoformat(schedule["start_schedule"])
    if now < begin or (
        "valid_to" in profile and now >= datetime.fromisoformat(profile["valid_to"])
    ):
        return False
    return "duration" not in schedule or now < begin + timedelta(seconds=schedule["duration"])
