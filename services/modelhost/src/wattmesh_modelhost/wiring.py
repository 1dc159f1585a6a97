"""Builds the model host."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta

from wattmesh_kernel.clock import SystemClock
from wattmesh_modelhost.adapters.folder import FolderSource
from wattmesh_modelhost.adapters.savedmodel import SavedModelLoader
from wattmesh_modelhost.adapters.signed import SignedLoader
from wattmesh_modelhost.api.servicer import (
    MODEL_SERVICE,
    PREDICTION_SERVICE,
    ModelServicer,
    PredictionServicer,
)
from wattmesh_modelhost.app.catalogue import Catalogue
from wattmesh_modelhost.app.ports import ModelLoader
from wattmesh_modelhost.app.predict import Predict
from wattmesh_modelhost.settings import ModelHostSettings
from wattmesh_runtime.access.signed_folders import signers
from wattmesh_runtime.service import Runtime, Service


@asynccontextmanager
async def wire(settings: ModelHostSettings, runtime: Runtime) -> AsyncIterator[Service]:
    """Build the catalogue and its two services; the threads end with the context."""
    with closing(SavedModelLoader(threads=settings.tensorflow_threads)) as loader:
        source = FolderSource(settings.models_directory)
        catalogue = Catalogue(
            source, _checking(loader, settings), versions_kept=settings.models_versions_kept
        )
        interval = timedelta(seconds=settings.models_poll_seconds)

        async def keep_up() -> None:
            # Files appear in the machine's time, whatever clock the mesh runs on.
            await catalogue.keep_up(SystemClock(), interval)

        yield Service(
            name="modelhost",
            register=(
                PredictionServicer(catalogue, Predict(catalogue)).register,
                ModelServicer(catalogue).register,
            ),
            service_names=(PREDICTION_SERVICE, MODEL_SERVICE),
            tasks=(keep_up,),
        )


def _checking(loader: ModelLoader, settings: ModelHostSettings) -> ModelLoader:
    file = settings.models_signers_file
    return loader if file is None else SignedLoader(loader, signers(file))
