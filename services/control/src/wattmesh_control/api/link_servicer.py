"""GatewayLinkService: the streams on which gateways dial in."""

import logging
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from wattmesh.gateway.v1 import gateway_link_pb2 as pb
from wattmesh.gateway.v1 import gateway_link_pb2_grpc
from wattmesh_control.api.convert_link import (
    gateway_from_hello,
    message_from_proto,
    order_to_proto,
)
from wattmesh_control.app.links import Order
from wattmesh_control.app.serve_gateway import GatewayMessage, ServeGateway
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument

log = logging.getLogger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class GatewayLinkServicer(gateway_link_pb2_grpc.GatewayLinkServiceServicer):
    """Serves GatewayLinkService."""

    def __init__(self, clock: Clock, serve_gateway: ServeGateway) -> None:
        self._clock = clock
        self._serve_gateway = serve_gateway

    async def Connect(  # type: ignore[override]  # noqa: N802
        self, request_iterator: AsyncIterator[pb.ConnectRequest], context: Context
    ) -> None:
        """Hold one gateway's stream until it ends or a newer one takes over."""
        requests = aiter(request_iterator)
        hello = await anext(requests, pb.ConnectRequest())
        gateway = gateway_from_hello(hello)

        async def send(order: Order) -> None:
            await context.write(order_to_proto(order))

        await context.send_initial_metadata(())
        await self._serve_gateway(gateway, self._messages(requests), send)

    async def _messages(
        self, requests: AsyncIterator[pb.ConnectRequest]
    ) -> AsyncIterator[GatewayMessage]:
        """Yield what makes sense; what does not is logged and passed over."""
        async for request in requests:
            try:
                message = message_from_proto(request, self._clock.now())
            except InvalidArgument as error:
                log.warning("a gateway's message is passed over: %s", error)
                continue
            yield message
