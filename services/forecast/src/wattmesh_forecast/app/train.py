"""Training models: long work, in a process of its own, whose state can be asked for."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.ports import Progress, Trainer, TrainingStore
from wattmesh_forecast.domain.kinds import MODELLED
from wattmesh_forecast.domain.training import Training, TrainingOrder, TrainingState
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    WattmeshError,
)
from wattmesh_runtime.aio.tasks import cancel_until_ended

log = logging.getLogger(__name__)

LARGEST_PAGE = 100
MOST_UNFINISHED = 20
"""Trainings that run or wait: each takes minutes, and every one is kept in memory."""
_RETRY_AFTER = timedelta(minutes=1)


class TrainModel:
    """Starts trainings; an async context manager that owns those that run.

    One runs at a time: training takes every processor it can get.
    """

    def __init__(
        self, *, trainer: Trainer, store: TrainingStore, sites: FollowedSites, clock: Clock
    ) -> None:
        self._trainer = trainer
        self._store = store
        self._sites = sites
        self._clock = clock
        self._one = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        await self._store.fail_running("the service was restarted")
        return self

    async def __aexit__(self, *error: object) -> None:
        await cancel_until_ended(*self._running.values())

    async def __call__(self, order: TrainingOrder) -> Training:
        """Begin a training, or return the one that was begun by the same request.

        Errors: InvalidArgument when the assets are not all of the model's kind, NotFound,
        ResourceExhausted when too many wait already.
        """
        self._check(order)
        training = Training(
            name=f"operations/{secrets.token_hex(8)}", order=order, start_time=self._clock.now()
        )
        stored = await self._store.begin(training)
        if stored.name == training.name:
            if len(self._running) >= MOST_UNFINISHED:
                await self._store.delete(training.name)
                raise ResourceExhausted(
                    "TOO_BUSY", "too many trainings are waiting already", retry_after=_RETRY_AFTER
                )
            task = asyncio.create_task(self._run(training))
            self._running[training.name] = task
            task.add_done_callback(lambda _: self._running.pop(training.name))
        return stored

    async def get(self, name: str) -> Training:
        """Return a training as far as it is; NotFound."""
        return await self._store.get(name)

    async def list(self, page_size: int, page_token: str) -> tuple[Sequence[Training], str]:
        """Return trainings, newest first, and the token of the next page, empty after the last.

        The token is the name of the last one; InvalidArgument when it is none.
        """
        size = min(max(page_size, 0), LARGEST_PAGE) or LARGEST_PAGE
        found = await self._store.page(page_token, size + 1)
        return found[:size], found[size - 1].name if len(found) > size else ""

    async def wait(self, name: str) -> None:
        """Return when a training has ended; NotFound."""
        await self._store.get(name)
        if task := self._running.get(name):
            await asyncio.wait({task})

    async def cancel(self, name: str) -> None:
        """End a training; harmless when it is done. NotFound."""
        training = await self._store.get(name)
        if task := self._running.get(name):
            await cancel_until_ended(task)
            await self._store.save(training.failed("cancelled"))

    async def delete(self, name: str) -> None:
        """Forget a training; its model stays. NotFound, FailedPrecondition while it runs."""
        if (await self._store.get(name)).state is TrainingState.RUNNING:
            raise FailedPrecondition("OPERATION_RUNS", f"{name} still runs")
        await self._store.delete(name)

    def _check(self, order: TrainingOrder) -> None:
        subjects = self._sites.required(order.assets)
        kinds = sorted({each.kind.value for each in subjects})
        if kinds != [order.model]:
            raise InvalidArgument(
                "MIXED_KINDS",
                f"model {order.model} learns from assets of that kind, not {kinds}",
                field="assets",
            )
        if order.model not in MODELLED:
            raise NotFound(
                "MODEL_NOT_FOUND", f"{order.model} has no model: it is forecast without training"
            )
        for each in subjects:
            if not each.suits_model:
                raise FailedPrecondition(
                    "LOCATION_UNKNOWN", f"{each.asset.site.name} has no latitude and longitude"
                )

    async def _run(self, training: Training) -> None:
        async with self._one:
            try:
                async for news in self._trainer.train(training.order):
                    training = (
                        training.at(news.stage, news.ratio)
                        if isinstance(news, Progress)
                        else training.done(news)
                    )
                    await self._store.save(training)
            except WattmeshError as error:
                log.warning("%s failed: %s", training.name, error)
                await self._store.save(training.failed(error.message))
