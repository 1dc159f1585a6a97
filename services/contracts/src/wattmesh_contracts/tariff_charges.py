"""Charges and limits of wattmesh.type.v1.Tariff ↔ the kernel's."""

from collections.abc import Mapping

from wattmesh.type.v1 import tariff_pb2
from wattmesh_contracts.tariff_windows import (
    enum_from_proto,
    season_from_proto,
    season_to_proto,
    window_from_proto,
    window_to_proto,
)
from wattmesh_contracts.values import (
    duration_from_proto,
    duration_to_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.tariff import (
    ChargeInterval,
    CoincidentPeakCharge,
    DemandCharge,
    EnergyDirection,
    FixedCharge,
    PowerLimit,
    Ratchet,
)

_INTERVALS: Mapping[int, ChargeInterval] = {
    tariff_pb2.CHARGE_INTERVAL_DAY: ChargeInterval.DAY,
    tariff_pb2.CHARGE_INTERVAL_BILLING_PERIOD: ChargeInterval.BILLING_PERIOD,
}


_INTERVALS_TO_PROTO = {
    interval: tariff_pb2.ChargeInterval.ValueType(number) for number, interval in _INTERVALS.items()
}


_DIRECTIONS: Mapping[int, EnergyDirection] = {
    tariff_pb2.ENERGY_DIRECTION_IMPORT: EnergyDirection.IMPORT,
    tariff_pb2.ENERGY_DIRECTION_EXPORT: EnergyDirection.EXPORT,
}


_DIRECTIONS_TO_PROTO = {
    direction: tariff_pb2.EnergyDirection.ValueType(number)
    for number, direction in _DIRECTIONS.items()
}


def fixed_from_proto(proto: tariff_pb2.FixedCharge) -> FixedCharge:
    """Return a fixed charge."""
    return FixedCharge(
        name=proto.display_name,
        amount=proto.amount,
        interval=enum_from_proto(_INTERVALS, proto.interval, "fixed_charges.interval"),
    )


def fixed_to_proto(charge: FixedCharge) -> tariff_pb2.FixedCharge:
    """Return a fixed charge as its proto."""
    return tariff_pb2.FixedCharge(
        display_name=charge.name,
        amount=charge.amount,
        interval=_INTERVALS_TO_PROTO[charge.interval],
    )


def demand_from_proto(proto: tariff_pb2.DemandCharge) -> DemandCharge:
    """Return a demand charge."""
    return DemandCharge(
        id=proto.id,
        name=proto.display_name,
        price_per_kw=proto.price_per_kw,
        window=window_from_proto(proto.window),
        averaging=duration_from_proto(proto.averaging, "demand_charges.averaging"),
        interval=enum_from_proto(_INTERVALS, proto.interval, "demand_charges.interval")
        if proto.interval
        else ChargeInterval.BILLING_PERIOD,
        minimum_kw=proto.minimum_kw,
        ratchet=_ratchet_from_proto(proto.ratchet) if proto.HasField("ratchet") else None,
    )


def demand_to_proto(charge: DemandCharge) -> tariff_pb2.DemandCharge:
    """Return a demand charge as its proto."""
    return tariff_pb2.DemandCharge(
        id=charge.id,
        display_name=charge.name,
        price_per_kw=charge.price_per_kw,
        window=window_to_proto(charge.window),
        averaging=duration_to_proto(charge.averaging),
        interval=_INTERVALS_TO_PROTO[charge.interval],
        minimum_kw=charge.minimum_kw,
        ratchet=None if charge.ratchet is None else _ratchet_to_proto(charge.ratchet),
    )


def _ratchet_from_proto(proto: tariff_pb2.Ratchet) -> Ratchet:
    return Ratchet(
        share_ratio=proto.share_ratio,
        lookback=proto.lookback,
        season=season_from_proto(proto.season) if proto.HasField("season") else None,
    )


def _ratchet_to_proto(ratchet: Ratchet) -> tariff_pb2.Ratchet:
    return tariff_pb2.Ratchet(
        share_ratio=ratchet.share_ratio,
        lookback=ratchet.lookback,
        season=None if ratchet.season is None else season_to_proto(ratchet.season),
    )


def coincident_from_proto(proto: tariff_pb2.CoincidentPeakCharge) -> CoincidentPeakCharge:
    """Return a coincident-peak charge."""
    return CoincidentPeakCharge(
        name=proto.display_name,
        price_per_kw=proto.price_per_kw,
        events=tuple(
            time_range_from_proto(event, "coincident_peak_charges.event_ranges")
            for event in proto.event_ranges
        ),
    )


def coincident_to_proto(charge: CoincidentPeakCharge) -> tariff_pb2.CoincidentPeakCharge:
    """Return a coincident-peak charge as its proto."""
    return tariff_pb2.CoincidentPeakCharge(
        display_name=charge.name,
        price_per_kw=charge.price_per_kw,
        event_ranges=map(time_range_to_proto, charge.events),
    )


def limit_from_proto(proto: tariff_pb2.PowerLimit) -> PowerLimit:
    """Return a power limit."""
    return PowerLimit(
        direction=enum_from_proto(_DIRECTIONS, proto.direction, "power_limits.direction"),
        max_power_w=proto.max_power_w,
        window=window_from_proto(proto.window),
    )


def limit_to_proto(limit: PowerLimit) -> tariff_pb2.PowerLimit:
    """Return a power limit as its proto."""
    return tariff_pb2.PowerLimit(
        direction=_DIRECTIONS_TO_PROTO[limit.direction],
        max_power_w=limit.max_power_w,
        window=window_to_proto(limit.window),
    )
