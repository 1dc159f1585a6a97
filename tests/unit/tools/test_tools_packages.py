"""What others install of ours: the contracts with their files and types, and the client."""

import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tools.bootstrap import ROOT


def built(folder: Path, into: Path) -> set[str]:
    """Return the names of the files in a distribution's wheel."""
    (wheel,) = WheelBuilder(str(ROOT / folder)).build(directory=str(into), versions=["standard"])
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def test_the_contracts_come_with_their_files_and_types(tmp_path: Path) -> None:
    names = built(Path("protos/python"), tmp_path)
    contracts = {
        path.relative_to(ROOT / "protos").as_posix()
        for path in (ROOT / "protos/wattmesh").rglob("*.proto")
    }
    assert contracts <= names
    assert "wattmesh/py.typed" in names
    assert {"wattmesh/site/v1/site_pb2.py", "wattmesh/site/v1/site_pb2.pyi"} <= names
    assert not any(name.endswith("proto_files.py") for name in names)


def test_the_client_says_that_it_has_types(tmp_path: Path) -> None:
    names = built(Path("clients/python"), tmp_path)
    assert {"wattmesh_client/__init__.py", "wattmesh_client/py.typed"} <= names


@pytest.mark.parametrize("folder", ["protos/python", "clients/python"])
def test_whoever_installs_it_chooses_the_versions(folder: str) -> None:
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    assert all("==" not in each for each in project["dependencies"])
