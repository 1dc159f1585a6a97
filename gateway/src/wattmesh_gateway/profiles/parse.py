"""Reads a profile's YAML document: the head here, the rest by the schema of its protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wattmesh_gateway.domain.profile import UNTESTED, DeviceProfile
from wattmesh_gateway.profiles.node import Keys, Node, parse_document

_COMMON = ("title", "protocol", "source")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileDocument:
    """A profile's document with what every profile says."""

    name: str
    title: str
    protocol: str
    source: str
    tested: str
    root: Node

    def keys(self, *, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Keys:
        """Read the keys of the protocol, which stand beside the common ones."""
        return self.root.mapping(required=(*_COMMON, *required), optional=("tested", *optional))


Schema = Callable[[ProfileDocument], DeviceProfile]
"""Reads the profiles of one protocol; ProfileError when one breaks the schema."""


def parse_profile(name: str, file: str, text: str, schemas: Mapping[str, Schema]) -> DeviceProfile:
    """Return the profile that a file describes; ProfileError when it breaks the schema."""
    root = parse_document(file, text)
    keys = root.entries()
    for key in _COMMON:
        if key not in keys:
            raise root.error(f"the key '{key}' is missing")
    protocol = keys["protocol"].text()
    schema = schemas.get(protocol)
    if schema is None:
        known = ", ".join(sorted(schemas))
        raise keys["protocol"].error(f"{protocol!r} is none of {known}")
    return schema(
        ProfileDocument(
            name=name,
            title=keys["title"].text(),
            protocol=protocol,
            source=keys["source"].text(),
            tested=keys["tested"].text() if "tested" in keys else UNTESTED,
            root=root,
        )
    )
