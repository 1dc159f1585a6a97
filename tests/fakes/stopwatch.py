"""How long something took of the time that the machine gave us."""

import threading
import time
from types import TracebackType
from typing import Self

_TICK_SECONDS = 0.01


class Stopwatch:
    """Counts ticks of a thread that sleeps and does nothing else.

    A second counts for less than a second where the machine is busy with others or stands still:
    what is asserted of a process holds there as on a quiet machine.
    """

    def __init__(self) -> None:
        self._ticks = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        """Since it was entered, until now or its end; about 1 % less than a wall clock says."""
        return self._ticks * _TICK_SECONDS

    def _run(self) -> None:
        while not self._ended.is_set():
            time.sleep(_TICK_SECONDS)
            self._ticks += 1
