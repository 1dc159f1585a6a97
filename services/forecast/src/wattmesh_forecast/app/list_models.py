"""Listing the trained versions of models."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from wattmesh_forecast.app.ports import ModelRegistry, ModelServer, ModelUnavailable, VersionLabels
from wattmesh_forecast.domain.labels import Label
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_kernel.errors import InvalidArgument, NotFound

LARGEST_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedModel:
    """A version, whether the model server serves it, and what it is there for."""

    version: ModelVersion
    available: bool
    label: Label | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPage:
    """Some versions, and the name after which the next page begins; empty after the last."""

    models: Sequence[ListedModel]
    next: str


class ListModels:
    """Joins what was trained with what is served."""

    def __init__(self, registry: ModelRegistry, server: ModelServer, labels: VersionLabels) -> None:
        self._registry = registry
        self._labels = labels
        self._server = server

    async def get(self, name: str) -> ListedModel:
        """Return one version; NotFound."""
        for version in await asyncio.to_thread(self._registry.versions):
            if version.name == name:
                served = await self._served(version.model)
                return self._listed(version, served)
        raise NotFound("MODEL_NOT_FOUND", f"there is no {name}")

    async def __call__(self, size: int = 0, after: str = "", model: str = "") -> ModelPage:
        """Return versions by name, those that follow the name `after`; a size of 0 means all.

        With `model` only those of one model.
        """
        known = await asyncio.to_thread(self._registry.versions)
        found = [version for version in known if model in ("", version.model)]
        names = [version.name for version in found]
        if after and after not in names:
            raise InvalidArgument(
                "INVALID_PAGE_TOKEN", "not a page token of this list", field="page_token"
            )
        first = names.index(after) + 1 if after else 0
        end = first + (min(size, LARGEST_PAGE) or LARGEST_PAGE)
        models = sorted({version.model for version in found[first:end]})
        served = {each: await self._served(each) for each in models}
        listed = [self._listed(version, served[version.model]) for version in found[first:end]]
        return ModelPage(models=listed, next=names[end - 1] if end < len(names) else "")

    def _listed(self, version: ModelVersion, served: frozenset[int]) -> ListedModel:
        labels = self._labels.labels(version.model)
        return ListedModel(
            version=version,
            available=version.version in served,
            label=None if labels is None else labels.label(version.version),
        )

    async def _served(self, model: str) -> frozenset[int]:
        try:
            return await self._server.available_versions(model)
        except ModelUnavailable:
            return frozenset()
