"""HVAC zones and tanks from their protos."""

import numpy as np

from wattmesh.optimizer.v1 import asset_pb2
from wattmesh_optimizer.api.fields import KILO, column, given, optional, optional_column
from wattmesh_optimizer.domain.checks import refuse
from wattmesh_optimizer.domain.thermal import ComfortBand, HeatPump, HvacZone, ThermalTank


def hvac_zone_from_proto(proto: asset_pb2.HvacZone) -> HvacZone:
    """Return a zone; InvalidArgument when a value makes no sense."""
    if not proto.HasField("occupied_band"):
        raise refuse("hvac_zone.occupied_band", "is missing")
    mass, resistance = (
        optional(proto, "mass_capacity_wh_per_k"),
        optional(proto, "air_mass_resistance_k_per_w"),
    )
    return HvacZone(
        air_capacity_kwh_per_k=proto.air_capacity_wh_per_k * KILO,
        air_outdoor_resistance_k_per_kw=proto.air_outdoor_resistance_k_per_w / KILO,
        mass_capacity_kwh_per_k=None if mass is None else mass * KILO,
        air_mass_resistance_k_per_kw=None if resistance is None else resistance / KILO,
        initial_air_celsius=proto.initial_air_temperature_celsius,
        initial_mass_celsius=optional(proto, "initial_mass_temperature_celsius"),
        outdoor_celsius=column(proto.outdoor_temperatures_celsius),
        heat_gains_kw=optional_column(proto.heat_gains_w, KILO),
        heating=_heat_pump(proto.heating) if proto.HasField("heating") else None,
        cooling=_heat_pump(proto.cooling) if proto.HasField("cooling") else None,
        occupied_band=_band(proto.occupied_band),
        unoccupied_band=_band(proto.unoccupied_band) if proto.HasField("unoccupied_band") else None,
        occupancy_ratios=optional_column(proto.occupancy_ratios),
        **given(proto, discomfort_price_per_kelvin_hour="discomfort_price_per_kelvin_hour"),
    )


def thermal_tank_from_proto(proto: asset_pb2.ThermalTank, count: int) -> ThermalTank:
    """Return a tank, without draws for none; InvalidArgument when a value makes no sense."""
    if not proto.HasField("heater"):
        raise refuse("thermal_tank.heater", "is missing")
    draws = optional_column(proto.draw_heats_w, KILO)
    return ThermalTank(
        capacity_kwh_per_k=proto.capacity_wh_per_k * KILO,
        initial_celsius=proto.initial_temperature_celsius,
        min_celsius=proto.min_temperature_celsius,
        max_celsius=proto.max_temperature_celsius,
        heater=_heat_pump(proto.heater),
        draw_heats_kw=np.zeros(count) if draws is None else draws,
        loss_kw_per_k=proto.loss_w_per_k * KILO,
        outdoor_celsius=optional_column(proto.outdoor_temperatures_celsius),
        terminal_value_per_kwh=proto.terminal_value_per_kwh,
        **given(
            proto,
            ambient_celsius="ambient_temperature_celsius",
            shortfall_price_per_kwh="shortfall_price_per_kwh",
        ),
    )


def _heat_pump(proto: asset_pb2.HeatPump) -> HeatPump:
    return HeatPump(
        max_power_kw=proto.max_power_w * KILO,
        min_power_kw=proto.min_power_w * KILO,
        cop_points=tuple(
            (point.outdoor_temperature_celsius, point.cop_ratio) for point in proto.cop_points
        ),
    )


def _band(proto: asset_pb2.ComfortBand) -> ComfortBand:
    return ComfortBand(
        min_celsius=proto.min_temperature_celsius, max_celsius=proto.max_temperature_celsius
    )
