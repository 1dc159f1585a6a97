"""How a model is called: named tensors in, named tensors out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.errors import InvalidArgument

Tensors = Mapping[str, NDArray[np.generic]]
"""Tensors by name. Text is an array of `bytes` objects."""

DEFAULT_SIGNATURE = "serving_default"
"""The signature that is meant when a request names none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorSpec:
    """A tensor as a signature declares it.

    `graph_name` is its name in the graph, `dtype` a numpy type name ("object" for text), `shape`
    has None for a free dimension and is None itself when the rank is free.
    """

    graph_name: str
    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One way to call a model; `method_name` is TensorFlow's word for its kind."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    method_name: str

    def check_inputs(self, inputs: Tensors) -> None:
        """Raise InvalidArgument unless the tensors fit: names, types and shapes."""
        extra = sorted(inputs.keys() - self.inputs.keys())
        missing = sorted(self.inputs.keys() - inputs.keys())
        if extra or missing:
            raise InvalidArgument(
                "INPUTS_DO_NOT_MATCH",
                f"input size does not match signature: {len(inputs)}!={len(self.inputs)}. "
                f"Sent extra: {{{','.join(extra)}}} but missing: {{{','.join(missing)}}}.",
                field="inputs",
            )
        for name, spec in self.inputs.items():
            _check_tensor(name, spec, inputs[name])

    def check_outputs(self, wanted: frozenset[str]) -> None:
        """Raise InvalidArgument when an output is wanted that the signature does not have."""
        unknown = sorted(wanted - self.outputs.keys())
        if unknown:
            raise InvalidArgument(
                "UNKNOWN_OUTPUT",
                f"output tensor alias not found in signature: {unknown[0]}",
                field="output_filter",
            )


def _check_tensor(name: str, spec: TensorSpec, value: NDArray[np.generic]) -> None:
    if value.dtype.name != spec.dtype:
        raise InvalidArgument(
            "WRONG_TYPE",
            f"input {name} is of type {value.dtype.name}, the signature says {spec.dtype}",
            field="inputs",
        )
    if spec.shape is not None and not _fits(value.shape, spec.shape):
        raise InvalidArgument(
            "WRONG_SHAPE",
            f"input {name} has the shape {list(value.shape)}, the signature says "
            f"{[-1 if size is None else size for size in spec.shape]}",
            field="inputs",
        )


def _fits(shape: tuple[int, ...], declared: tuple[int | None, ...]) -> bool:
    return len(shape) == len(declared) and all(
        size in (None, given) for size, given in zip(declared, shape, strict=True)
    )
