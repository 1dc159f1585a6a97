"""Models are loaded when somebody who is trusted vouches for them, as they were looked at."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wattmesh_modelhost.app.ports import LoadedModel, ModelLoader
from wattmesh_runtime.access.signed_folders import checked_copy


class SignedLoader:
    """Loads a copy of the folder, which nobody changes between the check and the load.

    Error: FailedPrecondition `MODEL_NOT_SIGNED` for what nobody of `trusted` vouches for by the
    name of its model and version.
    """

    def __init__(self, loader: ModelLoader, trusted: Sequence[Ed25519PublicKey]) -> None:
        self._loader = loader
        self._trusted = trusted

    async def load(self, folder: Path) -> LoadedModel:
        """Check, load and warm the SavedModel in `folder`."""
        model, version = folder.parent.name, folder.name
        with tempfile.TemporaryDirectory(prefix="model-") as place:
            copy = Path(place, model, version)
            name = f"{model}/{version}"
            await asyncio.to_thread(checked_copy, folder, name, self._trusted, copy)
            return await self._loader.load(copy)
