"""One run at a time in a state folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wattmesh_local.running.process import ProcessError


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; ProcessError when another run holds it.

    The operating system lets go of it when the process ends, however that comes about.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise ProcessError(
                f"a mesh already runs in {folder} (process {file.read().strip()}); "
                "end it, or give this one a folder of its own with WATTMESH_STATE"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def somebody_is_in(folder: Path) -> bool:
    """Return whether a run holds the folder."""
    if not (folder / "lock").exists():
        return False
    with (folder / "lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
