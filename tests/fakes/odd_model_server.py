"""A model server that answers with bytes that were given, whatever it is asked."""
# ruff: noqa: N802 (the method names are those of the contract)

from typing import Any

import grpc

from wattmesh_forecast.adapters.serving_protos import (
    predict_pb2,
    prediction_service_pb2_grpc,
    types_pb2,
)


class OddModelServer(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
    """Says that its content is a tensor of this shape."""

    def __init__(self, content: bytes, shape: tuple[int, ...]) -> None:
        self._content, self._shape = content, shape

    async def Predict(self, request: Any, context: Any) -> Any:
        response = predict_pb2.PredictResponse()
        response.model_spec.version.value = 5
        tensor = response.outputs["quantiles"]
        tensor.dtype = types_pb2.DT_FLOAT
        tensor.tensor_content = self._content
        for size in self._shape:
            tensor.tensor_shape.dim.add(size=size)
        return response

    def register(self, server: grpc.aio.Server) -> None:
        """Serve this."""
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(self, server)
