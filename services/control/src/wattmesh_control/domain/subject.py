"""What a limit or a hold is about: a device, a site, a group, or a node of either."""

from dataclasses import dataclass
from typing import TypeAlias

from wattmesh_kernel.ids import DeviceId, GroupId, SiteId, check_segment

_NODES = "nodes"


@dataclass(frozen=True, slots=True)
class NodeName:
    """`sites/{site}/nodes/{node}` or `groups/{group}/nodes/{node}`."""

    owner: SiteId | GroupId
    id: str

    @property
    def name(self) -> str:
        """As it stands in a subject."""
        return f"{self.owner.name}/{_NODES}/{self.id}"


Subject: TypeAlias = DeviceId | SiteId | GroupId | NodeName


def subject_of(name: str, field: str) -> Subject:
    """Return what a name in `field` means. Error: InvalidArgument."""
    owner, slash, rest = name.rpartition("/")
    if slash and owner.endswith(f"/{_NODES}"):
        check_segment("node", rest, field)
        return NodeName(_site_or_group(owner.removesuffix(f"/{_NODES}"), field), rest)
    collection, _, rest = name.partition("/")
    if collection == "groups" or (collection == "sites" and "/" not in rest):
        return _site_or_group(name, field)
    return DeviceId.parse(name, field)


def _site_or_group(name: str, field: str) -> SiteId | GroupId:
    if name.startswith("groups/"):
        return GroupId.parse(name, field)
    return SiteId.parse(name, field)
