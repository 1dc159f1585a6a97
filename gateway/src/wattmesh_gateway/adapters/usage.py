"""Charging sessions to UsageService."""

from collections.abc import Mapping

import grpc

from wattmesh.usage.v1 import charging_pb2, usage_service_pb2, usage_service_pb2_grpc
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_gateway.domain.session import ChargingSession, SessionState
from wattmesh_kernel.ids import AssetId
from wattmesh_runtime.errors import rpc_errors

_STATES: Mapping[SessionState, charging_pb2.ChargingSessionState.ValueType] = {
    SessionState.WAITING: charging_pb2.CHARGING_SESSION_STATE_WAITING,
    SessionState.CHARGING: charging_pb2.CHARGING_SESSION_STATE_CHARGING,
    SessionState.DISCHARGING: charging_pb2.CHARGING_SESSION_STATE_DISCHARGING,
    SessionState.SUSPENDED_BY_CHARGER: charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_CHARGER,
    SessionState.SUSPENDED_BY_VEHICLE: charging_pb2.CHARGING_SESSION_STATE_SUSPENDED_BY_VEHICLE,
    SessionState.FAULTED: charging_pb2.CHARGING_SESSION_STATE_FAULTED,
    SessionState.ENDED: charging_pb2.CHARGING_SESSION_STATE_ENDED,
}
_TIMEOUT_SECONDS = 10.0


class GrpcSessionUplink:
    """Reports sessions where readings go."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = usage_service_pb2_grpc.UsageServiceStub(channel)

    async def report(self, asset: AssetId, session: ChargingSession) -> None:
        """Report a session of an asset; harmless to repeat; WattmeshError when it is not taken."""
        request = usage_service_pb2.UpdateChargingSessionRequest(
            charging_session=session_to_proto(asset, session), allow_missing=True
        )
        with rpc_errors():
            await self._stub.UpdateChargingSession(request, timeout=_TIMEOUT_SECONDS)


def session_to_proto(asset: AssetId, session: ChargingSession) -> charging_pb2.ChargingSession:
    """Return a session as its proto."""
    departure, soc_time = session.departure_time, session.soc_measure_time
    return charging_pb2.ChargingSession(
        name=session.name_at(asset),
        token=session.token,
        device=session.device.name,
        state=_STATES[session.state],
        arrival_time=timestamp_to_proto(session.arrival_time),
        departure_time=timestamp_to_proto(departure) if departure else None,
        charged_energy_wh=session.charged_energy_wh,
        discharged_energy_wh=session.discharged_energy_wh,
        soc_ratio=session.soc_ratio,
        soc_measure_time=timestamp_to_proto(soc_time) if soc_time else None,
        measure_time=timestamp_to_proto(session.measure_time),
    )
