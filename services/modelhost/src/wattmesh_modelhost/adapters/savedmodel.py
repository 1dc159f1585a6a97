"""SavedModels in TensorFlow. The only module that imports it, and only when a loader is made."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_modelhost.domain.signatures import Signature, Tensors, TensorSpec

_SERVING_TAG = "serve"


class SavedModelLoader:
    """Loads SavedModels on threads of its own, which `close` lets go.

    `threads` bounds the processor threads TensorFlow uses for one call. Making a loader imports
    TensorFlow, which takes several seconds, and only the first in a process can set the threads.
    """

    def __init__(self, *, threads: int) -> None:
        self._tf = _import_tensorflow(threads)
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._running = ThreadPoolExecutor(2, thread_name_prefix="predict")

    async def load(self, folder: Path) -> "SavedModel":
        """Load and warm the SavedModel in `folder`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._loading, self._load, folder)

    def close(self) -> None:
        """Let the threads go; a load that is running ends by itself."""
        self._loading.shutdown(wait=False, cancel_futures=True)
        self._running.shutdown(wait=False, cancel_futures=True)

    def _load(self, folder: Path) -> "SavedModel":
        signatures = _read_signatures(self._tf, folder)
        loaded = self._tf.saved_model.load(str(folder), tags=[_SERVING_TAG])
        model = SavedModel(self._tf, loaded, signatures, self._running)
        model.warm()
        return model


class SavedModel:
    """A SavedModel in memory."""

    def __init__(
        self,
        tf: Any,
        loaded: Any,
        signatures: Mapping[str, Signature],
        executor: ThreadPoolExecutor,
    ) -> None:
        self._tf = tf
        self._loaded = loaded  # its functions live only as long as it does
        self._signatures = signatures
        self._executor = executor

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The ways to call it, by name."""
        return self._signatures

    async def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Run one signature on checked inputs."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._run, signature, inputs)

    def warm(self) -> None:
        """Run every signature once on a row of zeros: the first call is the slow one."""
        for name, signature in self._signatures.items():
            self._run(name, {key: _zeros(spec) for key, spec in signature.inputs.items()})

    def _run(self, signature: str, inputs: Tensors) -> Tensors:
        function = self._loaded.signatures[signature]
        try:
            outputs = function(**{k: self._tf.constant(v) for k, v in inputs.items()})
        except (self._tf.errors.InvalidArgumentError, ValueError, TypeError) as error:
            raise InvalidArgument("GRAPH_REFUSED", str(error), field="inputs") from error
        return {name: np.asarray(value.numpy()) for name, value in outputs.items()}


def _import_tensorflow(threads: int) -> Any:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def _read_signatures(tf: Any, folder: Path) -> dict[str, Signature]:
    """Return the signatures as the SavedModel's file declares them, with the graph's own names."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    graph = next(g for g in saved.meta_graphs if _SERVING_TAG in g.meta_info_def.tags)
    return {
        name: Signature(
            inputs={key: _spec(tf, info) for key, info in definition.inputs.items()},
            outputs={key: _spec(tf, info) for key, info in definition.outputs.items()},
            method_name=definition.method_name,
        )
        for name, definition in graph.signature_def.items()
        if not name.startswith("__")  # "__saved_model_init_op" is no way to call it
    }


def _spec(tf: Any, info: Any) -> TensorSpec:
    dtype = tf.as_dtype(info.dtype).name
    sizes = [dim.size for dim in info.tensor_shape.dim]
    return TensorSpec(
        graph_name=info.name,
        dtype="object" if dtype == "string" else dtype,
        shape=None
        if info.tensor_shape.unknown_rank
        else tuple(None if size < 0 else size for size in sizes),
    )


def _zeros(spec: TensorSpec) -> np.ndarray[Any, np.dtype[Any]]:
    shape = [1 if size is None else size for size in spec.shape or ()]
    if spec.dtype == "object":
        return np.full(shape, b"", dtype=object)
    return np.zeros(shape, dtype=spec.dtype)
