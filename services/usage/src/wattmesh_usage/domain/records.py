"""What is kept: a resource, the revision at which it last changed, and which lists it is in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import ANY, AssetId, SiteId
from wattmesh_usage.domain.needs import ChargingNeed
from wattmesh_usage.domain.runs import DeferrableRun
from wattmesh_usage.domain.sessions import ChargingSession
from wattmesh_usage.domain.vehicles import Vehicle
from wattmesh_usage.domain.zones import Occupancy, ZoneSchedule

Resource: TypeAlias = (
    Vehicle | ChargingSession | ChargingNeed | ZoneSchedule | Occupancy | DeferrableRun
)

K = TypeVar("K", bound=Resource, covariant=True)


class Kind(StrEnum):
    """What a resource is."""

    VEHICLE = "vehicle"
    CHARGING_SESSION = "charging_session"
    CHARGING_NEED = "charging_need"
    ZONE_SCHEDULE = "zone_schedule"
    OCCUPANCY = "occupancy"
    DEFERRABLE_RUN = "deferrable_run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record(Generic[K]):
    """A resource as it is kept; the same content has the same revision."""

    resource: K
    revision: int
    deleted: bool = False

    @property
    def name(self) -> str:
        """The resource name."""
        return self.resource.id.name

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return f"{self.revision:x}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What changed up to `revision`; with `snapshot` all there is that is not final."""

    revision: int
    snapshot: bool = False
    records: tuple[Record[Resource], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """Whose resources a list is of: an asset's, a site's, or (None) all."""

    site: SiteId | None = None
    asset: AssetId | None = None

    @classmethod
    def parse(cls, name: str) -> "Parent":
        """Read `sites/{site}/assets/{asset}`, where both may be `-`; or InvalidArgument."""
        parts = name.split("/")
        if len(parts) != 4 or parts[0] != "sites" or parts[2] != "assets":
            raise InvalidArgument(
                "INVALID_PARENT",
                f"{name!r} is no `sites/{{site}}/assets/{{asset}}`",
                field="parent",
            )
        if parts[1] == ANY and parts[3] == ANY:
            return cls()
        site = SiteId.parse(f"sites/{parts[1]}", "parent")
        return cls(site=site, asset=None if parts[3] == ANY else AssetId.parse(name, "parent"))


def kind_of(resource: Resource) -> Kind:
    """Return what a resource is."""
    match resource:
        case Vehicle():
            return Kind.VEHICLE
        case ChargingSession():
            return Kind.CHARGING_SESSION
        case ChargingNeed():
            return Kind.CHARGING_NEED
        case ZoneSchedule():
            return Kind.ZONE_SCHEDULE
        case Occupancy():
            return Kind.OCCUPANCY
        case DeferrableRun():
            return Kind.DEFERRABLE_RUN


def is_open(resource: Resource) -> bool:
    """Return whether a resource may still change by itself."""
    match resource:
        case Vehicle() | ZoneSchedule() | Occupancy():
            return True
        case ChargingSession():
            return not resource.ended
        case ChargingNeed():
            return not resource.final
        case DeferrableRun():
            return not resource.final
