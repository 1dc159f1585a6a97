import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.wattmesh_command import Run, Wattmesh
from wattmesh_kernel.clock import parse_clock

VICTIMS = (
    *("metering", "gateway", "planner", "forecast", "optimizer"),
    *("gateway", "metering", "planner", "control"),
)


@pytest.mark.time_limit(560)
def test_a_day_in_which_processes_are_killed_is_still_sound(
    wattmesh: Wattmesh, tmp_path: Path
) -> None:
    """Nothing is lost, late or unverified although every process on the way dies."""
    file = tmp_path / "report.json"
    run = wattmesh.start("demo", "--days", "1", "--rate", "600", "--plain", "--report", str(file))
    kill_through_the_day(run)

    status = run.wait(300)

    report = json.loads(file.read_text())
    assert status == 0, run.output
    assert run.output.count("was killed by SIGKILL") == len(VICTIMS)
    assert report["readings"]["stored"] == report["readings"]["published"]
    assert report["plans"]["failed"] == report["plans"]["late"] == 0
    assert report["commands"]["verified"] == report["commands"]["issued"] == 5 * 24


def kill_through_the_day(run: Run) -> None:
    """Kill one process after the other, hours apart and never at the same minute of the hour."""
    clock = parse_clock(run.state()["clock"])
    begin = clock.now()
    for index, name in enumerate(VICTIMS):
        when = begin + timedelta(hours=4 + 2 * index, minutes=7 * index)
        while clock.now() < when:
            time.sleep(0.05)
        run.kill(name)
