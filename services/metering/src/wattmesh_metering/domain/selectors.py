"""Names with `-` for "all": `sites/home-1/devices/-/points/-`, `sites/home-1/assets/-`."""

from dataclasses import dataclass
from typing import Self

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, PointId, SiteId

ANY = "-"


@dataclass(frozen=True, slots=True)
class PointSelector:
    """One point, or all of a device or of a site."""

    site: SiteId
    device: DeviceId | None
    point: PointId | None

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a point's name in which point, or device and point, may be `-`."""
        parts = name.split("/")
        if len(parts) == 6 and parts[5] == ANY and parts[::2] == ["sites", "devices", "points"]:
            site = SiteId(parts[1])
            return cls(site, None if parts[3] == ANY else DeviceId(site, parts[3]), None)
        point = PointId.parse(name)
        return cls(point.site, point.device, point)

    @property
    def name(self) -> str:
        """The name it was read from."""
        if self.point:
            return self.point.name
        return f"{self.device.name if self.device else f'{self.site.name}/devices/-'}/points/-"


@dataclass(frozen=True, slots=True)
class AssetSelector:
    """One asset, or all of a site."""

    site: SiteId
    asset: AssetId | None

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read an asset's name that may end in `-`."""
        head, _, last = name.rpartition("/assets/")
        if last == ANY:
            return cls(SiteId.parse(head), None)
        asset = AssetId.parse(name)
        return cls(asset.site, asset)


def parse_site_parent(parent: str) -> SiteId | None:
    """Read the parent of a list, `sites/{site}`, or `sites/-` for None: all sites."""
    if parent == f"sites/{ANY}":
        return None
    try:
        return SiteId.parse(parent)
    except InvalidArgument as error:
        raise InvalidArgument(error.reason, error.message, field="parent") from error
