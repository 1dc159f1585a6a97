"""The whole mesh, from the command."""

from collections.abc import Iterator

import pytest

from tests.e2e.wattmesh_command import DATA, Wattmesh


@pytest.fixture(scope="session")
def wattmesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wattmesh]:
    """The command, with one state folder for all end-to-end tests."""
    assert DATA.is_dir(), "the homes' data is missing: `make setup` fetches it"
    command = Wattmesh(tmp_path_factory.mktemp("wattmesh"))
    try:
        yield command
    finally:
        command.end()
