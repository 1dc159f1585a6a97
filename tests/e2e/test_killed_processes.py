import json
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.wattmesh_command import Run, Wattmesh
from wattmesh_runtime.clocks import clock_from_spec

TWO_OF_A_KIND = ("--replicas", "planner=2,control=2")
VICTIMS = (
    *("metering", "planner", "gateway", "control", "forecast"),
    *("planner-2", "control-2", "optimizer", "metering"),
)


@pytest.mark.time_limit(560)
def test_a_day_in_which_every_process_on_the_way_is_killed_is_still_sound(
    wattmesh: Wattmesh, tmp_path: Path
) -> None:
    """Nothing is lost, late or unverified: it is there again at once, or the other takes over."""
    report = report_of_a_day_with_kills(wattmesh, tmp_path, VICTIMS, *TWO_OF_A_KIND)

    assert_nothing_was_lost(report)


def assert_nothing_was_lost(report: dict[str, Any]) -> None:
    assert report["readings"]["stored"] == report["readings"]["published"]
    assert report["plans"]["failed"] == report["plans"]["late"] == 0
    # One command per home and hour: none twice, and none that was not carried out.
    assert report["commands"]["issued"] == report["commands"]["verified"] == 5 * 24


def report_of_a_day_with_kills(
    wattmesh: Wattmesh, folder: Path, victims: Sequence[str], *arguments: str
) -> dict[str, Any]:
    file = folder / "report.json"
    day = ("demo", "--days", "1", "--rate", "600", "--plain", "--report", str(file))
    run = wattmesh.start(*day, *arguments)
    kill_through_the_day(run, victims)

    status = run.wait(300)

    assert status == 0, run.output
    assert run.output.count("was killed by SIGKILL") == len(victims)
    report: dict[str, Any] = json.loads(file.read_text())
    return report


def kill_through_the_day(run: Run, victims: Sequence[str]) -> None:
    """Kill one process after the other, hours apart and never at the same minute of the hour."""
    clock = clock_from_spec(run.state()["clock"])
    begin = clock.now()
    for index, name in enumerate(victims):
        when = begin + timedelta(hours=4 + 2 * index, minutes=7 * index)
        while clock.now() < when:
            time.sleep(0.05)
        run.kill(name)
