"""The versions that are served, kept in step with the versions that are there."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import NotFound
from wattmesh_modelhost.app.ports import LoadedModel, ModelLoader, ModelSource
from wattmesh_modelhost.domain.versions import ModelVersion, State, VersionStatus

log = logging.getLogger(__name__)


class Catalogue:
    """Loads the newest versions of every model and unloads older ones once these are served.

    A version that cannot be loaded is tried once, and again only after it was away.
    """

    def __init__(self, source: ModelSource, loader: ModelLoader, *, versions_kept: int) -> None:
        self._source = source
        self._loader = loader
        self._versions_kept = versions_kept
        self._loaded: dict[ModelVersion, LoadedModel] = {}
        self._statuses: dict[ModelVersion, VersionStatus] = {}

    def find(self, model: str, version: int | None = None) -> LoadedModel:
        """Return a version in memory, the newest when none is named; NotFound when not served."""
        served = [key for key in self._loaded if key.model == model]
        if version is None and served:
            return self._loaded[max(served)]
        wanted = ModelVersion(model, version) if version is not None else None
        if wanted in self._loaded:
            return self._loaded[wanted]
        request = f"Latest({model})" if version is None else f"Specific({model}, {version})"
        raise NotFound("SERVABLE_NOT_FOUND", f"Servable not found for request: {request}")

    def newest(self, model: str) -> int:
        """Return the version that answers when none is named; NotFound when there is none."""
        self.find(model)
        return max(key.version for key in self._loaded if key.model == model)

    def statuses(self, model: str, version: int | None = None) -> list[VersionStatus]:
        """Return what is known of a model's versions, newest first; NotFound when nothing is."""
        found = [
            status
            for key, status in sorted(self._statuses.items(), reverse=True)
            if key.model == model and version in (None, key.version)
        ]
        if not found:
            what = f"model {model}" if version is None else f"version {version} of model {model}"
            raise NotFound("MODEL_NOT_FOUND", f"Could not find any versions of {what}")
        return found

    async def keep_up(self, clock: Clock, interval: timedelta) -> None:
        """Refresh for ever, every `interval`."""
        while True:
            await self.refresh()
            await clock.sleep(interval)

    async def refresh(self) -> None:
        """Load what is new, then drop what is old or away."""
        there = self._source.versions()
        wanted = self._newest(there)
        for key in [key for key in self._statuses if key not in wanted and key not in self._loaded]:
            del self._statuses[key]
        for key, folder in sorted(wanted.items()):
            if key not in self._statuses:
                await self._load(key, folder)
        for key in [key for key in self._loaded if key not in wanted]:
            if key not in there or self._served(key.model, wanted):
                self._unload(key)

    def _served(self, model: str, wanted: Mapping[ModelVersion, Path]) -> bool:
        return any(key.model == model and key in self._loaded for key in wanted)

    def _newest(self, there: Mapping[ModelVersion, Path]) -> dict[ModelVersion, Path]:
        models = {key.model for key in there}
        newest = {
            key
            for model in models
            for key in sorted(k for k in there if k.model == model)[-self._versions_kept :]
        }
        return {key: there[key] for key in newest}

    async def _load(self, key: ModelVersion, folder: Path) -> None:
        self._set(key, State.LOADING)
        try:
            self._loaded[key] = await self._loader.load(folder)
        except Exception as error:  # whatever TensorFlow says of a broken version, others go on
            log.exception("cannot load %s version %d", key.model, key.version)
            self._set(key, State.END, f"{type(error).__name__}: {error}")
        else:
            log.info("serving %s version %d", key.model, key.version)
            self._set(key, State.AVAILABLE)

    def _unload(self, key: ModelVersion) -> None:
        log.info("unloading %s version %d", key.model, key.version)
        del self._loaded[key]
        self._set(key, State.END)

    def _set(self, key: ModelVersion, state: State, error: str = "") -> None:
        self._statuses[key] = VersionStatus(version=key.version, state=state, error=error)
