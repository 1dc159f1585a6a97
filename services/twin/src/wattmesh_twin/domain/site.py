"""A site: what is behind one grid connection, and the devices that measure it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import GridConnectionRating, Node, Phase
from wattmesh_twin.domain.battery import BatterySpec, BatteryState
from wattmesh_twin.domain.generator import GeneratorSpec, GeneratorState
from wattmesh_twin.domain.grid_switch import GridSwitchState
from wattmesh_twin.domain.hot_water import HotWaterSpec
from wattmesh_twin.domain.household import MachineSpec
from wattmesh_twin.domain.lease import Lease
from wattmesh_twin.domain.meter import MeterState
from wattmesh_twin.domain.microgrid import IslandCount, MicrogridSpec, TurbineSpec
from wattmesh_twin.domain.pv import FACTORY_REGISTER_WH, PvSpec
from wattmesh_twin.domain.rooms import RoomSpec

GRID_METER = "meter"
"""The device that measures everything behind the grid connection."""

INVERTER = "inverter"
"""The device that measures and curtails the PV plant."""

CLAMP = "clamp"
"""Device segment of the meter that a battery has of its own at the grid connection."""

TURBINE = "turbine"
"""The device that measures and curtails the wind turbine."""

GENERATOR = "generator"
"""The device that measures and starts the generator set."""

SWITCH = "switch"
"""The device that separates the site from the grid, and shows whether there is one."""

BATTERY = "battery"
"""The device that measures and controls the battery."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Where a site is: latitude, north positive, and longitude, east positive [degrees]."""

    latitude_degrees: float
    longitude_degrees: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargePointSpec:
    """A charge point: its asset and device are `id`; it hangs on a node, "" the connection."""

    id: str
    display_name: str = ""
    max_current_a: float = 16.0
    phase: Phase = Phase.THREE
    node_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSpec:
    """One site.

    `loads` are the ids of its metered loads: one load is what the grid meter sees besides PV,
    battery, charge points and rooms; of several, each also has a sub-meter. `nodes` are its fuses
    and transformers, `connection` the limits at the grid. One with a `microgrid` can do without it,
    and is planned by itself.
    """

    id: SiteId
    display_name: str
    loads: tuple[str, ...]
    pv: PvSpec | None = None
    battery: BatterySpec | None = None
    location: Location | None = None
    charge_points: tuple[ChargePointSpec, ...] = ()
    rooms: tuple[RoomSpec, ...] = ()
    tanks: tuple[HotWaterSpec, ...] = ()
    machines: tuple[MachineSpec, ...] = ()
    nodes: tuple[Node, ...] = ()
    connection: GridConnectionRating = field(default_factory=GridConnectionRating)
    turbine: TurbineSpec | None = None
    generator: GeneratorSpec | None = None
    fuel_price_per_l: float = 0.0
    microgrid: MicrogridSpec | None = None

    def __post_init__(self) -> None:
        if len(set(self.loads)) != len(self.loads) or not self.loads:
            raise InvalidArgument("INVALID_SITE", "a site has loads, each once", field="loads")

    def charge_point(self, id_: str) -> ChargePointSpec:
        """Return one of its charge points."""
        return next(each for each in self.charge_points if each.id == id_)

    def asset(self, segment: str) -> AssetId:
        """Return the id of one of the site's assets."""
        return AssetId(self.id, segment)

    def device(self, segment: str) -> DeviceId:
        """Return the id of one of the site's devices."""
        return DeviceId(self.id, segment)

    @property
    def sub_meters(self) -> Mapping[str, str]:
        """Device segment → load of each sub-meter; none when there is a single load."""
        if len(self.loads) == 1:
            return MappingProxyType({})
        return MappingProxyType({f"meter-{load}": load for load in self.loads})

    def initial(self, start: datetime) -> "SiteState":
        """Return the state at `start` of a site whose devices were all put up then."""
        return SiteState(
            time=start,
            battery=self.battery.initial() if self.battery else None,
            pv_export_wh=FACTORY_REGISTER_WH if self.pv else 0.0,
            meters={device: MeterState() for device in (GRID_METER, *self.sub_meters)},
            wind_export_wh=FACTORY_REGISTER_WH if self.turbine else 0.0,
            generator=(
                GeneratorState(time=start, fuel_l=self.generator.fuel_l) if self.generator else None
            ),
            grid=GridSwitchState(time=start, good_since=start) if self.microgrid else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteState:
    """Everything that a site's devices remember, at `time`.

    `setpoint` is the battery's power order [W, charging positive], `pv_limit` the inverter's limit
    [ratio of its peak power]; None when no lease is running. `meters` is by device segment.
    """

    time: datetime
    battery: BatteryState | None
    pv_export_wh: float
    meters: Mapping[str, MeterState] = field(default_factory=dict)
    setpoint: Lease | None = None
    pv_limit: Lease | None = None
    wind_export_wh: float = 0.0
    wind_limit: Lease | None = None
    generator: GeneratorState | None = None
    grid: GridSwitchState | None = None
    island: IslandCount = field(default_factory=IslandCount)

    @property
    def islanded(self) -> bool:
        """Whether the site is without the grid."""
        return self.grid is not None and not (self.grid.closed and self.grid.in_bounds)

    def next_interval(self) -> "SiteState":
        """Return the state at the beginning of the next reporting interval."""
        return replace(
            self, meters={device: meter.next_interval() for device, meter in self.meters.items()}
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Powers:
    """Powers of one moment [W], positive into the component.

    A load is None where nobody measured it. `pv_w` is None while the plant is off, for want of a
    measurement of what the sun gave. `charging_w` is what all charge points draw, `consumers_w` the
    plants of all rooms and tanks and all machines.
    """

    loads_w: Mapping[str, float | None]
    pv_w: float | None
    battery_w: float
    charging_w: float = 0.0
    consumers_w: float = 0.0
    wind_w: float = 0.0
    generator_w: float = 0.0

    @property
    def net_w(self) -> float | None:
        """The power through the grid connection, import positive; None where a load is not known.

        A plant that is off feeds nothing.
        """
        known = [load_w for load_w in self.loads_w.values() if load_w is not None]
        if len(known) < len(self.loads_w):
            return None
        generated_w = (self.pv_w or 0.0) + self.wind_w + self.generator_w
        return sum(known) + generated_w + self.battery_w + self.charging_w + self.consumers_w
