"""One worker process, as the service sees it."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_optimizer.adapters.frames import HEADER, answer_of
from wattmesh_optimizer.app.ports import Answer

BUSY_FACTOR = 8
SHARE_OF_WORK = 0.8
"""Of the time allowed: the system's clock of work is coarse."""
LONG_NICENESS = 10
"""Of a worker with a long solve: short ones go before it on a busy machine."""


@dataclass(slots=True, eq=False)
class WorkerProcess:
    """A forked process at the other end of a socket pair. It does one job at a time."""

    process_id: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_long: bool = False
    _size: int | None = None

    async def send(self, frame: bytes) -> None:
        """Hand over a job."""
        self._size = None
        with _ended():
            self.writer.write(frame)
            await self.writer.drain()

    async def answer_within(self, seconds: float) -> Answer | None:
        """Return the answer; None once the process has worked that long without one.

        On a busy machine a little work takes long: what counts is processor time, and at most
        `BUSY_FACTOR` times as much time of the wall.
        """
        worked_before = self._worked_s()
        for _ in range(BUSY_FACTOR):
            try:
                async with asyncio.timeout(seconds):
                    return await self.answer()
            except TimeoutError:
                if self._worked_s() - worked_before >= seconds * SHARE_OF_WORK:
                    return None
        return None

    async def answer(self) -> Answer:
        """Return the answer. ResourceExhausted when the process ended over the job."""
        with _ended():
            if self._size is None:
                (self._size,) = HEADER.unpack(await self.reader.readexactly(HEADER.size))
            return answer_of(await self.reader.readexactly(self._size))

    def pause(self) -> None:
        """Stop the process where it is; it takes no processor time until it is resumed."""
        self.is_long = True
        self._signal(signal.SIGSTOP)

    def resume_as_long(self) -> None:
        """Let it go on behind every short solve, from now on."""
        self.is_long = True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process_id, LONG_NICENESS)
        self._signal(signal.SIGCONT)

    def _worked_s(self) -> float:
        """Return the processor time of the process; where the system does not say, wall time."""
        try:
            fields = Path(f"/proc/{self.process_id}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process_id, number)


@contextlib.contextmanager
def _ended() -> Iterator[None]:
    try:
        yield
    except (OSError, asyncio.IncompleteReadError) as error:
        raise ResourceExhausted(
            "SOLVE_TOO_LARGE", "the problem takes more memory than a solve may have"
        ) from error
