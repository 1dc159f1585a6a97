"""The model host with a model that doubles."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import grpc
import numpy as np

import wattmesh_forecast.adapters.serving_protos  # noqa: F401 (TensorFlow's messages alone)
from tests.fakes import tiny_model
from tests.fakes.modelhost_models import FactorLoader, VersionsInMemory
from tests.fuzz.contents import Seeds
from tests.fuzz.world import World, unary_seeds
from wattmesh_modelhost.api.protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
)
from wattmesh_modelhost.api.servicer import (
    MODEL_SERVICE,
    PREDICTION_SERVICE,
    ModelServicer,
    PredictionServicer,
)
from wattmesh_modelhost.api.tensors import tensor_to_proto
from wattmesh_modelhost.app.catalogue import Catalogue
from wattmesh_modelhost.app.predict import Predict
from wattmesh_modelhost.domain.versions import ModelVersion
from wattmesh_modelhost.settings import ModelHostSettings
from wattmesh_runtime.service import Runtime, Service


class ModelHostWorld(World):
    """A folder of models; in this process they are in memory, without TensorFlow."""

    name: ClassVar[str] = "modelhost"
    services: ClassVar[tuple[str, ...]] = (PREDICTION_SERVICE, MODEL_SERVICE)

    def __init__(self, models: Path) -> None:
        self._settings = {"models_directory": str(models)}
        for descriptors in ("model_service_pb2", "prediction_service_pb2"):
            import_module(f"tensorflow_serving.apis.{descriptors}")

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[ModelHostSettings]:
        return ModelHostSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return _wire_in_memory()

    async def before_start(self) -> None:
        """Write the model: takes as long as TensorFlow."""
        target = Path(self._settings["models_directory"], "double")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(tiny_model.__file__), str(target), "2"
        )
        if await process.wait():
            raise RuntimeError("the model could not be written")

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Its models are there from the start."""

    def seeds(self, turn: int) -> Seeds:
        spec = model_pb2.ModelSpec(name="double", signature_name="serving_default")
        rows = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
        predict = predict_pb2.PredictRequest(model_spec=spec)
        predict.inputs["x"].CopyFrom(tensor_to_proto(rows))
        return {
            **unary_seeds(
                PREDICTION_SERVICE,
                {
                    "Predict": [predict],
                    "GetModelMetadata": [
                        get_model_metadata_pb2.GetModelMetadataRequest(
                            model_spec=spec, metadata_field=["signature_def"]
                        )
                    ],
                },
            ),
            **unary_seeds(
                MODEL_SERVICE,
                {"GetModelStatus": [get_model_status_pb2.GetModelStatusRequest(model_spec=spec)]},
            ),
        }

    def words(self, turn: int) -> Sequence[str]:
        return ("double", "serving_default", "x", "y", "signature_def")


@asynccontextmanager
async def _wire_in_memory() -> AsyncIterator[Service]:
    catalogue = Catalogue(
        VersionsInMemory(ModelVersion("double", 1)), FactorLoader(), versions_kept=1
    )
    await catalogue.refresh()
    yield Service(
        name="modelhost",
        register=(
            PredictionServicer(catalogue, Predict(catalogue)).register,
            ModelServicer(catalogue).register,
        ),
        service_names=(PREDICTION_SERVICE, MODEL_SERVICE),
    )


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[ModelHostWorld]:
    """Give the model host's surroundings."""
    yield ModelHostWorld(folder / "models")
