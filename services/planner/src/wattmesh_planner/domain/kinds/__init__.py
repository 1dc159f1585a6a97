"""The kinds of assets that are planned: one module each, and one line here."""

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
from wattmesh_planner.domain.kinds.battery import BatteryKind
from wattmesh_planner.domain.kinds.deferrable_load import DeferrableLoadKind
from wattmesh_planner.domain.kinds.ev_charger import EvChargerKind
from wattmesh_planner.domain.kinds.generator import GeneratorKind
from wattmesh_planner.domain.kinds.grid_connection import GridConnectionKind
from wattmesh_planner.domain.kinds.hvac_zone import HvacZoneKind
from wattmesh_planner.domain.kinds.kind import Kind
from wattmesh_planner.domain.kinds.load import LoadKind
from wattmesh_planner.domain.kinds.pv_array import PvArrayKind
from wattmesh_planner.domain.kinds.thermal_tank import ThermalTankKind
from wattmesh_planner.domain.kinds.wind_turbine import WindTurbineKind

KINDS: Mapping[type[Rating], Kind] = MappingProxyType(
    {
        GridConnectionRating: GridConnectionKind(),
        LoadRating: LoadKind(),
        PvRating: PvArrayKind(),
        GeneratorRating: GeneratorKind(),
        WindRating: WindTurbineKind(),
        BatteryRating: BatteryKind(),
        EvChargerRating: EvChargerKind(),
        HvacZoneRating: HvacZoneKind(),
        TankRating: ThermalTankKind(),
        DeferrableRating: DeferrableLoadKind(),
    }
)
"""By the type of their rating; what is not here is not planned, and a plan says so."""
