"""The physics as the product meets it: a process in an environment of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import apart

ROOT = apart.ROOT
HERE = Path(__file__).resolve().parent
KEPT = apart.KEPT / "citylearn"
"""Where the environment and the forecasts of the year are kept."""
PINS = HERE / "requirements.txt"


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
    script = [str(HERE / "physics.py"), str(hours.start), str(hours.stop - 1)]
    with apart.started(script, PINS, KEPT) as process:
        for said in apart.lines(process):
            if "hour" not in said:
                return said
            apart.tell(process, decide(Known(**said)))
    raise RuntimeError("the physics ended early")


def data_folder() -> Path:
    """Return where the data set is that the physics runs on."""
    python = apart.python_of(PINS, KEPT)
    (package,) = python.parent.parent.glob("lib/python*/site-packages/citylearn")
    return package / "data" / "citylearn_challenge_2022_phase_1"
