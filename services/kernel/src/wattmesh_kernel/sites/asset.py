"""Assets: what consumes, generates or stores energy at a site."""

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from wattmesh_kernel.checks import require_display_name, require_text
from wattmesh_kernel.ids import AssetId, SiteId, check_segment
from wattmesh_kernel.sites.ratings import (
    BatteryRating,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    LoadRating,
    PvRating,
    WindRating,
)
from wattmesh_kernel.sites.thermal import HvacZoneRating, TankRating

LONGEST_METER_POINT_ID = 64


class Phase(Enum):
    """Conductors that an asset is connected to."""

    THREE = "three"
    """Balanced over three phases."""
    L1 = "l1"
    L2 = "l2"
    L3 = "l3"

    @property
    def count(self) -> int:
        """Number of conductors: 1 or 3."""
        return 3 if self is Phase.THREE else 1

    def share(self, conductor: "Phase") -> float:
        """Return which part of a power flows through one conductor: of THREE, a third in L1."""
        if self is Phase.THREE:
            return 1.0 / 3.0
        return 1.0 if self is conductor else 0.0


Rating: TypeAlias = (
    GridConnectionRating
    | LoadRating
    | PvRating
    | WindRating
    | BatteryRating
    | EvChargerRating
    | HvacZoneRating
    | TankRating
    | DeferrableRating
    | GeneratorRating
)

RATINGS: MappingProxyType[str, type[Rating]] = MappingProxyType(
    {
        "grid_connection": GridConnectionRating,
        "load": LoadRating,
        "pv_array": PvRating,
        "wind_turbine": WindRating,
        "battery": BatteryRating,
        "ev_charger": EvChargerRating,
        "hvac_zone": HvacZoneRating,
        "thermal_tank": TankRating,
        "deferrable_load": DeferrableRating,
        "generator": GeneratorRating,
    }
)
"""The rating of every kind of asset, by the name that the wire gives the kind."""

KIND_NAMES: MappingProxyType[type[Rating], str] = MappingProxyType(
    {rating: name for name, rating in RATINGS.items()}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """Something at a site with what it is able to do; its kind is the type of its rating.

    `node_id` is where it hangs in the site's topology, "" at the grid connection.
    """

    id: AssetId
    rating: Rating
    display_name: str = ""
    node_id: str = ""
    phase: Phase = Phase.THREE
    meter_point_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        if self.node_id:
            check_segment("node", self.node_id, "node_id")
        for meter_point in self.meter_point_ids:
            require_text(meter_point, LONGEST_METER_POINT_ID, "meter_point_ids", required=True)

    @property
    def name(self) -> str:
        """The resource name."""
        return self.id.name

    @property
    def site(self) -> SiteId:
        """Where it stands."""
        return self.id.site

    @property
    def kind(self) -> str:
        """The name of its kind, e.g. "battery"."""
        return KIND_NAMES[type(self.rating)]


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedPower:
    """Most power into and out of an asset [W], magnitudes; None: no bound is known."""

    max_import_w: float | None
    max_export_w: float | None


def rated_power(asset: Asset) -> RatedPower:
    """Return between which powers an asset can be at all.

    A three-phase charge point of 16 A and 230 V takes at most 11,040 W.
    """
    match asset.rating:
        case GridConnectionRating(max_import_power_w=into, max_export_power_w=out):
            return RatedPower(max_import_w=into, max_export_w=out)
        case LoadRating():
            return RatedPower(max_import_w=None, max_export_w=0.0)
        case PvRating():
            return RatedPower(max_import_w=0.0, max_export_w=asset.rating.output_power_w)
        case WindRating(max_output_power_w=out) | GeneratorRating(max_output_power_w=out):
            return RatedPower(max_import_w=0.0, max_export_w=out)
        case BatteryRating(max_charge_power_w=into, max_discharge_power_w=out):
            return RatedPower(max_import_w=into, max_export_w=out)
        case EvChargerRating(max_current_a=most, voltage_v=volts, max_discharge_power_w=out):
            return RatedPower(max_import_w=most * volts * asset.phase.count, max_export_w=out)
        case HvacZoneRating(heating=heating, cooling=cooling):
            powers = [plant.max_power_w for plant in (heating, cooling) if plant is not None]
            return RatedPower(max_import_w=max(powers, default=0.0), max_export_w=0.0)
        case TankRating(heater=heater):
            return RatedPower(max_import_w=heater.max_power_w, max_export_w=0.0)
        case DeferrableRating(max_power_w=into):
            return RatedPower(max_import_w=into, max_export_w=0.0)
