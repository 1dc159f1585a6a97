"""A process that does something once."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from wattmesh_local import tether
from wattmesh_local.running.process import ProcessError


async def run_job(
    name: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log_file: Path,
    on_line: Callable[[str], None] | None = None,
    *,
    niceness: int = 0,
) -> str:
    """Run `python ARGUMENTS` to its end; return what it printed, which `on_line` hears at once.

    With `niceness` it lets everything else go first (0 to 19).

    Error: ProcessError with the end of its log when it fails. A job that is cancelled is ended.
    """
    lines = []
    with _open_log(log_file) as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", tether.__file__, "-", str(int(signal.SIGTERM))),
            *(sys.executable, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=dict(environment),
            start_new_session=True,
        )
        if niceness:
            with suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PGRP, process.pid, niceness)
        try:
            async for line in _lines(process):
                lines.append(line)
                if on_line is not None:
                    on_line(line)
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    text = "\n".join(lines)
    if await process.wait():
        raise ProcessError("\n".join((f"{name} failed:", *_log_end(log_file), text)))
    return text


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    async for line in process.stdout:
        yield line.decode(errors="replace").rstrip("\n")


def _open_log(log_file: Path) -> BinaryIO:
    log_file.parent.mkdir(parents=True, exist_ok=True)
    return log_file.open("ab")


def _log_end(log_file: Path) -> list[str]:
    return log_file.read_text(errors="replace").splitlines()[-15:]
