"""Versions as folders, `<base>/<model>/<version>/`: the layout of TensorFlow Serving."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wattmesh_modelhost.domain.versions import ModelVersion


class FolderSource:
    """Finds versions below a base folder, which need not exist yet.

    A folder is a version when its name is a number: what is still being written carries another
    name and is renamed when it is complete.
    """

    def __init__(self, base: Path) -> None:
        self._base = base

    def versions(self) -> Mapping[ModelVersion, Path]:
        """Return the versions that are there now."""
        return dict(self._find())

    def _find(self) -> Iterator[tuple[ModelVersion, Path]]:
        for graph in self._base.glob("*/*/saved_model.pb"):
            folder = graph.parent
            if folder.name.isascii() and folder.name.isdecimal():
                yield ModelVersion(folder.parent.name, int(folder.name)), folder
