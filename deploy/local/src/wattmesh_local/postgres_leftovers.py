"""What a PostgreSQL server leaves behind when it is killed: children that hold its shared memory.

They end by themselves when they next look up, but not while they are stopped or compute; and as
long as one is there, no server starts on the same data.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LEAVE_SECONDS = 1.0


def end_leftovers(data: Path) -> None:
    """End the processes of a server that is dead: all that have its data as their folder."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + _LEAVE_SECONDS
        _signal_all(data, number)
        while any(_left_on(data)) and time.monotonic() < deadline:
            time.sleep(0.02)


def _signal_all(data: Path, number: signal.Signals) -> None:
    for pid in _left_on(data):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _left_on(data: Path) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):  # where there is none, they end by themselves
        with suppress(OSError):
            is_postgres = (entry / "comm").read_text().strip() == "postgres"
            if is_postgres and (entry / "cwd").readlink() == data:
                yield int(entry.name)
