"""UsageService as a gateway sees it: it takes charging sessions."""

import grpc

from wattmesh.usage.v1 import charging_pb2, usage_service_pb2, usage_service_pb2_grpc


class FakeUsage(usage_service_pb2_grpc.UsageServiceServicer):
    """Keeps the newest report of each session. `away`: it answers that it is."""

    def __init__(self) -> None:
        self.sessions: dict[str, charging_pb2.ChargingSession] = {}
        self.reports = 0
        self.away = False

    async def UpdateChargingSession(  # noqa: N802
        self,
        request: usage_service_pb2.UpdateChargingSessionRequest,
        context: grpc.aio.ServicerContext[
            usage_service_pb2.UpdateChargingSessionRequest,
            usage_service_pb2.UpdateChargingSessionResponse,
        ],
    ) -> usage_service_pb2.UpdateChargingSessionResponse:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        assert request.allow_missing
        session = request.charging_session
        self.reports += 1
        self.sessions[session.name] = session
        return usage_service_pb2.UpdateChargingSessionResponse(charging_session=session)


def register_usage(fake: FakeUsage, server: grpc.aio.Server) -> None:
    """Serve it."""
    usage_service_pb2_grpc.add_UsageServiceServicer_to_server(fake, server)
