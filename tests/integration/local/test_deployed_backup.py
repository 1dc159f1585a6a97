"""The scripts that run beside a deployed database, against a real server: copy, follow, restore."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.fakes.eventually import eventually
from tools.bootstrap import ROOT
from wattmesh_local.backup.folder import BackupFolder
from wattmesh_local.postgres import EmbeddedPostgres
from wattmesh_local.postgres_places import PostgresPlaces

SCRIPTS = ROOT / "deploy" / "backup"


def surroundings(server: EmbeddedPostgres, places: PostgresPlaces, kept: Path) -> dict[str, str]:
    with psycopg.connect(server.url()) as connection:
        host, port, user = connection.info.host, connection.info.port, connection.info.user
    return {
        "PATH": f"{places.programs}:{os.environ['PATH']}",
        "BACKUPS": str(kept),
        "KEEP": "1",
        "PGHOST": host,
        "PGPORT": str(port),
        "PGUSER": user,
        "PGDATABASE": "postgres",
    }


def run(name: str, environment: Mapping[str, str], *arguments: str) -> str:
    command = ["/bin/sh", str(SCRIPTS / name), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def add(server: EmbeddedPostgres, reading: str) -> str:
    """Store a reading; return a moment after its commit."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS readings (name text)")
        connection.execute("INSERT INTO readings VALUES (%s)", (reading,))
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0] + timedelta(microseconds=1)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def readings(server: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(server.url()) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM readings").fetchall()]


def is_received(server: EmbeddedPostgres) -> bool:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(
            "SELECT bool_and(flush_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication"
        ).fetchone()
    return bool(row and row[0])


async def test_a_deployed_database_comes_back_to_a_moment_by_the_scripts_alone(
    tmp_path: Path,
) -> None:
    folder, kept = tmp_path / "postgres", tmp_path / "kept"
    places = PostgresPlaces(folder)
    with EmbeddedPostgres(folder) as server:
        environment = surroundings(server, places, kept)
        add(server, "before")
        run("copy.sh", environment)
        follower = await asyncio.create_subprocess_exec(
            "/bin/sh", str(SCRIPTS / "follow.sh"), env=environment
        )
        try:
            moment = await asyncio.to_thread(add, server, "between")
            await asyncio.to_thread(run, "copy.sh", environment)
            later = await asyncio.to_thread(add, server, "later")
            await asyncio.to_thread(add, server, "last")
            await eventually(lambda: is_received(server))
        finally:
            with contextlib.suppress(ProcessLookupError):
                follower.terminate()
            await follower.wait()
        (copy,) = BackupFolder(kept).copies()
        restoring = {**environment, "PGDATA": str(places.data)}
        with pytest.raises(RuntimeError, match="a server runs"):
            run("restore.sh", restoring)
    with pytest.raises(RuntimeError, match="leads back to"):
        run("restore.sh", restoring, moment)
    assert copy.moment > datetime.fromisoformat(moment), "the first copy has gone"
    with pytest.raises(RuntimeError, match="written 2026"):
        run("restore.sh", restoring, "yesterday")
    run("restore.sh", restoring, later)
    places.give_tree(places.data)
    places.give_tree(places.data.with_name("restored-wal"))
    with EmbeddedPostgres(folder) as server:
        assert readings(server) == ["before", "between", "later"]
