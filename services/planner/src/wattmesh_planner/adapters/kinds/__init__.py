"""How each kind of asset goes into the optimizer's problem and comes out of its plan."""

from collections.abc import Mapping
from types import MappingProxyType

from wattmesh_kernel.sites import (
    BatteryRating,
    DeferrableRating,
    EvChargerRating,
    GeneratorRating,
    GridConnectionRating,
    HvacZoneRating,
    LoadRating,
    PvRating,
    Rating,
    TankRating,
    WindRating,
)
from wattmesh_planner.adapters.kinds.battery import BatteryPart
from wattmesh_planner.adapters.kinds.deferrable_load import DeferrableLoadPart
from wattmesh_planner.adapters.kinds.ev_charger import EvChargerPart
from wattmesh_planner.adapters.kinds.generator import GeneratorPart
from wattmesh_planner.adapters.kinds.grid_connection import GridConnectionPart
from wattmesh_planner.adapters.kinds.hvac_zone import HvacZonePart
from wattmesh_planner.adapters.kinds.load import LoadPart
from wattmesh_planner.adapters.kinds.part import Part
from wattmesh_planner.adapters.kinds.pv_array import PvArrayPart
from wattmesh_planner.adapters.kinds.thermal_tank import ThermalTankPart
from wattmesh_planner.adapters.kinds.wind_turbine import WindTurbinePart

PARTS: Mapping[type[Rating], Part] = MappingProxyType(
    {
        GridConnectionRating: GridConnectionPart(),
        LoadRating: LoadPart(),
        PvRating: PvArrayPart(),
        GeneratorRating: GeneratorPart(),
        WindRating: WindTurbinePart(),
        BatteryRating: BatteryPart(),
        EvChargerRating: EvChargerPart(),
        HvacZoneRating: HvacZonePart(),
        TankRating: ThermalTankPart(),
        DeferrableRating: DeferrableLoadPart(),
    }
)
"""By the type of their rating; the same kinds as `wattmesh_planner.domain.kinds`."""
