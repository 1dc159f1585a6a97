"""How zones and tanks will answer, from forecast."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import grpc

from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc, thermal_pb2
from wattmesh_contracts.ratings import rating_from_proto
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import CopPoint, ZoneThermalModel
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.forecast import reason_of
from wattmesh_planner.app.ports import OutlookAnswer
from wattmesh_planner.domain.facts import Topic, Why
from wattmesh_planner.domain.thermal import TankOutlook, ZoneOutlook
from wattmesh_runtime.errors import rpc_errors


class GrpcOutlooks:
    """Asks forecast for outlooks."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = forecast_pb2_grpc.ForecastServiceStub(channel)

    async def outlooks(
        self,
        assets: Sequence[AssetId],
        span: TimeRange,
        resolution: timedelta,
        within_seconds: float,
    ) -> Mapping[AssetId, OutlookAnswer]:
        """Return how each zone and tank will answer, or why it is not known, for each its own."""
        by_name = {asset.name: asset for asset in assets}
        request = forecast_pb2.IssueThermalOutlooksRequest(
            assets=by_name,
            range=time_range_to_proto(span),
            resolution=duration_to_proto(resolution),
        )
        with rpc_errors():
            answer = await self._stub.IssueThermalOutlooks(request, timeout=within_seconds)
        return {
            by_name[each.asset]: answer_from_proto(each)
            for each in answer.outlooks
            if each.asset in by_name
        }


def answer_from_proto(proto: forecast_pb2.ThermalOutlook) -> OutlookAnswer:
    """Return an outlook, or why there is none."""
    match proto.WhichOneof("result"):
        case "zone":
            return _zone(proto.zone)
        case "tank":
            return _tank(proto.tank)
        case _:
            reason, detail = reason_of(proto.failure.reason), proto.failure.message
            return Why(topic=Topic.FORECAST, reason=reason, detail=detail)


def _zone(proto: thermal_pb2.ZoneOutlook) -> ZoneOutlook:
    """Return an outlook; without its model where what goes with it is not known."""
    identified = proto.verdict == thermal_pb2.ZONE_VERDICT_IDENTIFIED
    complete = proto.HasField("thermal_model") and proto.heat_gains_w
    complete = complete and proto.outdoor_temperatures_celsius
    reason = proto.reason
    if identified and not complete:
        reason = "it is not known where it stands, or how warm it will be outside"
    return ZoneOutlook(
        reason=reason,
        model=rating_from_proto(ZoneThermalModel, proto.thermal_model)
        if identified and complete
        else None,
        heating_cop=_cop(proto.heating_cop_points),
        cooling_cop=_cop(proto.cooling_cop_points),
        mass_celsius=proto.mass_temperature_celsius
        if proto.HasField("mass_temperature_celsius")
        else None,
        outdoor_celsius=tuple(proto.outdoor_temperatures_celsius),
        gains_w=tuple(proto.heat_gains_w),
        powers_w=tuple(proto.powers_w),
        occupancy_ratios=tuple(proto.occupancy_ratios),
        along_ratios=tuple(proto.along_ratios),
    )


def _tank(proto: thermal_pb2.TankOutlook) -> TankOutlook:
    return TankOutlook(
        reason=proto.reason,
        draws_w=tuple(proto.draw_heats_w),
        outdoor_celsius=tuple(proto.outdoor_temperatures_celsius),
        powers_w=tuple(proto.powers_w),
    )


def _cop(protos: Sequence[object]) -> tuple[CopPoint, ...]:
    return tuple(rating_from_proto(CopPoint, each) for each in protos)  # type: ignore[arg-type]
