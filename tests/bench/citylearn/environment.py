"""The physics as the product meets it: a process in an environment of its own."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
KEPT = ROOT / ".wattmesh" / "bench" / "citylearn"
"""Where the environment and the forecasts of the year are kept."""
PINS = HERE / "requirements.txt"
UV = ROOT / ".tools" / "uv" / "bin" / "uv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What meters have read of the hour that has just passed, home by home [kW]."""

    hour: int
    load_kw: list[float]
    pv_kw: list[float]
    net_kw: list[float]
    stored_ratio: list[float]
    carbon_kg_per_kwh: float
    price_per_kwh: float


Costs = dict[str, list[float]]
"""Price, emission, ramping and load factor, each with control and without."""


def play(decide: Callable[[Known], list[float]], hours: range) -> Costs:
    """Play consecutive hours with what `decide` tells the batteries [kW]; return what it cost."""
    with _physics(hours) as process:
        for said in _lines(process):
            if "hour" not in said:
                return said
            _tell(process, decide(Known(**said)))
    raise RuntimeError("the physics ended early")


def _lines(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)


def _tell(process: "subprocess.Popen[str]", powers_kw: list[float]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(powers_kw) + "\n")
    process.stdin.flush()


@contextmanager
def _physics(hours: range) -> Iterator["subprocess.Popen[str]"]:
    script = [str(HERE / "physics.py"), str(hours.start), str(hours.stop - 1)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [str(_python()), "-W", "ignore", *script]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **pipes)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def data_folder() -> Path:
    """Return where the data set is that the physics runs on."""
    (package,) = _python().parent.parent.glob("lib/python*/site-packages/citylearn")
    return package / "data" / "citylearn_challenge_2022_phase_1"


def _python() -> Path:
    """Return the Python of the environment; make it when there is none for these pins."""
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    folder = KEPT / f"venv-{pins}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [UV, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True
        )
        install = ["--no-deps", "--require-hashes", "-r", str(PINS), "--python", str(python)]
        subprocess.run([UV, "pip", "install", "-q", *install], check=True)
        (folder / "ready").touch()
    return python
