"""GatewayService."""

import grpc

from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh_gateway.api.convert import status_to_proto
from wattmesh_gateway.app.tell_status import TellStatus


class GatewayServicer(gateway_pb2_grpc.GatewayServiceServicer):
    """Tells what the gateway counted, holds and talks to."""

    def __init__(self, tell_status: TellStatus) -> None:
        self._tell_status = tell_status

    async def GetGatewayStatus(  # noqa: N802 (the name in the contract)
        self,
        request: gateway_pb2.GetGatewayStatusRequest,
        context: grpc.aio.ServicerContext[
            gateway_pb2.GetGatewayStatusRequest, gateway_pb2.GetGatewayStatusResponse
        ],
    ) -> gateway_pb2.GetGatewayStatusResponse:
        """Return counters, spool and devices."""
        return status_to_proto(await self._tell_status.tell())
