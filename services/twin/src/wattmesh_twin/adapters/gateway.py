"""The gateway, which says whom it listens to."""

from collections.abc import Collection

import grpc

from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.errors import rpc_errors


class GatewayClient:
    """Asks a gateway for its status."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = gateway_pb2_grpc.GatewayServiceStub(channel)

    async def heard(self, devices: Collection[DeviceId]) -> None:
        """Return if nothing that these devices publish is missed.

        Error: Unavailable when it is away, or does not listen to all of them yet.
        """
        with rpc_errors():
            status = await self._stub.GetGatewayStatus(gateway_pb2.GetGatewayStatusRequest())
        known = {each.device for each in status.devices}
        if not (status.listening and known.issuperset(each.name for each in devices)):
            raise Unavailable("NOT_LISTENING", "it does not listen to all devices yet")
