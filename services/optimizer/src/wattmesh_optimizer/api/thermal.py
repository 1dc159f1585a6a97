"""HVAC zones and tanks from their protos."""

from datetime import timedelta

import numpy as np

from wattmesh.optimizer.v1 import asset_pb2
from wattmesh_contracts.ratings import rating_from_proto
from wattmesh_contracts.values import duration_from_proto
from wattmesh_kernel import sites
from wattmesh_optimizer.api.fields import KILO, column, given, optional, optional_column, rated
from wattmesh_optimizer.domain.checks import refuse
from wattmesh_optimizer.domain.thermal import (
    ComfortBand,
    HeatPump,
    HvacZone,
    ThermalTank,
    ZoneAfter,
)


def hvac_zone_from_proto(proto: asset_pb2.HvacZone) -> HvacZone:
    """Return a zone; InvalidArgument when a value makes no sense."""
    rating = rating_from_proto(sites.HvacZoneRating, rated(proto))
    model = rating.thermal_model
    if model is None:
        raise refuse("rating.thermal_model", "is missing")
    mass, resistance = model.mass_capacity_wh_per_k, model.air_mass_resistance_k_per_w
    return HvacZone(
        air_capacity_kwh_per_k=model.air_capacity_wh_per_k * KILO,
        air_outdoor_resistance_k_per_kw=model.air_outdoor_resistance_k_per_w / KILO,
        mass_capacity_kwh_per_k=None if mass is None else mass * KILO,
        air_mass_resistance_k_per_kw=None if resistance is None else resistance / KILO,
        heating=None if rating.heating is None else _heat_pump(rating.heating),
        cooling=None if rating.cooling is None else _heat_pump(rating.cooling),
        occupied_band=_band(rating.occupied_band),
        unoccupied_band=None if rating.unoccupied_band is None else _band(rating.unoccupied_band),
        initial_air_temperature_celsius=proto.initial_air_temperature_celsius,
        initial_mass_temperature_celsius=optional(proto, "initial_mass_temperature_celsius"),
        outdoor_temperatures_celsius=column(proto.outdoor_temperatures_celsius),
        heat_gains_kw=optional_column(proto.heat_gains_w, KILO),
        occupancy_ratios=optional_column(proto.occupancy_ratios),
        min_temperatures_celsius=optional_column(proto.min_temperatures_celsius),
        max_temperatures_celsius=optional_column(proto.max_temperatures_celsius),
        after=_after(proto.after) if proto.HasField("after") else None,
        added_prices_per_kwh=optional_column(proto.added_prices_per_kwh),
        **given(proto, discomfort_price_per_kelvin_hour="discomfort_price_per_kelvin_hour"),
    )


def thermal_tank_from_proto(proto: asset_pb2.ThermalTank, count: int) -> ThermalTank:
    """Return a tank, without draws for none; InvalidArgument when a value makes no sense."""
    rating = rating_from_proto(sites.TankRating, rated(proto))
    draws = optional_column(proto.draw_heats_w, KILO)
    return ThermalTank(
        capacity_kwh_per_k=rating.capacity_wh_per_k * KILO,
        min_temperature_celsius=rating.min_temperature_celsius,
        max_temperature_celsius=rating.max_temperature_celsius,
        loss_kw_per_k=rating.loss_w_per_k * KILO,
        ambient_temperature_celsius=rating.ambient_temperature_celsius,
        heater=_heat_pump(rating.heater),
        initial_temperature_celsius=proto.initial_temperature_celsius,
        draw_heats_kw=np.zeros(count) if draws is None else draws,
        outdoor_temperatures_celsius=optional_column(proto.outdoor_temperatures_celsius),
        terminal_value_per_kwh=proto.terminal_value_per_kwh,
        **given(proto, shortfall_price_per_kwh="shortfall_price_per_kwh"),
    )


def _after(proto: asset_pb2.ZoneAfter) -> ZoneAfter:
    resolution = duration_from_proto(proto.resolution, "after.resolution")
    return ZoneAfter(
        hours=resolution / timedelta(hours=1),
        prices_per_kwh=column(proto.prices_per_kwh),
        outdoor_temperatures_celsius=column(proto.outdoor_temperatures_celsius),
        heat_gains_kw=optional_column(proto.heat_gains_w, KILO),
        min_temperatures_celsius=column(proto.min_temperatures_celsius),
        max_temperatures_celsius=column(proto.max_temperatures_celsius),
    )


def _heat_pump(rating: sites.HeatPumpRating) -> HeatPump:
    return HeatPump(
        max_power_kw=rating.max_power_w * KILO,
        min_power_kw=rating.min_power_w * KILO,
        cop_points=tuple(
            (point.outdoor_temperature_celsius, point.cop_ratio) for point in rating.cop_points
        ),
    )


def _band(band: sites.ComfortBand) -> ComfortBand:
    return ComfortBand(
        min_temperature_celsius=band.min_temperature_celsius,
        max_temperature_celsius=band.max_temperature_celsius,
    )
