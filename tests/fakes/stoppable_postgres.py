"""A PostgreSQL server of a test's own that may be killed, or stand still."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wattmesh_local.postgres import EmbeddedPostgres


def family(pid: int) -> list[int]:
    """Return a process and its children, the parent first."""
    found = [pid]
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if entry.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(entry.parent.name))
    return found


def kill_server(server: EmbeddedPostgres) -> None:
    """End it as kill -9 does, with all of its children, which see it in their own time."""
    assert server.pid is not None
    for pid in family(server.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.stop()


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Have a server and its children answer nothing, without a word to anybody."""
    stopped: list[int] = []
    try:
        # The parent first, so that it starts no more; a child may end before its turn comes.
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)
        for each in family(pid)[1:]:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)
                stopped.append(each)
        yield
    finally:
        for each in stopped:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)
