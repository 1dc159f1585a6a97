"""Writes models as trainings do, but untrained: `python -m tests.fakes.forecast_model FOLDER`.

Real networks of the usual size in real SavedModels, `FOLDER/load/1` and `FOLDER/pv/1`. A script, so
that a test can have them without TensorFlow in its own process.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from tests.fakes.forecast_assets import load_hours, pv_hours
from wattmesh_forecast.domain.features import model_input
from wattmesh_forecast.domain.hours import Batch, Rows
from wattmesh_forecast.domain.kinds import MODELLED, Kind
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_forecast.training import load_network, network
from wattmesh_forecast.training.config import TrainingConfig
from wattmesh_forecast.training.export import export
from wattmesh_forecast.training.load_config import LoadConfig


def _network(kind: Kind, asked: ModelInput, config: TrainingConfig, seed: int) -> Any:
    if kind is Kind.LOAD:
        return load_network.build(LoadConfig(), seed)
    return network.build(asked, config, seed)


def write(kind: Kind, folder: Path) -> None:
    """Write version 1 of the model of a kind."""
    config = TrainingConfig()
    hours = load_hours() if kind is Kind.LOAD else pv_hours()
    asked = model_input(kind, Batch.of([hours]), Rows.ahead(700, range(701, 725)))
    members = [_network(kind, asked, config, seed) for seed in range(config.members)]
    place = folder / kind.value / "1"
    place.mkdir(parents=True)
    export(network.ensemble(members), asked, kind.value, place)


if __name__ == "__main__":
    for each in MODELLED:
        write(each, Path(sys.argv[1]))
