"""Training models: long work, in a process of its own, whose state can be asked for."""

import asyncio
import logging
import secrets
from typing import Self

from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.ports import Progress, Trainer, TrainingStore
from wattmesh_forecast.domain.training import Training, TrainingOrder
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, WattmeshError
from wattmesh_runtime.aio.tasks import cancel_until_ended

log = logging.getLogger(__name__)


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
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._store.fail_running("the service was restarted")
        return self

    async def __aexit__(self, *error: object) -> None:
        await cancel_until_ended(*self._running)

    async def __call__(self, order: TrainingOrder) -> Training:
        """Begin a training, or return the one that was begun by the same request.

        Errors: InvalidArgument when the assets are not all of the model's kind, NotFound.
        """
        self._check(order)
        training = Training(
            name=f"operations/{secrets.token_hex(8)}", order=order, start_time=self._clock.now()
        )
        stored = await self._store.begin(training)
        if stored.name == training.name:
            task = asyncio.create_task(self._run(training))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return stored

    async def state(self, name: str) -> Training:
        """Return a training as far as it is; NotFound."""
        return await self._store.get(name)

    def _check(self, order: TrainingOrder) -> None:
        subjects = self._sites.required(order.assets)
        kinds = sorted({each.kind.value for each in subjects})
        if kinds != [order.model]:
            raise InvalidArgument(
                "MIXED_KINDS",
                f"model {order.model} learns from assets of that kind, not {kinds}",
                field="assets",
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
