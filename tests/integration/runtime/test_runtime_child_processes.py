"""Processes that a service starts: they come to their program, are read, and end when told."""

import asyncio
import signal
import subprocess
import sys

import pytest

from wattmesh_runtime.aio.processes import start_process

_WITH_A_HANDLER_THAT_HANGS = """
import os, sys, time, uvloop
from wattmesh_runtime.aio.processes import start_process

os.register_at_fork(after_in_child=lambda: time.sleep(3600))

async def main():
    process = await start_process(sys.executable, "-c", "print(6 * 7)", read_output=True)
    print((await process.stdout.read()).decode().strip(), await process.wait())

uvloop.run(main())
"""


def test_a_librarys_fork_handler_that_hangs_does_not_keep_a_process_from_its_program() -> None:
    """gRPC's now and then waits for a thread that the child does not have: forecast stood still."""
    done = subprocess.run(
        [sys.executable, "-c", _WITH_A_HANDLER_THAT_HANGS],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.split() == ["42", "0"]


async def test_what_a_process_says_is_read_line_by_line_while_it_runs() -> None:
    talks = "import sys; print('begun', flush=True); sys.stdin.read(); import time; time.sleep(60)"
    process = await start_process(sys.executable, "-c", talks, read_output=True)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    assert process.returncode is None
    process.terminate()
    assert await process.wait() == process.returncode == -signal.SIGTERM
    process.kill()  # nothing is left to be ended


async def test_who_stops_waiting_for_a_process_leaves_it_alone() -> None:
    process = await start_process(sys.executable, "-c", "import time; time.sleep(60)")
    waiting = asyncio.ensure_future(process.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert process.returncode is None
    process.kill()
    assert await process.wait() == -signal.SIGKILL


async def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await start_process("no-such-program-anywhere")
