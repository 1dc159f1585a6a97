"""Listing the trained versions of models."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from wattmesh_forecast.app.ports import ModelRegistry, ModelServer, ModelUnavailable
from wattmesh_forecast.domain.models import ModelVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedModel:
    """A version, and whether the model server serves it."""

    version: ModelVersion
    available: bool


class ListModels:
    """Joins what was trained with what is served."""

    def __init__(self, registry: ModelRegistry, server: ModelServer) -> None:
        self._registry = registry
        self._server = server

    async def __call__(self) -> Sequence[ListedModel]:
        """Return every version by name."""
        versions = await asyncio.to_thread(self._registry.versions)
        models = sorted({version.model for version in versions})
        served = {model: await self._served(model) for model in models}
        return [ListedModel(version=v, available=v.version in served[v.model]) for v in versions]

    async def _served(self, model: str) -> frozenset[int]:
        try:
            return await self._server.available_versions(model)
        except ModelUnavailable:
            return frozenset()
