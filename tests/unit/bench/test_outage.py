"""The bench of outages plays them as its table says, on a home of round numbers."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.bench.outage.__main__ import Outage, _before, _without_grid, drawn
from tests.bench.outage.home import DAY, LOAD, PAST_DAYS, PV, Home
from tests.bench.outage.ways import CAPACITY_KWH, Battery, Planned, kept_full
from wattmesh_kernel.sites import Microgrid

HOUR = PAST_DAYS * DAY + DAY + 21


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [f"{LOAD},{PV}", *(["1.0,0.0"] * 24 * 40)]
    (tmp_path / "Building_1.csv").write_text("\n".join(rows))
    return tmp_path


def test_a_critical_load_is_served_until_the_battery_is_empty(folder: Path) -> None:
    home, battery = Home(folder, 1, None), Battery(CAPACITY_KWH)
    served = _without_grid(home, Outage(home=1, hour=HOUR, hours=24), battery)
    assert served == pytest.approx(CAPACITY_KWH * 0.9**0.5 / 0.4, rel=1e-6)
    assert battery.stored_kwh == pytest.approx(0.0, abs=1e-9)


def test_plans_that_keep_ready_hold_energy_at_the_end_of_the_evening(folder: Path) -> None:
    ready = Microgrid(readiness=timedelta(hours=6))
    planned, left = Planned(), []
    for microgrid in (None, ready):
        battery = Battery(CAPACITY_KWH / 2)
        cost = _before(Home(folder, 1, microgrid), HOUR, battery, planned)
        left.append((battery.stored_kwh, cost))
    assert left[0][0] < 0.1, "after the dear hours nothing is left"
    assert left[1][0] * 0.9**0.5 == pytest.approx(6 * 0.4, rel=0.02)
    assert left[1][1] > left[0][1]


def test_kept_full_is_full_and_outages_are_the_same_for_a_seed(folder: Path) -> None:
    battery = Battery(0.0)
    _before(Home(folder, 1, None), HOUR, battery, kept_full)
    assert battery.stored_kwh == pytest.approx(CAPACITY_KWH)
    assert drawn(5, 7) == drawn(5, 7)
    assert np.ptp([each.hour for each in drawn(50, 7)]) > 200 * DAY
