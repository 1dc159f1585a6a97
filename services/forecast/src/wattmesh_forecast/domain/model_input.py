"""What a model is asked: tensors by name, with a row per asset and hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import Bools, Floats

Float32s = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ModelInput:
    """What a model is asked, n rows.

    `tensors` (n, ...) go over the wire by name. `scale_w` (n,) is what the answer is measured by
    [W]. `open` (n,) is whether the answer is not known beforehand to be 0.
    """

    tensors: Mapping[str, Float32s]
    scale_w: Floats
    open: Bools

    def __len__(self) -> int:
        return len(self.scale_w)

    def where(self, keep: NDArray[np.generic] | slice) -> "ModelInput":
        """Return the rows that are to be kept, in the order of `keep`."""
        return ModelInput(
            tensors={name: values[keep] for name, values in self.tensors.items()},
            scale_w=self.scale_w[keep],
            open=self.open[keep],
        )


def concatenated(inputs: Sequence[ModelInput]) -> ModelInput:
    """Return the rows of several inputs of one model as one."""
    if len(inputs) == 1:
        return inputs[0]
    return ModelInput(
        tensors={
            name: np.concatenate([part.tensors[name] for part in inputs])
            for name in inputs[0].tensors
        },
        scale_w=np.concatenate([part.scale_w for part in inputs]),
        open=np.concatenate([part.open for part in inputs]),
    )
