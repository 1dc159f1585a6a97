"""The `wattmesh` command as a user runs it, and the means to look at and disturb it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattmesh_local.mqtt_broker.accounts import Accounts, as_somebody

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".wattmesh/data/citylearn/citylearn/data/citylearn_challenge_2022_phase_all"
COMMAND = (sys.executable, "-m", "wattmesh_local")


@dataclass
class Run:
    """A running or ended `wattmesh` command."""

    process: subprocess.Popen[bytes]
    state_folder: Path
    output_file: Path

    @property
    def output(self) -> str:
        return self.output_file.read_text(errors="replace")

    def wait(self, seconds: float) -> int:
        """Return the exit status."""
        return self.process.wait(seconds)

    def state(self) -> dict[str, Any]:
        """Where everything runs; waits until everything does."""
        file = self.state_folder / "run" / "mesh.json"
        deadline = time.monotonic() + 300
        while (state := _own_state(file, self.process.pid)) is None:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)
        return state

    def broker_url(self, name: str, *below: str) -> str:
        """Let a device in at the mesh's broker; return the URL with its name and password.

        `below`: topics of its own besides `devices/NAME`.
        """
        accounts = Accounts(Path(self.state()["mqtt_accounts"]))
        return as_somebody(self.state()["mqtt_url"], name, accounts.allow(name, below))

    def kill(self, name: str) -> None:
        """SIGKILL one process of the mesh."""
        os.kill(self.state()["pids"][name], signal.SIGKILL)


def _own_state(file: Path, pid: int) -> dict[str, Any] | None:
    """Return what that process wrote; None before it did: a killed one leaves its file behind."""
    try:
        state: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    return state if state["pid"] == pid else None


class Wattmesh:
    """Starts `wattmesh` commands that share a state folder, so that models are trained once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state_folder = folder / "a state with blanks"  # as people name their folders
        self._runs: list[Run] = []

    def start(self, *arguments: str, otlp_endpoint: str = "") -> Run:
        self.end()  # what a failed test left: two cannot be in one folder
        output_file = self.folder / f"output-{len(self._runs)}.log"
        environment = {
            **os.environ,
            "WATTMESH_STATE": str(self.state_folder),
            "WATTMESH_DATA": str(DATA),
        }
        if otlp_endpoint:
            environment["WATTMESH_OTLP_ENDPOINT"] = otlp_endpoint
        with output_file.open("wb") as output:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        run = Run(process=process, state_folder=self.state_folder, output_file=output_file)
        self._runs.append(run)
        return run

    def end(self) -> None:
        for run in self._runs:
            if run.process.poll() is None:
                run.process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    run.process.wait(20)
            if run.process.poll() is None:
                run.process.kill()
