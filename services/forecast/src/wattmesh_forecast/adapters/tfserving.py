"""The model server: TensorFlow Serving's PredictionService and ModelService."""

from typing import Any

import grpc
import numpy as np

from wattmesh_forecast.adapters.serving_protos import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    types_pb2,
)
from wattmesh_forecast.app.ports import Answer, BadAnswer, ModelUnavailable, NotServed
from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.domain.quantiles import DEFAULT_RATIOS

OUTPUT = "quantiles"
"""Name of the models' output."""
_AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE


class TensorFlowServing:
    """Asks a model server; what it cannot answer within `timeout_seconds` is unavailable."""

    def __init__(self, channel: grpc.aio.Channel, timeout_seconds: float) -> None:
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._timeout_seconds = timeout_seconds

    async def predict(self, model: str, asked: ModelInput, version: int | None = None) -> Answer:
        """Ask a version of a model, the newest by default; ModelUnavailable, BadAnswer."""
        request = predict_pb2.PredictRequest(output_filter=[OUTPUT])
        request.model_spec.name = model
        if version is not None:
            request.model_spec.version.value = version
        for name, values in asked.tensors.items():
            _write_tensor(values, request.inputs[name])
        response = await self._call(self._predictions.Predict, request)
        quantiles = _tensor_from_proto(response.outputs[OUTPUT])
        if quantiles.shape != (len(asked), len(DEFAULT_RATIOS)):
            raise BadAnswer(f"model {model} answered with something else than quantiles")
        return Answer(version=response.model_spec.version.value, quantiles=quantiles)

    async def available_versions(self, model: str) -> frozenset[int]:
        """Return the versions of a model that are served; none when it is not known."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        try:
            response = await self._call(self._models.GetModelStatus, request)
        except NotServed:
            return frozenset()
        return frozenset(
            status.version for status in response.model_version_status if status.state == _AVAILABLE
        )

    def is_away(self, model: str) -> bool:
        """Return False: whoever guards this one knows."""
        return False

    async def _call(self, method: Any, request: Any) -> Any:
        # No waiting for a server that is not there: its caller has a second best.
        try:
            return await method(request, timeout=self._timeout_seconds, wait_for_ready=False)
        except grpc.aio.AioRpcError as error:
            reason = f"{error.code().name}: {error.details()}"
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise NotServed(reason) from error
            raise ModelUnavailable(reason) from error


_NOTHING: Float32s = np.empty((0, 0), dtype=np.float32)


def _write_tensor(values: Float32s, proto: Any) -> None:
    proto.dtype = types_pb2.DT_FLOAT
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = np.ascontiguousarray(values, dtype="<f4").tobytes()


def _tensor_from_proto(proto: Any) -> Float32s:
    """Return a float tensor, an empty one for what is none; it comes packed or value by value."""
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    content = proto.tensor_content
    if proto.dtype != types_pb2.DT_FLOAT or len(content) % 4:
        return _NOTHING
    values = np.frombuffer(content, "<f4") if content else np.array(proto.float_val, np.float32)
    fits = min(shape, default=1) >= 0 and values.size == np.prod(shape, dtype=np.int64)
    return values.reshape(shape) if fits else _NOTHING
