"""Trainings in memory, and a training job that a test brings to its end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from wattmesh_forecast.app.ports import Progress
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_forecast.domain.training import Training, TrainingOrder, TrainingState
from wattmesh_kernel.errors import FailedPrecondition, NotFound


class KeptTrainings:
    """A TrainingStore."""

    def __init__(self) -> None:
        self.trainings: dict[str, Training] = {}

    async def begin(self, training: Training) -> Training:
        for known in self.trainings.values():
            if known.order.request_id == training.order.request_id:
                return known
        self.trainings[training.name] = training
        return training

    async def save(self, training: Training) -> None:
        self.trainings[training.name] = training

    async def get(self, name: str) -> Training:
        if name not in self.trainings:
            raise NotFound("OPERATION_NOT_FOUND", f"there is no {name}")
        return self.trainings[name]

    async def page(self, after: str, size: int) -> Sequence[Training]:
        names = list(reversed(self.trainings))
        first = names.index(after) + 1 if after else 0
        return [self.trainings[name] for name in names[first : first + size]]

    async def delete(self, name: str) -> None:
        del self.trainings[name]

    async def fail_running(self, error: str) -> None:
        for name, training in self.trainings.items():
            if training.state is TrainingState.RUNNING:
                self.trainings[name] = replace(training, state=TrainingState.FAILED, error=error)


class SlowTrainer:
    """A Trainer that says it has begun, and ends when the test sets `go`."""

    def __init__(self, result: ModelVersion) -> None:
        self.go = asyncio.Event()
        self.fails = False
        self.running = 0
        self._result = result

    async def train(self, order: TrainingOrder) -> AsyncIterator[Progress | ModelVersion]:
        self.running += 1
        try:
            yield Progress(stage="member 1", ratio=0.5)
            await self.go.wait()
            if self.fails:
                raise FailedPrecondition("TRAINING_FAILED", "the training job ended with code 1")
            yield self._result
        finally:
            self.running -= 1
