"""Writes a tiny SavedModel: `python tests/fakes/tiny_model.py FOLDER FACTOR` → y = FACTOR * x.

A script, so that a test can have a real SavedModel without TensorFlow in its own process. The
version folder appears complete, by a rename, as the training job does it.
"""

import os
import sys
from pathlib import Path


def write(folder: Path, factor: float) -> None:
    """Write the model that multiplies each row of `x` by `factor` into the version folder."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    import tensorflow as tf

    module = tf.Module()
    module.factor = tf.Variable(factor, dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def serve(x: object) -> dict[str, object]:
        return {"y": module.factor * x}

    being_written = folder.with_name(f".{folder.name}.tmp")
    tf.saved_model.save(module, str(being_written), signatures={"serving_default": serve})
    being_written.rename(folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]), float(sys.argv[2]))
