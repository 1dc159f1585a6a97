"""A training that was asked for, and how far it is."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.time import TimeRange


class TrainingState(StrEnum):
    """Where a training stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingOrder:
    """What is to be learnt: the name of the model, whose history, and which part of it."""

    model: str
    assets: tuple[AssetId, ...]
    range: TimeRange
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """An order and what became of it; `name` is `operations/{operation}`."""

    name: str
    order: TrainingOrder
    start_time: datetime
    state: TrainingState = TrainingState.RUNNING
    stage: str = "waiting"
    progress_ratio: float = 0.0
    error: str = ""
    result: ModelVersion | None = None

    def at(self, stage: str, progress_ratio: float) -> "Training":
        """Return the training further on."""
        return replace(self, stage=stage, progress_ratio=progress_ratio)

    def done(self, result: ModelVersion) -> "Training":
        """Return the training with its model version."""
        return replace(
            self, state=TrainingState.DONE, stage="done", progress_ratio=1.0, result=result
        )

    def failed(self, error: str) -> "Training":
        """Return the training as failed, with the reason."""
        return replace(self, state=TrainingState.FAILED, error=error)
