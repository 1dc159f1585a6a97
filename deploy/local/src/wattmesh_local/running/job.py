"""A process that does something once."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from wattmesh_local import tether
from wattmesh_local.running.process import ProcessError


async def run_job(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], log_file: Path
) -> str:
    """Run `python ARGUMENTS` to its end; return what it printed.

    Error: ProcessError with the end of its log when it fails. A job that is cancelled is ended.
    """
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
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    text = output.decode(errors="replace")
    if process.returncode:
        raise ProcessError("\n".join((f"{name} failed:", *_log_end(log_file), text.strip())))
    return text


def _open_log(log_file: Path) -> BinaryIO:
    log_file.parent.mkdir(parents=True, exist_ok=True)
    return log_file.open("ab")


def _log_end(log_file: Path) -> list[str]:
    return log_file.read_text(errors="replace").splitlines()[-15:]
