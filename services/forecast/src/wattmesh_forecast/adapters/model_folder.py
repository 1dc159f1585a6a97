"""The models' folder: `<model>/<version>/`, as TensorFlow Serving reads it.

What is known of a version lies in its `assets.extra`, which TensorFlow Serving leaves alone.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wattmesh_forecast.adapters.model_json import model_from_json, model_to_json
from wattmesh_forecast.domain.models import ModelVersion
from wattmesh_kernel.errors import InvalidArgument

log = logging.getLogger(__name__)

_CARD = Path("assets.extra", "wattmesh.json")


class ModelFolder:
    """Lists versions and adds new ones."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def versions(self) -> Sequence[ModelVersion]:
        """Return what is known of every version, by name; what is not ours is left out."""
        cards = sorted(self._base.glob(f"*/*/{_CARD}"))
        found = [card for path in cards if (card := _read(path)) is not None]
        return sorted(found, key=lambda version: (version.model, version.version))

    def with_fingerprint(self, model: str, fingerprint: str) -> ModelVersion | None:
        """Return the newest version that was made of the same data and settings."""
        same = [
            version
            for version in self.versions()
            if version.model == model and version.fingerprint == fingerprint
        ]
        return same[-1] if same else None

    def next_version(self, model: str) -> int:
        """Return the number after the newest, 1 for the first."""
        numbers = [int(f.name) for f in self._base.glob(f"{model}/*") if f.name.isdecimal()]
        return max(numbers, default=0) + 1

    @contextmanager
    def new_version(self, version: ModelVersion) -> Iterator[Path]:
        """Give a folder to write a version into; it appears, complete, when the block ends.

        A block that raises leaves nothing behind.
        """
        final = self._folder(version)
        final.parent.mkdir(parents=True, exist_ok=True)
        # On the same file system, and under a name that no model server takes for a version.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=final.parent) as temporary:
            folder = Path(temporary, "version")
            folder.mkdir()
            yield folder
            card = folder / _CARD
            card.parent.mkdir(exist_ok=True)
            card.write_text(json.dumps(model_to_json(version), indent=1) + "\n", "utf-8")
            folder.rename(final)

    def promote(self, version: ModelVersion) -> ModelVersion:
        """Make a version the newest again, as a copy under the next number."""
        newest = self.next_version(version.model) - 1
        if version.version == newest:
            return version
        copy = replace(version, version=newest + 1)
        with self.new_version(copy) as folder:
            shutil.copytree(self._folder(version), folder, dirs_exist_ok=True)
        return copy

    def _folder(self, version: ModelVersion) -> Path:
        return self._base / version.model / str(version.version)


def _read(path: Path) -> ModelVersion | None:
    try:
        return model_from_json(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:  # removed while we looked
        return None
    except (ValueError, InvalidArgument) as error:
        log.warning("%s does not describe a model: %s", path, error)
        return None
