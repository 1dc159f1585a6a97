"""What a limit or a hold is about: a device, a site or a group."""

from typing import TypeAlias

from wattmesh_kernel.ids import DeviceId, GroupId, SiteId

Subject: TypeAlias = DeviceId | SiteId | GroupId


def subject_of(name: str, field: str) -> Subject:
    """Return what a name in `field` means. Error: InvalidArgument."""
    collection, _, rest = name.partition("/")
    if collection == "groups":
        return GroupId.parse(name, field)
    if collection == "sites" and "/" not in rest:
        return SiteId.parse(name, field)
    return DeviceId.parse(name, field)
