"""The model host's ports, in memory."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wattmesh_modelhost.domain.signatures import Signature, Tensors, TensorSpec
from wattmesh_modelhost.domain.versions import ModelVersion

DOUBLE = Signature(
    inputs={"x": TensorSpec(graph_name="x:0", dtype="float32", shape=(None, 2))},
    outputs={"y": TensorSpec(graph_name="y:0", dtype="float32", shape=(None, 2))},
    method_name="tensorflow/serving/predict",
)


class LoadedDouble:
    """A model in memory that multiplies x by its factor."""

    def __init__(self, factor: float) -> None:
        self.factor = np.float32(factor)
        self.signatures = {"serving_default": DOUBLE}

    async def predict(self, signature: str, inputs: Tensors) -> Tensors:
        return {"y": self.factor * inputs["x"].astype(np.float32)}


class FactorLoader:
    """Loads the folder `.../<version>` as a model with the factor `version`; `broken` ones fail."""

    def __init__(self) -> None:
        self.broken: set[int] = set()
        self.tried: list[int] = []

    async def load(self, folder: Path) -> LoadedDouble:
        version = int(folder.name)
        self.tried.append(version)
        if version in self.broken:
            raise OSError("not a SavedModel")
        return LoadedDouble(version)


class VersionsInMemory:
    """Versions that are there."""

    def __init__(self, *versions: ModelVersion) -> None:
        self.there = set(versions)

    def versions(self) -> Mapping[ModelVersion, Path]:
        return {v: Path("/models", v.model, str(v.version)) for v in self.there}
