"""Brings a server back to a moment: a copy, and the log up to there."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from wattmesh_local.backup.folder import PARTIAL, BackupFolder, Copy
from wattmesh_local.backup.programs import BackupError
from wattmesh_local.backup.take import verify
from wattmesh_local.postgres import EmbeddedPostgres, PostgresError
from wattmesh_local.postgres_places import PostgresPlaces

_LOG = "restored-wal"
_SETTINGS = "postgresql.auto.conf"
_SIGNAL = "recovery.signal"
_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What came of it; `last_commit`: the newest of the log that counts, None if only the copy."""

    copy: Copy
    last_commit: datetime | None
    aside: Path | None
    """Where the data are that were there before."""


async def restore(
    backups: BackupFolder, server_folder: Path, *, until: datetime | None = None
) -> Restored:
    """Replace a server's data by those of a moment; None: all that was received.

    What was there before stays beside. The server must not run. Error: BackupError when no copy is
    old enough, a copy is damaged or the log does not reach the moment; the
    data that were there before are then in their place again.
    """
    copy = backups.copy_before(until)
    places = PostgresPlaces(server_folder)
    await verify(copy.folder, places.programs)
    aside = _set_aside(places)
    try:
        _lay_out(places, copy, backups, until)
        last_commit = _recover(server_folder, places, until)
    except BaseException:
        shutil.rmtree(places.data, ignore_errors=True)
        if aside is not None:
            aside.rename(places.data)
        raise
    finally:
        shutil.rmtree(places.data.with_name(_LOG), ignore_errors=True)
    return Restored(copy=copy, last_commit=last_commit, aside=aside)


def _set_aside(places: PostgresPlaces) -> Path | None:
    if not places.data.exists():
        return None
    aside = places.data.with_name(f"data.before-{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}")
    places.data.rename(aside)
    return aside


def _lay_out(
    places: PostgresPlaces, copy: Copy, backups: BackupFolder, until: datetime | None
) -> None:
    shutil.copytree(copy.folder, places.data)
    log = places.data.with_name(_LOG)
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir()
    files = {file.name for file in backups.segments()}
    for file in backups.segments():
        whole = file.name.removesuffix(PARTIAL)
        if whole == file.name or whole not in files:
            shutil.copy(file, log / whole)
    settings = [
        f'restore_command = \'cp "{log}/%f" "%p"\'',
        "recovery_target_action = 'promote'",
        *([] if until is None else [f"recovery_target_time = '{until.isoformat()}'"]),
    ]
    with (places.data / _SETTINGS).open("a") as text:
        text.write("\n".join(["", *settings, ""]))
    (places.data / _SIGNAL).touch()
    for folder in (places.data, log):
        places.give_tree(folder)


def _recover(
    server_folder: Path, places: PostgresPlaces, until: datetime | None
) -> datetime | None:
    """Start until the log is done, so that what is started later is a server like any other."""
    server = EmbeddedPostgres(server_folder)
    said = places.log_file.stat().st_size if places.log_file.exists() else 0
    try:
        with server, psycopg.connect(server.url(), autocommit=True) as connection:
            last = _last_commit(connection)
            for name in ("restore_command", "recovery_target_action", "recovery_target_time"):
                connection.execute(f"ALTER SYSTEM RESET {name}".encode())
    except (PostgresError, psycopg.Error) as error:
        words = places.log_file.read_text(errors="replace")[said:]
        if "before configured recovery target was reached" in words:
            raise BackupError(
                f"the log that was received ends before {until}; without a moment the database is "
                "restored to the end of the log"
            ) from error
        raise BackupError(f"PostgreSQL cannot recover: {error}; {words.strip()[-500:]}") from error
    return last


def _last_commit(connection: psycopg.Connection) -> datetime | None:
    connection.execute("SET statement_timeout = 0")
    while True:
        row = connection.execute(
            "SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp()"
        ).fetchone()
        assert row is not None
        if not row[0]:
            last: datetime | None = row[1]
            return last
        connection.execute("SELECT pg_sleep(%s)", (_POLL_SECONDS,))
