"""What the application needs from outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from wattmesh_modelhost.domain.signatures import Signature, Tensors
from wattmesh_modelhost.domain.versions import ModelVersion


class LoadedModel(Protocol):
    """A version in memory."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The ways to call it, by name."""

    async def predict(self, signature: str, inputs: Tensors) -> Tensors:
        """Run one signature on checked inputs; InvalidArgument when the graph refuses them."""


class ModelLoader(Protocol):
    """Brings a version into memory."""

    async def load(self, folder: Path) -> LoadedModel:
        """Load and warm the SavedModel in `folder`; raises when it cannot be loaded."""


class ModelSource(Protocol):
    """Where versions appear."""

    def versions(self) -> Mapping[ModelVersion, Path]:
        """Return the complete versions that are there now, with their folders."""
