"""PostgreSQL's own programs for backups, and what they say when they fail."""

import asyncio
import contextlib
from pathlib import Path

_LAST_LINES = 3


class BackupError(Exception):
    """A backup was not made, or does not lead back; the text says why."""


async def run_program(program: Path, *arguments: str) -> str:
    """Run a program to its end; return what it prints.

    A caller that is cancelled ends it. Error: BackupError with its own last words.
    """
    process = await asyncio.create_subprocess_exec(
        *(str(program), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
    if process.returncode:
        words = complaint.decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        raise BackupError(f"{program.name}: {' / '.join(words)}")
    return output.decode(errors="replace")
