"""Takes copies of a server that runs, and follows its log."""

from datetime import datetime
from pathlib import Path

import psycopg

from wattmesh_local.backup.folder import BackupFolder, Copy
from wattmesh_local.backup.programs import BackupError, run_program

SLOT = "wattmesh_backup"
"""The server keeps the log that whoever follows has not had yet under this name."""


class TakeBackups:
    """Takes backups of one server into one folder. `programs`: the folder of PostgreSQL's own."""

    def __init__(self, url: str, folder: BackupFolder, programs: Path) -> None:
        self._url = url
        self._folder = folder
        self._programs = programs

    async def copy(self) -> Copy:
        """Copy the whole server, with as much of the log as makes the copy whole, and verify it.

        Error: BackupError with PostgreSQL's words; nothing half is left under a name.
        """
        unfinished = self._folder.begin()
        await run_program(
            self._programs / "pg_basebackup",
            *("--dbname", self._url, "--pgdata", str(unfinished)),
            *("--wal-method=stream", "--checkpoint=fast", "--label=wattmesh"),
        )
        await verify(unfinished, self._programs)
        return self._folder.finish(unfinished, await self._now())

    async def follow(self) -> None:
        """Receive the log as it is written, until cancelled; a server that is away is waited for.

        What is not received yet is kept by the server. Error: BackupError.
        """
        self._folder.log.mkdir(parents=True, exist_ok=True, mode=0o700)
        receive = self._programs / "pg_receivewal"
        here = ("--dbname", self._url, "--slot", SLOT)
        await run_program(receive, *here, "--create-slot", "--if-not-exists")
        await run_program(receive, *here, "--directory", str(self._folder.log), "--synchronous")

    async def _now(self) -> datetime:
        """Return the server's own time: that by which moments of its log are told."""
        try:
            async with await psycopg.AsyncConnection.connect(self._url) as connection:
                row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
        except psycopg.Error as error:
            raise BackupError(f"the server is away: {error}") from error
        assert row is not None
        moment: datetime = row[0]
        return moment


async def verify(copy: Path, programs: Path) -> None:
    """Compare every file of a copy with its manifest. Error: BackupError naming one."""
    await run_program(programs / "pg_verifybackup", "--quiet", str(copy))
