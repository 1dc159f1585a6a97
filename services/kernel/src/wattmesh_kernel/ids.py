"""Resource ids as types: `SiteId("home-1").name == "sites/home-1"`."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from wattmesh_kernel.errors import InvalidArgument

SEGMENT_PATTERN = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
"""What one id segment may look like (1–63 characters)."""

_SEGMENT = re.compile(SEGMENT_PATTERN)


def check_segment(kind: str, segment: str, field: str = "name") -> None:
    """Raise InvalidArgument naming `field` unless `segment` may be a part of a name."""
    if not _SEGMENT.fullmatch(segment):
        raise InvalidArgument(
            "INVALID_ID", f"{kind}: {segment!r} does not match {SEGMENT_PATTERN}", field=field
        )


def split_name(kind: str, name: str, field: str, *collections: str) -> list[str]:
    """Return the id segments of `name`, whose collections must be exactly these."""
    parts = name.split("/")
    if len(parts) != 2 * len(collections) or tuple(parts[::2]) != collections:
        pattern = "/".join(f"{collection}/{{id}}" for collection in collections)
        raise InvalidArgument(
            "INVALID_NAME", f"{kind}: {name!r} does not look like {pattern}", field=field
        )
    return parts[1::2]


@dataclass(frozen=True, slots=True, order=True)
class _TopLevelId:
    """An id of a resource without a parent."""

    collection: ClassVar[str]

    segment: str

    def __post_init__(self) -> None:
        check_segment(type(self).__name__, self.segment)

    @property
    def name(self) -> str:
        """The resource name, `{collection}/{segment}`."""
        return f"{self.collection}/{self.segment}"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is not one of this kind."""
        (segment,) = split_name(cls.__name__, name, field, cls.collection)
        try:
            return cls(segment)
        except InvalidArgument as error:
            raise InvalidArgument(error.reason, error.message, field=field) from None

    def __str__(self) -> str:
        return self.name


class SiteId(_TopLevelId):
    """`sites/{site}`: one building or plant behind one grid connection."""

    __slots__ = ()
    collection = "sites"


class GroupId(_TopLevelId):
    """`groups/{group}`: sites planned together."""

    __slots__ = ()
    collection = "groups"


class TariffId(_TopLevelId):
    """`tariffs/{tariff}`."""

    __slots__ = ()
    collection = "tariffs"


class PlanId(_TopLevelId):
    """`plans/{plan}`."""

    __slots__ = ()
    collection = "plans"


class CommandId(_TopLevelId):
    """`commands/{command}`."""

    __slots__ = ()
    collection = "commands"


class LimitId(_TopLevelId):
    """`limits/{limit}`."""

    __slots__ = ()
    collection = "limits"


class HoldId(_TopLevelId):
    """`holds/{hold}`."""

    __slots__ = ()
    collection = "holds"


class GatewayId(_TopLevelId):
    """`gateways/{gateway}`."""

    __slots__ = ()
    collection = "gateways"


class ZoneId(_TopLevelId):
    """`zones/{zone}`: a grid zone with one carbon intensity."""

    __slots__ = ()
    collection = "zones"


class CertificateId(_TopLevelId):
    """`certificates/{certificate}`: energy that was certified and bought."""

    __slots__ = ()
    collection = "certificates"


class VehicleId(_TopLevelId):
    """`vehicles/{vehicle}`."""

    __slots__ = ()
    collection = "vehicles"


