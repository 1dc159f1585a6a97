"""What is written down of a mesh is read while that mesh is there, and never after it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattmesh_kernel.errors import NotFound
from wattmesh_local.running.state import MeshState


@pytest.fixture
def mesh(tmp_path: Path) -> MeshState:
    (tmp_path / "run").mkdir()
    return MeshState(tmp_path)


def test_a_mesh_that_runs_is_read(mesh: MeshState) -> None:
    mesh.write({"pid": os.getpid(), "targets": {"metering": "127.0.0.1:1"}})

    assert mesh.is_there
    assert mesh.read()["targets"] == {"metering": "127.0.0.1:1"}


def test_what_a_killed_mesh_left_behind_is_not_taken_for_one_that_runs(mesh: MeshState) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    mesh.write({"pid": ended.pid, "targets": {}})

    assert not mesh.is_there
    with pytest.raises(NotFound, match="no mesh is running here"):
        mesh.read()
