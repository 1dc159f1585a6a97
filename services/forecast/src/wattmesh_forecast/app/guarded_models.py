"""A model server that may be away, without everybody waiting for it."""

import logging
from datetime import timedelta

from wattmesh_forecast.app.ports import Answer, ModelServer, ModelUnavailable
from wattmesh_forecast.domain.model_input import ModelInput
from wattmesh_kernel.clock import Clock

log = logging.getLogger(__name__)


class GuardedModels:
    """Asks a model once; when it cannot answer, nobody asks again until a probe finds it.

    So a dead server costs one caller the server's timeout, and every other caller nothing.
    """

    def __init__(self, server: ModelServer, clock: Clock, retry_every: timedelta) -> None:
        self._server = server
        self._clock = clock
        self._retry_every = retry_every
        self._away: set[str] = set()

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        """Ask a version; ModelUnavailable at once while the model is known to be away.

        A version that is named may be missing alone: of the model that says nothing.
        """
        if model in self._away:
            raise ModelUnavailable(model)
        try:
            return await self._server.predict(model, asked, version)
        except ModelUnavailable as error:
            if version is not None:
                raise
            if model not in self._away:
                log.warning("model %s is away, seasonal forecasts from here on: %s", model, error)
            self._away.add(model)
            raise

    async def available_versions(self, model: str) -> frozenset[int]:
        """Return the versions that are served."""
        return await self._server.available_versions(model)

    def is_away(self, model: str) -> bool:
        """Return whether the model could not answer, and was not found since."""
        return model in self._away

    async def keep_trying(self) -> None:
        """Look for ever after models that are away."""
        while True:
            await self._clock.sleep(self._retry_every)
            for model in sorted(self._away):
                await self._look_for(model)

    async def _look_for(self, model: str) -> None:
        try:
            versions = await self._server.available_versions(model)
        except ModelUnavailable:
            return
        if versions:
            log.info("model %s is back, version %d", model, max(versions))
            self._away.discard(model)
