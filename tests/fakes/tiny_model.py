"""Writes tiny SavedModels: `python tests/fakes/tiny_model.py FOLDER 2 3` → FOLDER/1, FOLDER/2.

Version n multiplies the rows of `x` by the nth factor. A script, so that a test can have a real
SavedModel without TensorFlow in its own process.
"""

import os
import sys
from pathlib import Path
from typing import Any


def write(folder: Path, factor: float) -> None:
    """Write the model that multiplies by `factor`."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    import tensorflow as tf

    module = tf.Module()
    module.factor = tf.Variable(factor, dtype=tf.float32)

    def serve(x: Any) -> dict[str, Any]:
        return {"y": module.factor * x}

    x = tf.TensorSpec([None, 2], tf.float32, name="x")
    signatures = {"serving_default": tf.function(serve, input_signature=[x])}
    tf.saved_model.save(module, str(folder), signatures=signatures)


if __name__ == "__main__":
    for number, factor in enumerate(sys.argv[2:], start=1):
        write(Path(sys.argv[1], str(number)), float(factor))
