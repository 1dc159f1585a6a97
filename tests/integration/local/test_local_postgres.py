"""The embedded PostgreSQL: keeps its data, ends with whoever started it."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.fakes.stopwatch import Stopwatch
from wattmesh_local.postgres import EmbeddedPostgres, PostgresError

START_AND_WAIT = """
import sys, time
from pathlib import Path
from wattmesh_local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


def test_data_is_kept_between_runs_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "kept 100% & more"
    with EmbeddedPostgres(folder, durable=False) as server:
        url = server.create_database("mesh")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with (
        EmbeddedPostgres(folder, durable=False, keep=False) as server,
        psycopg.connect(server.create_database("mesh")) as connection,
    ):
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert not folder.exists()


def test_it_ends_with_a_parent_that_is_killed_and_starts_again(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with EmbeddedPostgres(tmp_path, durable=False, keep=False) as server:
        assert server.running
    command = Path(f"/proc/{pid}/cmdline")
    assert not command.exists() or not command.read_bytes()  # gone, or not yet reaped


def test_it_stops_fast_under_connected_clients(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False, keep=False) as server:
        client = psycopg.connect(server.url())
        with Stopwatch() as watch:
            server.stop()
    assert watch.seconds < 5
    client.close()


def test_two_servers_on_one_data_folder_are_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False, keep=False):
        second = EmbeddedPostgres(tmp_path, durable=False, patience_seconds=0.2)
        with pytest.raises(PostgresError, match="already runs"):
            second.start()


def test_a_keyboard_interrupt_of_ours_does_not_reach_it(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False, keep=False) as server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)
