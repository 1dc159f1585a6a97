import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.eventually import within
from tests.fakes.stopwatch import Stopwatch
from wattmesh_local.running.alone import alone_in
from wattmesh_local.running.job import run_job
from wattmesh_local.running.ports import free_targets
from wattmesh_local.running.process import ProcessError, ProcessEvent, ProcessSpec
from wattmesh_local.running.supervisor import Supervisor

LISTEN = """
import socket, sys, time
host, port = sys.argv[1].split(":")
server = socket.create_server((host, int(port)))
while True:
    time.sleep(0.1)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTEN

TIDY = (
    """
import signal, sys, time
def tidy(*_):
    time.sleep(1.2)
    sys.exit()
signal.signal(signal.SIGTERM, tidy)
"""
    + LISTEN
)


def spec(code: str, target: str) -> ProcessSpec:
    return ProcessSpec(
        name="victim",
        arguments=("-c", code, target),
        environment=dict(os.environ),
        target=target,
        grpc=False,
    )


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with within(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_killed_process_is_restarted_and_said_so(tmp_path: Path) -> None:
    told: list[ProcessEvent] = []
    (target,) = free_targets(1)
    async with Supervisor(tmp_path, told.append) as supervisor:
        await supervisor.start([spec(LISTEN, target)])
        process = supervisor.processes["victim"]
        first = process.pid
        assert first is not None

        os.kill(first, signal.SIGKILL)
        await until(lambda: process.restarts == 1 and process.pid not in (None, first))
        await process.ready()

    assert told[0].text == "was killed by SIGKILL, restarting"


async def test_leaving_ends_every_process(tmp_path: Path) -> None:
    targets = free_targets(1)
    async with Supervisor(tmp_path, lambda event: None) as supervisor:
        await supervisor.start([spec(LISTEN, targets[0])])
        pid = supervisor.processes["victim"].pid

    assert pid is not None
    assert not alive(pid)


async def test_a_process_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    told: list[ProcessEvent] = []
    (target,) = free_targets(1)
    async with Supervisor(tmp_path, told.append) as supervisor:
        await supervisor.start([spec(STUBBORN, target)])
        pid = supervisor.processes["victim"].pid

    assert pid is not None
    assert not alive(pid)
    assert told[-1].text == "does not stop, killed"


async def test_processes_that_stand_still_do_not_hold_up_the_end_one_after_the_other(
    tmp_path: Path,
) -> None:
    targets = free_targets(3)
    with Stopwatch() as watch:
        async with Supervisor(tmp_path, lambda event: None, all_stop_seconds=1.5) as supervisor:
            for number, target in enumerate(targets):
                await supervisor.start([replace(spec(LISTEN, target), name=f"victim-{number}")])
            pids = [process.pid for process in supervisor.processes.values()]
            for pid in pids:
                assert pid is not None
                os.kill(pid, signal.SIGSTOP)
            began = watch.seconds
    assert watch.seconds - began < 4
    assert not any(alive(pid) for pid in pids if pid)


async def test_a_slow_group_takes_no_time_from_the_one_that_is_ended_after_it(
    tmp_path: Path,
) -> None:
    told: list[ProcessEvent] = []
    first, last = free_targets(2)
    async with Supervisor(tmp_path, told.append, all_stop_seconds=4) as supervisor:
        await supervisor.start([replace(spec(TIDY, first), name="tidy")])
        await supervisor.start([replace(spec(STUBBORN, last), name="stubborn")])

    assert [(event.name, event.text) for event in told] == [("stubborn", "does not stop, killed")]


async def test_a_process_that_was_stopped_and_started_anew_ends_once(tmp_path: Path) -> None:
    told: list[ProcessEvent] = []
    (target,) = free_targets(1)
    async with Supervisor(tmp_path, told.append, all_stop_seconds=4) as supervisor:
        await supervisor.start([replace(spec(LISTEN, target), name="metering")])
        await supervisor.stop(["metering"])
        await supervisor.start([replace(spec(STUBBORN, target), name="metering")])

    assert [(event.name, event.text) for event in told] == [("metering", "does not stop, killed")]


async def test_a_process_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (target,) = free_targets(1)
    async with Supervisor(tmp_path, lambda event: None) as supervisor:
        with pytest.raises(ProcessError, match="no such database"):
            await supervisor.start([spec("raise SystemExit('no such database')", target)])


async def test_a_job_returns_what_it_printed(tmp_path: Path) -> None:
    heard: list[str] = []
    code = "print('hello'); print('there')"

    text = await run_job("greet", ("-c", code), dict(os.environ), tmp_path / "log", heard.append)

    assert text == "hello\nthere"
    assert heard == ["hello", "there"]


async def test_a_failed_job_says_why(tmp_path: Path) -> None:
    code = "import sys; print('no data there', file=sys.stderr); sys.exit(3)"

    with pytest.raises(ProcessError, match="no data there"):
        await run_job("load", ("-c", code), dict(os.environ), tmp_path / "log")


async def test_processes_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    (target,) = free_targets(1)
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from wattmesh_local.running.process import ProcessSpec\n"
        "from wattmesh_local.running.supervisor import Supervisor\n"
        "async def main():\n"
        f"    spec = ProcessSpec(name='victim', arguments=('-c', {LISTEN!r}, {target!r}),\n"
        f"        environment=dict(os.environ), target={target!r}, grpc=False)\n"
        f"    async with Supervisor(Path({str(tmp_path)!r}), print) as supervisor:\n"
        "        await supervisor.start([spec])\n"
        "        print(supervisor.processes['victim'].pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pid = int(await asyncio.wait_for(process.stdout.readline(), 20))
    assert alive(pid)

    process.kill()
    await process.wait()

    await until(lambda: not alive(pid))


def test_a_second_run_in_the_same_folder_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path),
        pytest.raises(ProcessError, match=f"process {os.getpid()}"),
        alone_in(tmp_path),
    ):
        pass

    with alone_in(tmp_path):
        pass
