"""Where everything of a running mesh is: written down for commands that speak to it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_runtime.clocks import clock_from_spec


class MeshState:
    """The file `run/mesh.json` of a state folder; it is there while a mesh serves.

    One that was killed leaves its file behind: its `pid` says whose it is, and nothing is read of a
    process that is no more.
    """

    def __init__(self, state_folder: Path) -> None:
        self._file = state_folder / "run" / "mesh.json"

    @property
    def is_there(self) -> bool:
        """Whether a mesh serves."""
        return self._written() is not None

    def read(self) -> dict[str, Any]:
        """Return what the mesh wrote down. Error: NotFound when none serves here."""
        state = self._written()
        if state is None:
            raise NotFound("DEPENDENCY_UNAVAILABLE", "no mesh is running here")
        return state

    def _written(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = json.loads(self._file.read_text())
        except FileNotFoundError:
            return None
        return state if _runs(state.get("pid")) else None

    def identity(self) -> Path | None:
        """Return the folder of what the command shows to this mesh; None: it speaks plaintext."""
        named = self.read().get("identity")
        return None if named is None else Path(named)

    def clock(self) -> Clock:
        """Return the mesh's own time. Error: NotFound when none serves here."""
        return clock_from_spec(self.read()["clock"])

    def write(self, state: dict[str, Any]) -> None:
        """Replace the file as a whole."""
        temporary = self._file.with_name("mesh.json.new")
        temporary.write_text(json.dumps(state, indent=1))
        temporary.replace(self._file)

    def write_metrics(self, addresses: Mapping[str, str]) -> None:
        """Write down where metrics are fetched, as Prometheus reads files of targets."""
        targets = [
            {"targets": [address], "labels": {"process": name}}
            for name, address in addresses.items()
        ]
        temporary = self._file.with_name("prometheus.json.new")
        temporary.write_text(json.dumps(targets, indent=1))
        temporary.replace(self._file.parents[1] / "prometheus.json")

    def remove(self) -> None:
        """Say that nothing serves any more."""
        self._file.unlink(missing_ok=True)


def _runs(pid: int | None) -> bool:
    if pid is None:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        pass
    return True
