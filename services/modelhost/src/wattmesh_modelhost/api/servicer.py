"""TensorFlow Serving's PredictionService and ModelService."""

from typing import Any

import grpc

from wattmesh_kernel.errors import Unimplemented
from wattmesh_modelhost.api.convert import (
    check_metadata_fields,
    inputs_from_proto,
    metadata_to_proto,
    prediction_to_proto,
    spec_from_proto,
    statuses_to_proto,
)
from wattmesh_modelhost.api.protos import model_service_pb2_grpc, prediction_service_pb2_grpc
from wattmesh_modelhost.app.catalogue import Catalogue
from wattmesh_modelhost.app.predict import Predict

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"


class PredictionServicer:
    """Predict and GetModelMetadata; the other calls are refused by name."""

    def __init__(self, catalogue: Catalogue, predict: Predict) -> None:
        self._catalogue = catalogue
        self._predict = predict

    def register(self, server: grpc.aio.Server) -> None:
        """Add the service to a server."""
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(self, server)

    async def Predict(self, request: Any, context: object) -> Any:  # noqa: N802
        """Run a signature of a version."""
        spec = spec_from_proto(request)
        inputs, wanted = inputs_from_proto(request), frozenset(request.output_filter)
        answer = await self._predict(spec.model, spec.version, spec.signature, inputs, wanted)
        return prediction_to_proto(spec, answer.version, answer.outputs)

    async def GetModelMetadata(self, request: Any, context: object) -> Any:  # noqa: N802
        """Return the signatures of a version."""
        spec = spec_from_proto(request)
        check_metadata_fields(request)
        version = spec.version or self._catalogue.newest(spec.model)
        loaded = self._catalogue.find(spec.model, version)
        return metadata_to_proto(spec, version, loaded.signatures)

    async def PredictStreamed(self, requests: object, context: object) -> Any:  # noqa: N802
        """Refuse: streamed prediction is for language models."""
        raise _refusal("PredictStreamed")

    async def Classify(self, request: Any, context: object) -> Any:  # noqa: N802
        """Refuse: use Predict."""
        raise _refusal("Classify")

    async def Regress(self, request: Any, context: object) -> Any:  # noqa: N802
        """Refuse: use Predict."""
        raise _refusal("Regress")

    async def MultiInference(self, request: Any, context: object) -> Any:  # noqa: N802
        """Refuse: use Predict."""
        raise _refusal("MultiInference")


class ModelServicer:
    """GetModelStatus; the configuration is fixed while the host runs."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def register(self, server: grpc.aio.Server) -> None:
        """Add the service to a server."""
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(self, server)

    async def GetModelStatus(self, request: Any, context: object) -> Any:  # noqa: N802
        """Return the state of a model's versions."""
        spec = spec_from_proto(request)
        return statuses_to_proto(self._catalogue.statuses(spec.model, spec.version))

    async def HandleReloadConfigRequest(self, request: Any, context: object) -> Any:  # noqa: N802
        """Refuse: versions are found in the folder, there is no configuration to reload."""
        raise _refusal("HandleReloadConfigRequest")


def _refusal(method: str) -> Unimplemented:
    return Unimplemented("METHOD_NOT_SUPPORTED", f"{method} is not supported by the local host")
