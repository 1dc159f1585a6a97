"""What people want of zones ↔ wattmesh.usage.v1."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from wattmesh.usage.v1 import zone_pb2
from wattmesh_contracts.ratings import rating_from_proto
from wattmesh_contracts.tariff_windows import window_from_proto
from wattmesh_contracts.values import time_range_from_proto
from wattmesh_kernel.comfort import Occupancy, ZoneMode, ZonePeriod, ZoneSchedule, ZoneWishes
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import ComfortBand

T = TypeVar("T")

_MODES = {
    zone_pb2.ZONE_MODE_HEATING: ZoneMode.HEATING,
    zone_pb2.ZONE_MODE_COOLING: ZoneMode.COOLING,
    zone_pb2.ZONE_MODE_OFF: ZoneMode.OFF,
}


def wishes_from_proto(
    schedules: Iterable[zone_pb2.ZoneSchedule], occupancies: Iterable[zone_pb2.Occupancy]
) -> Mapping[AssetId, ZoneWishes]:
    """Return what is wanted of each zone that anything was said of."""
    said = by_asset(schedules, schedule_from_proto)
    there = by_asset(occupancies, occupancy_from_proto)
    return {
        asset: ZoneWishes(
            schedules=tuple(said.get(asset, ())), occupancies=tuple(there.get(asset, ()))
        )
        for asset in {*said, *there}
    }


def schedule_from_proto(proto: zone_pb2.ZoneSchedule) -> ZoneSchedule:
    """Return a schedule."""
    return ZoneSchedule(
        name=proto.name,
        priority=proto.priority,
        range=time_range_from_proto(proto.range) if proto.HasField("range") else None,
        periods=tuple(
            ZonePeriod(
                window=window_from_proto(each.window),
                band=rating_from_proto(ComfortBand, each.band) if each.HasField("band") else None,
                mode=_MODES.get(each.mode, ZoneMode.ANY),
            )
            for each in proto.periods
        ),
    )


def occupancy_from_proto(proto: zone_pb2.Occupancy) -> Occupancy:
    """Return what somebody knows of who is there."""
    return Occupancy(range=time_range_from_proto(proto.range), ratio=proto.occupancy_ratio)


def by_asset(protos: Iterable[Any], convert: Callable[[Any], T]) -> dict[AssetId, list[T]]:
    """Return parts of assets, `sites/{site}/assets/{asset}/…`, by asset, in their order."""
    found: dict[AssetId, list[T]] = {}
    for proto in protos:
        asset = AssetId.parse("/".join(proto.name.split("/")[:4]))
        found.setdefault(asset, []).append(convert(proto))
    return found
