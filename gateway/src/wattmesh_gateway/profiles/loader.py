"""Loads all profiles: those of the package, then those of a folder, which go before them."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from wattmesh_gateway.domain.errors import ProfileError
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.profiles.parse import Schema, parse_profile

_PACKAGED = files("wattmesh_gateway.profiles")


def load_profiles(
    schemas: Mapping[str, Schema], folder: Path | None = None
) -> Mapping[str, DeviceProfile]:
    """Return every profile by its name, the file's name without `.yaml`.

    `schemas` read the profiles of each protocol.

    Error: ProfileError, with one line for each file that breaks the schema.
    """
    profiles: dict[str, DeviceProfile] = {}
    problems: list[str] = []
    for file in _profile_files(folder):
        name = file.name.removesuffix(".yaml")
        try:
            text = file.read_text(encoding="utf-8")
            profiles[name] = parse_profile(name, file.name, text, schemas)
        except ProfileError as error:
            problems.append(str(error))
    if problems:
        raise ProfileError("\n".join(problems))
    return profiles


def _profile_files(folder: Path | None) -> Iterator[Traversable]:
    yield from _yaml_files(_PACKAGED)
    if folder is not None:
        if not folder.is_dir():
            raise ProfileError(f"{folder}: there is no such folder of profiles")
        yield from _yaml_files(folder)


def _yaml_files(folder: Traversable) -> list[Traversable]:
    return sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yaml")),
        key=lambda file: file.name,
    )
