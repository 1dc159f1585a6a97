"""What every test may use: a database of its own, and a limit on its time."""

import contextlib
import itertools
import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from types import FrameType
from typing import Protocol

import psycopg
import pytest
from hypothesis import settings
from psycopg import conninfo
from xdist.scheduler import LoadScopeScheduling

from wattmesh_local.postgres import EmbeddedPostgres

TIME_LIMIT_SECONDS = 60.0
SLOW_MACHINE = 2.0
"""A limit ends what hangs: a machine that is busy with others gets that many times as long."""

# How long one example takes says on a busy machine how busy it is.
settings.register_profile("wattmesh", deadline=None)
settings.load_profile("wattmesh")

_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "main")
_numbers = itertools.count(1)


class DatabaseServer(Protocol):
    """Whatever runs databases for tests."""

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""


class ExternalServer:
    """A server that is already there, named by --database-url."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str = "postgres") -> str:
        return conninfo.make_conninfo(self._url, dbname=database)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-url", help="run the storage tests on this server (PostgreSQL or TimescaleDB)"
    )


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process whole files of tests, and one of them all that run the whole mesh.

    Those mostly wait for simulated days and share the models that they train, so they come first
    and the other tests run beside them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/e2e" if file.startswith("tests/e2e/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Share the tests of `--numprocesses` among the processes."""
    return ByFile(config, log)


@pytest.fixture(scope="session")
def database_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseServer]:
    """The session's server: the embedded one, unless --database-url names another."""
    external: str | None = request.config.getoption("--database-url")
    if external is not None:
        yield ExternalServer(external)
        return
    folder: Path = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(folder, durable=False, keep=False) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def no_database_left_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove what databases of tests put outside of the tests' folder, as they do for root."""
    yield
    for note in tmp_path_factory.getbasetemp().rglob("postgres-place"):
        shutil.rmtree(note.read_text().strip(), ignore_errors=True)


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    """The URL of a fresh, empty database that is dropped after the test."""
    name = f"test_{_PROCESS}_{next(_numbers)}"
    with psycopg.connect(database_server.url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
        yield database_server.url(name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    with _time_limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with _time_limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with _time_limit(item):
        return (yield)


@contextlib.contextmanager
def _time_limit(item: pytest.Item) -> Iterator[None]:
    """Fail a test that hangs, async or not; `@pytest.mark.time_limit(seconds)` allows more."""
    marker = item.get_closest_marker("time_limit")
    seconds = SLOW_MACHINE * (float(marker.args[0]) if marker else TIME_LIMIT_SECONDS)

    def expire(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    # Repeated: a failure raised inside of a background task would only end that task.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
