"""Batteries and charge points from their protos."""

from wattmesh.optimizer.v1 import asset_pb2
from wattmesh_contracts.ratings import rating_from_proto
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel import sites
from wattmesh_optimizer.api.fields import KILO, given, optional, rated
from wattmesh_optimizer.domain.checks import refuse
from wattmesh_optimizer.domain.storage import (
    Battery,
    EarlyDeparture,
    EvCharger,
    EvSession,
    SocPowerLimit,
)


def battery_from_proto(proto: asset_pb2.Battery) -> Battery:
    """Return a battery; InvalidArgument when a value makes no sense."""
    rating = rating_from_proto(sites.BatteryRating, rated(proto))
    return Battery(
        capacity_kwh=rating.capacity_wh * KILO,
        max_charge_power_kw=rating.max_charge_power_w * KILO,
        max_discharge_power_kw=rating.max_discharge_power_w * KILO,
        min_charge_power_kw=rating.min_charge_power_w * KILO,
        min_discharge_power_kw=rating.min_discharge_power_w * KILO,
        min_soc_ratio=rating.min_soc_ratio,
        max_soc_ratio=rating.max_soc_ratio,
        charge_efficiency_ratio=rating.charge_efficiency_ratio,
        discharge_efficiency_ratio=rating.discharge_efficiency_ratio,
        self_discharge_ratio_per_hour=rating.self_discharge_ratio_per_hour,
        wear_cost_per_kwh=rating.wear_cost_per_kwh,
        soc_power_limits=tuple(map(_limit, rating.soc_power_limits)),
        initial_soc_ratio=optional(proto, "initial_soc_ratio"),
        final_soc_ratio=optional(proto, "final_soc_ratio"),
        terminal_value_per_kwh=proto.terminal_value_per_kwh,
        **given(proto, final_soc_price_per_kwh="final_soc_price_per_kwh"),
    )


def ev_charger_from_proto(proto: asset_pb2.EvCharger) -> EvCharger:
    """Return a charge point; InvalidArgument when a value makes no sense."""
    rating = rating_from_proto(sites.EvChargerRating, rated(proto))
    return EvCharger(
        max_current_a=rating.max_current_a,
        min_current_a=rating.min_current_a,
        voltage_v=rating.voltage_v,
        max_discharge_power_kw=rating.max_discharge_power_w * KILO,
        charge_efficiency_ratio=rating.charge_efficiency_ratio,
        discharge_efficiency_ratio=rating.discharge_efficiency_ratio,
        sessions=tuple(map(_session, proto.sessions)),
    )


def _limit(limit: sites.SocPowerLimit) -> SocPowerLimit:
    return SocPowerLimit(
        soc_ratio=limit.soc_ratio,
        max_charge_power_kw=limit.max_charge_power_w * KILO,
        max_discharge_power_kw=limit.max_discharge_power_w * KILO,
    )


def _session(proto: asset_pb2.EvSession) -> EvSession:
    for field in ("arrival_time", "departure_time"):
        if not proto.HasField(field):
            raise refuse(f"sessions.{field}", f"is missing for {proto.id!r}")
    energy = optional(proto, "target_energy_wh")
    return EvSession(
        id=proto.id,
        arrival=datetime_from_proto(proto.arrival_time, "sessions.arrival_time"),
        departure=datetime_from_proto(proto.departure_time, "sessions.departure_time"),
        capacity_kwh=proto.capacity_wh * KILO,
        initial_soc_ratio=optional(proto, "initial_soc_ratio"),
        target_energy_kwh=None if energy is None else energy * KILO,
        target_soc_ratio=optional(proto, "target_soc_ratio"),
        min_soc_ratio=proto.min_soc_ratio,
        wear_cost_per_kwh=proto.wear_cost_per_kwh,
        terminal_value_per_kwh=proto.terminal_value_per_kwh,
        early_departure_price_per_kwh=optional(proto, "early_departure_price_per_kwh"),
        early_departures=tuple(map(_early_departure, proto.early_departures)),
        **given(
            proto,
            assumed_soc_ratio="assumed_soc_ratio",
            shortfall_price_per_kwh="shortfall_price_per_kwh",
        ),
    )


def _early_departure(proto: asset_pb2.EarlyDeparture) -> EarlyDeparture:
    if not proto.HasField("departure_time"):
        raise refuse("sessions.early_departures.departure_time", "is missing")
    field = "sessions.early_departures.departure_time"
    return EarlyDeparture(time=datetime_from_proto(proto.departure_time, field), ratio=proto.ratio)
