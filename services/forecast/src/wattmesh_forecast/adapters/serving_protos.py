"""TensorFlow Serving's protos without TensorFlow.

`tensorflow_serving.apis` imports modules such as `tensorflow.core.framework.tensor_pb2`, and with
them all of TensorFlow: some ten seconds and 600 MB. A client needs the generated modules alone, so
`tensorflow` is entered as a bare package that only knows where its modules lie. A process that has
TensorFlow already, such as a training job, keeps it.
"""

import importlib.util
import sys
from types import ModuleType


def _enter_bare_package(name: str) -> None:
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{name} is not installed", name=name)
    package = ModuleType(name, "The generated protocol modules of TensorFlow, without the rest.")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules[name] = package


_enter_bare_package("tensorflow")

from tensorflow.core.framework import tensor_pb2, types_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

__all__ = [
    "get_model_status_pb2",
    "model_service_pb2_grpc",
    "predict_pb2",
    "prediction_service_pb2_grpc",
    "tensor_pb2",
    "types_pb2",
]
