import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.wattmesh_command import Wattmesh
from tests.fakes.stopwatch import Stopwatch


@pytest.mark.time_limit(400)
def test_ctrl_c_ends_every_process_within_ten_seconds(wattmesh: Wattmesh) -> None:
    run = wattmesh.start("up", "--plain")
    pids = [pid for pid in run.state()["pids"].values() if pid]
    assert len(pids) >= 10

    with Stopwatch() as watch:
        os.kill(run.process.pid, signal.SIGINT)
        run.wait(40)

    assert watch.seconds < 10
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.time_limit(120)
def test_ctrl_c_while_models_are_trained_ends_at_once_and_without_a_traceback(
    tmp_path: Path,
) -> None:
    command = Wattmesh(tmp_path)
    run = command.start("demo", "--days", "1", "--plain")
    deadline = time.monotonic() + 90
    while "training" not in run.output and time.monotonic() < deadline:
        time.sleep(0.1)

    with Stopwatch() as watch:
        os.kill(run.process.pid, signal.SIGINT)
        assert run.wait(40) == 130

    assert watch.seconds < 10
    assert "stopping" in run.output
    assert "Traceback" not in run.output


@pytest.mark.time_limit(120)
def test_a_terminal_that_is_closed_ends_everything_and_leaves_no_traceback(tmp_path: Path) -> None:
    command = Wattmesh(tmp_path)
    run = command.start("demo", "--days", "1", "--plain")
    deadline = time.monotonic() + 90
    while "starting PostgreSQL" not in run.output and time.monotonic() < deadline:
        time.sleep(0.1)

    os.kill(run.process.pid, signal.SIGHUP)

    assert run.wait(40) == 130
    assert "Traceback" not in run.output
    left = [each for each in Path("/proc").glob("[0-9]*/cmdline") if _mentions(each, tmp_path)]
    assert left == []


def _mentions(command_line: Path, folder: Path) -> bool:
    try:
        return str(folder).encode() in command_line.read_bytes()
    except OSError:  # it has just ended
        return False
