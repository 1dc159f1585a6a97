"""`python -m wattmesh_modelhost`: serve the models in a folder."""

import os

from wattmesh_runtime.service import run_service


def main() -> None:
    """Set what TensorFlow reads while it is imported, then serve."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same sums on every machine
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    from wattmesh_modelhost.settings import ModelHostSettings
    from wattmesh_modelhost.wiring import wire

    run_service(ModelHostSettings, wire)


if __name__ == "__main__":
    main()
