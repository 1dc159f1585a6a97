"""What rooms came to beside plain rules, out of the devices' ledger."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.ledger import RoomLedger, room_ledgers
from wattmesh_local.watching.rooms import by_rule_wh, hours_of, outside_kh

START, HOUR = datetime(2017, 7, 4, 7, tzinfo=UTC), timedelta(hours=1)
ROOM = AssetId(SiteId("office"), "zone-1")
DAY = TimeRange(START, START + 3 * HOUR)


def ledger(folder: Path) -> RoomLedger:
    """Four hours: 1, 2, 3 and 4 kWh left alone, half of that by the schedule; cooler in the end."""
    drawn = np.cumsum([0.0, 1000.0, 2000.0, 3000.0, 4000.0])
    lines = [
        json.dumps(
            {
                "asset": ROOM.name,
                "time": (START + (hour - 1) * HOUR).isoformat(),
                "low_celsius": 20.0,
                "high_celsius": 25.0 if hour < 4 else 23.0,
                "import_wh": 0.0,
                "rules_wh": {"at_rest": wh, "schedule": wh / 2},
                "rules_kh": {"at_rest": 0.0, "schedule": 0.1 * hour},
            }
        )
        for hour, wh in enumerate(drawn.tolist())
    ]
    (folder / "rooms.jsonl").write_text("\n".join(lines))
    return room_ledgers(folder)[ROOM.name]


def test_what_a_rule_would_have_drawn_is_counted_by_the_hour(tmp_path: Path) -> None:
    known = ledger(tmp_path)
    drawn = by_rule_wh({ROOM.name: known}, [ROOM], "at_rest", DAY)
    assert drawn == pytest.approx([2000.0, 3000.0, 4000.0])
    half = by_rule_wh({ROOM.name: known}, [ROOM], "schedule", DAY)
    assert half == pytest.approx([1000.0, 1500.0, 2000.0])
    assert hours_of(known.rules_kh["schedule"], known.times_s, DAY).sum() == pytest.approx(0.3)


def test_time_outside_of_comfort_is_by_the_band_of_each_hour(tmp_path: Path) -> None:
    quarter = timedelta(minutes=15)
    starts = list(DAY.starts(quarter))
    celsius = np.full(len(starts), 24.0)
    celsius[0] = 26.0  # a quarter of an hour, a kelvin above 25
    celsius[1] = np.nan  # not metered: not counted
    # In the last hour 23 are wanted at most, and 24 is a kelvin above for all of it.
    assert outside_kh(celsius, starts, ledger(tmp_path)) == pytest.approx(0.25 + 1.0)
