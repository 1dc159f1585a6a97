"""From a trained network to a SavedModel that a model server can answer from."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from wattmesh_forecast.domain.model_input import Float32s, ModelInput
from wattmesh_forecast.training.judge import Predict

SIGNATURE = "serving_default"
OUTPUT = "quantiles"
_ROWS_AT_ONCE = 8192
_WARM_UP = Path("assets.extra", "tf_serving_warmup_requests")


def export(network: Any, asked: ModelInput, model: str, folder: Path) -> None:
    """Write a network for inputs like `asked` into an empty folder.

    The signature takes the tensors of ModelInput by name, float32 with any number of rows, and
    gives `quantiles` (n, 3): 0.1, 0.5 and 0.9 of the magnitude over the scale. A request of a few
    rows lies beside it, with which TensorFlow Serving warms up.
    """
    specs = [
        tf.TensorSpec([None, *value.shape[1:]], tf.float32, name=name)
        for name, value in asked.tensors.items()
    ]

    def serve(*values: Any) -> dict[str, Any]:
        named = {spec.name: value for spec, value in zip(specs, values, strict=True)}
        return {OUTPUT: network(named, training=False)}

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint(SIGNATURE, serve, input_signature=specs)
    archive.write_out(str(folder), verbose=False)
    _write_warm_up(asked, model, folder / _WARM_UP)


def exported(folder: Path) -> Predict:
    """Return what a SavedModel that `export` wrote says."""
    signature = tf.saved_model.load(str(folder)).signatures[SIGNATURE]

    def predict(asked: ModelInput) -> Float32s:
        parts = [
            asked.where(slice(first, first + _ROWS_AT_ONCE))
            for first in range(0, len(asked), _ROWS_AT_ONCE)
        ]
        said = [
            signature(**{name: tf.constant(values) for name, values in part.tensors.items()})
            for part in parts
        ]
        return np.concatenate([each[OUTPUT].numpy() for each in said])

    return predict


def _write_warm_up(asked: ModelInput, model: str, path: Path) -> None:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    for name, value in asked.tensors.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value[:24]))
    log = prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(log.SerializeToString())
