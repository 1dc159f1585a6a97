"""Finding out what a data folder is, and reading it."""

from importlib.resources import files
from pathlib import Path

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_twin.adapters.data.citylearn import SCHEMA_FILE, citylearn_layout
from wattmesh_twin.adapters.data.layout import Layout, parse_layout, read_layout
from wattmesh_twin.adapters.data.reader import read_dataset
from wattmesh_twin.adapters.data.street import is_street, street_layout
from wattmesh_twin.domain.dataset import DataSet

LAYOUT_FILE = "wattmesh-data.yaml"
"""The layout file that a folder may hold itself."""


def load_folder(folder: Path, homes: str) -> DataSet:
    """Return the data of a folder, of the homes that were chosen ("1-5").

    Error: InvalidArgument when the folder is not there or nobody knows its layout.
    """
    if not folder.is_dir():
        raise InvalidArgument("NO_DATA", f"there is no data folder {folder}", field="data")
    return read_dataset(folder, find_layout(folder), homes)


def find_layout(folder: Path) -> Layout:
    """Return the folder's own layout, or the known one whose files it has."""
    if (folder / LAYOUT_FILE).exists():
        return read_layout(folder / LAYOUT_FILE)
    if (folder / SCHEMA_FILE).exists():
        return citylearn_layout(folder)
    if is_street(folder):
        return street_layout(folder)
    for layout in known_layouts():
        if all((folder / name).exists() for name in layout.recognise):
            return layout
    raise InvalidArgument(
        "UNKNOWN_LAYOUT",
        f"{folder} holds no {LAYOUT_FILE} and is no data set that is known",
        field="data",
    )


def known_layouts() -> list[Layout]:
    """Return the layouts that come with the twin."""
    folder = files("wattmesh_twin").joinpath("layouts")
    return [
        parse_layout(file.read_text("utf-8"), file.name)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml")
    ]
