"""A file that may be replaced while it is used: read again when it has changed."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How long a look at the file is believed [s of wall time]."""

T = TypeVar("T")


class Reloaded(Generic[T]):
    """What some files hold together; the last that made sense, while they do not.

    `read` raises when they make no sense: the first time to the caller, later into the log, once.
    """

    def __init__(self, paths: tuple[Path, ...], read: Callable[[], T]) -> None:
        self._paths = paths
        self._read = read
        self._state = self._look()
        self._complained: object = None
        self._next_look = time.monotonic() + LOOK_SECONDS
        self.value = read()
        self.version = 0
        """Grows whenever there is another value."""

    def current(self) -> T:
        """Return what the files hold now."""
        now = time.monotonic()
        if now < self._next_look:
            return self.value
        self._next_look = now + LOOK_SECONDS
        state = self._look()
        if state != self._state:
            self._take(state)
        return self.value

    def _take(self, state: tuple[object, ...]) -> None:
        try:
            value = self._read()
        except Exception as error:  # whatever is wrong with them, the old ones still hold
            if self._complained != state:
                log.warning("%s: kept as it was: %s", self._paths[0], error)
                self._complained = state
            return
        self._state, self.value = state, value
        self.version += 1
        log.info("%s: read again", self._paths[0])

    def _look(self) -> tuple[object, ...]:
        return tuple(_identity(path) for path in self._paths)


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
