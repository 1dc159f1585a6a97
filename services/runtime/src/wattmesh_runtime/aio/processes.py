"""Processes that a service starts while it has threads.

uvloop's own way forks and runs every library's fork handlers in the child, gRPC's among them, which
wait for threads that are not there. Now and then such a child never comes to its program, and the
whole service waits for it. Here the standard library starts the process: it runs no handler.
"""

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterable
from typing import IO


class ChildProcess:
    """A running process; `stdout` is None unless its output is read."""

    def __init__(
        self, process: subprocess.Popen[bytes], stdout: asyncio.StreamReader | None
    ) -> None:
        self.stdout = stdout
        self._process = process
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        threading.Thread(target=self._reap, args=(self._ended.get_loop(),), daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, negative by a signal; None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Return how it ended, once it has."""
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        """Ask it to end; nothing when it has ended."""
        self._process.terminate()

    def kill(self) -> None:
        """End it; nothing when it has ended."""
        self._process.kill()

    def _reap(self, loop: asyncio.AbstractEventLoop) -> None:
        code = self._process.wait()
        try:
            loop.call_soon_threadsafe(self._tell, code)
        except RuntimeError:
            """The loop is closed: nobody asks any more."""

    def _tell(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)


async def start_process(
    *command: str | os.PathLike[str], pass_fds: Iterable[int] = (), read_output: bool = False
) -> ChildProcess:
    """Start a program without input; its errors, and output unless that is read, go where ours do.

    Error: OSError when it cannot be started.
    """
    process = await asyncio.to_thread(_start, command, tuple(pass_fds), read_output)
    reader = None if process.stdout is None else await _reader(process.stdout)
    return ChildProcess(process, reader)


def _start(
    command: tuple[str | os.PathLike[str], ...], pass_fds: tuple[int, ...], read_output: bool
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if read_output else None,
        pass_fds=pass_fds,
    )


async def _reader(output: IO[bytes]) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), output
    )
    return reader
