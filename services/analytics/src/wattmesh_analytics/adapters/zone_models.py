"""How zones answer to heat, as forecast has identified them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import grpc

from wattmesh.forecast.v1 import forecast_pb2, forecast_pb2_grpc, thermal_pb2
from wattmesh.type.v1 import rating_pb2
from wattmesh_analytics.app.rule_ports import ZoneAnswer
from wattmesh_contracts.ratings import rating_from_proto
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import AssetId
from wattmesh_kernel.sites import CopPoint, ZoneThermalModel
from wattmesh_kernel.time import TimeRange, ceil_time
from wattmesh_runtime.errors import rpc_errors

_HOUR = timedelta(hours=1)


class GrpcZoneModels:
    """Asks forecast for outlooks, of which the model alone is wanted."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._stub = forecast_pb2_grpc.ForecastServiceStub(channel)
        self._clock = clock

    async def answers(self, zones: Sequence[AssetId]) -> Mapping[AssetId, ZoneAnswer | str]:
        """Return how each zone answers, or why that is not known, for people."""
        by_name = {zone.name: zone for zone in zones}
        following = TimeRange.of(ceil_time(self._clock.now(), _HOUR), _HOUR)
        request = forecast_pb2.IssueThermalOutlooksRequest(
            assets=by_name,
            range=time_range_to_proto(following),
            resolution=duration_to_proto(_HOUR),
        )
        with rpc_errors():
            answer = await self._stub.IssueThermalOutlooks(request)
        return {by_name[each.asset]: _answer(each) for each in answer.outlooks}


def _answer(proto: forecast_pb2.ThermalOutlook) -> ZoneAnswer | str:
    if not proto.HasField("zone"):
        return proto.failure.message
    zone = proto.zone
    if zone.verdict != thermal_pb2.ZONE_VERDICT_IDENTIFIED or not zone.HasField("thermal_model"):
        return f"how it answers to heat is not known: {zone.reason}"
    return ZoneAnswer(
        model=rating_from_proto(ZoneThermalModel, zone.thermal_model),
        heating_cop=_cop(zone.heating_cop_points),
        cooling_cop=_cop(zone.cooling_cop_points),
    )


def _cop(protos: Iterable[rating_pb2.CopPoint]) -> tuple[CopPoint, ...]:
    return tuple(rating_from_proto(CopPoint, each) for each in protos)