@dataclass(frozen=True, slots=True, order=True)
class _SiteChildId:
    """An id of a resource of a site."""

    collection: ClassVar[str]

    site: SiteId
    segment: str

    def __post_init__(self) -> None:
        check_segment(type(self).__name__, self.segment)

    def __hash__(self) -> int:
        # One step for what would be three: ids are looked up some dozens of times in a call.
        return hash((self.site.segment, self.segment))

    @property
    def name(self) -> str:
        """The resource name, `sites/{site}/{collection}/{segment}`."""
        return f"{self.site.name}/{self.collection}/{self.segment}"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is not one of this kind."""
        site, segment = split_name(cls.__name__, name, field, "sites", cls.collection)
        try:
            return cls(SiteId(site), segment)
        except InvalidArgument as error:
            raise InvalidArgument(error.reason, error.message, field=field) from None

    def __str__(self) -> str:
        return self.name


class AssetId(_SiteChildId):
    """`sites/{site}/assets/{asset}`: something that consumes, generates or stores."""

    __slots__ = ()
    collection = "assets"


class DeviceId(_SiteChildId):
    """`sites/{site}/devices/{device}`: something that measures or controls an asset."""

    __slots__ = ()
    collection = "devices"


@dataclass(frozen=True, slots=True, order=True)
class PointId:
    """`sites/{site}/devices/{device}/points/{point}`; the segment is the quantity with its unit."""

    device: DeviceId
    segment: str

    def __post_init__(self) -> None:
        check_segment("PointId", self.segment)

    @property
    def site(self) -> SiteId:
        """The site of the point's device."""
        return self.device.site

    @property
    def name(self) -> str:
        """The resource name."""
        return f"{self.device.name}/points/{self.segment}"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is not a point's."""
        site, device, segment = split_name("PointId", name, field, "sites", "devices", "points")
        try:
            return cls(DeviceId(SiteId(site), device), segment)
        except InvalidArgument as error:
            raise InvalidArgument(error.reason, error.message, field=field) from None

    def __str__(self) -> str:
        return self.name


ANY = "-"
"""In the place of a part of a name: any."""


@dataclass(frozen=True, slots=True, order=True)
class _AssetChildId:
    """An id of a resource of an asset."""

    collection: ClassVar[str]

    asset: AssetId
    segment: str

    def __post_init__(self) -> None:
        check_segment(type(self).__name__, self.segment)

    @property
    def site(self) -> SiteId:
        """The site of the asset."""
        return self.asset.site

    @property
    def name(self) -> str:
        """The resource name, `sites/{site}/assets/{asset}/{collection}/{segment}`."""
        return f"{self.asset.name}/{self.collection}/{self.segment}"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is not one of this kind."""
        site, asset, segment = split_name(
            cls.__name__, name, field, "sites", "assets", cls.collection
        )
        try:
            return cls(AssetId(SiteId(site), asset), segment)
        except InvalidArgument as error:
            raise InvalidArgument(error.reason, error.message, field=field) from None

    def __str__(self) -> str:
        return self.name


class ChargingSessionId(_AssetChildId):
    """`sites/{site}/assets/{asset}/charging-sessions/{charging_session}`."""

    __slots__ = ()
    collection = "charging-sessions"


class ZoneScheduleId(_AssetChildId):
    """`sites/{site}/assets/{asset}/zone-schedules/{zone_schedule}`."""

    __slots__ = ()
    collection = "zone-schedules"


class OccupancyId(_AssetChildId):
    """`sites/{site}/assets/{asset}/occupancies/{occupancy}`."""

    __slots__ = ()
    collection = "occupancies"


class RunId(_AssetChildId):
    """`sites/{site}/assets/{asset}/runs/{run}`."""

    __slots__ = ()
    collection = "runs"


@dataclass(frozen=True, slots=True, order=True)
class ChargingNeedId:
    """`sites/{site}/assets/{asset}/charging-needs/{charging_need}`; `assets/-`: no asset of it."""

    collection: ClassVar[str] = "charging-needs"

    site: SiteId
    asset: AssetId | None
    segment: str

    def __post_init__(self) -> None:
        check_segment("ChargingNeedId", self.segment)

    @property
    def name(self) -> str:
        """The resource name."""
        asset = ANY if self.asset is None else self.asset.segment
        return f"{self.site.name}/assets/{asset}/{self.collection}/{self.segment}"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Read a resource name; InvalidArgument naming `field` when it is not a need's."""
        site, asset, segment = split_name(
            cls.__name__, name, field, "sites", "assets", cls.collection
        )
        try:
            of = SiteId(site)
            return cls(of, None if asset == ANY else AssetId(of, asset), segment)
        except InvalidArgument as error:
            raise InvalidArgument(error.reason, error.message, field=field) from None

    def __str__(self) -> str:
        return self.name
