"""The file: its tariffs, the site, its assets and devices, as messages of the contracts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from google.protobuf.message import Message

from wattmesh.site.v1 import asset_pb2, device_pb2, site_pb2
from wattmesh.type.v1 import tariff_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import SiteId
from wattmesh_sitemodel.site_file.fields import Data, Names, data_from_message, message_from_data

PARTS: Mapping[str, Callable[[], Message]] = {
    "tariffs": tariff_pb2.Tariff,
    "assets": asset_pb2.Asset,
    "devices": device_pb2.Device,
}
"""Sections of the file that hold several, by id."""
_SECTIONS = ("site", *PARTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteDocument:
    """A whole site, by resource name; tariffs are those that the file brings along."""

    site: site_pb2.Site
    tariffs: Mapping[str, tariff_pb2.Tariff] = field(default_factory=dict)
    assets: Mapping[str, asset_pb2.Asset] = field(default_factory=dict)
    devices: Mapping[str, device_pb2.Device] = field(default_factory=dict)

    @property
    def names(self) -> Names:
        """What short names stand for here."""
        return Names(site=self.site.name)

    def resources(self) -> Iterator[tuple[str, Message]]:
        """Give every resource with its name, in the order in which they can be created."""
        yield from self.tariffs.items()
        yield self.site.name, self.site
        yield from self.assets.items()
        yield from self.devices.items()


def parse_document(text: str) -> SiteDocument:
    """Return what a file says. Error: InvalidArgument that says where, and what was expected."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidArgument("INVALID_DOCUMENT", f"this is no YAML: {error}") from error
    return document_from_data(data)


def document_from_data(data: Data) -> SiteDocument:
    """Return what a file says that is read already. Error: as of `parse_document`."""
    if not isinstance(data, Mapping) or not isinstance(data.get("site"), Mapping):
        raise InvalidArgument("INVALID_DOCUMENT", "the file needs a section `site`", field="site")
    for section in data:
        if section not in _SECTIONS:
            known = ", ".join(_SECTIONS)
            message = f"there is no section {section!r}; there are {known}"
            raise InvalidArgument("INVALID_DOCUMENT", message, field=str(section))
    site = dict(data["site"])
    identity = SiteId.parse(_site_name(site.pop("id", "")), "site.id")
    names = Names(site=identity.name)
    return SiteDocument(
        site=message_from_data(site_pb2.Site, identity.name, site, names, "site"),
        tariffs=_section(data, "tariffs", "", names),
        assets=_section(data, "assets", f"{identity.name}/", names),
        devices=_section(data, "devices", f"{identity.name}/", names),
    )


def write_document(document: SiteDocument) -> str:
    """Return the file that says a site; `parse_document` gives the same site back."""
    names = document.names
    site_id = document.site.name.removeprefix("sites/")
    content: dict[str, Any] = {"site": {"id": site_id, **data_from_message(document.site, names)}}
    for section, found in (
        ("tariffs", document.tariffs),
        ("assets", document.assets),
        ("devices", document.devices),
    ):
        if found:
            content[section] = {
                name.rpartition("/")[2]: data_from_message(message, names)
                for name, message in found.items()
            }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _site_name(identity: object) -> str:
    text = str(identity)
    return text if text.startswith("sites/") else f"sites/{text}"


def _section(data: Mapping[str, Any], section: str, parent: str, names: Names) -> dict[str, Any]:
    found = data.get(section) or {}
    if not isinstance(found, Mapping):
        message = f"{section}: a mapping by id is expected, not {found!r}"
        raise InvalidArgument("INVALID_DOCUMENT", message, field=section)
    return {
        f"{parent}{section}/{key}": message_from_data(
            PARTS[section], f"{parent}{section}/{key}", value, names, f"{section}.{key}"
        )
        for key, value in found.items()
    }
