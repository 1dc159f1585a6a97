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
from wattmesh_control.app.record_reports import GatewayMessage
from wattmesh_control.app.serve_gateway import ServeGateway
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
        """Hold one gateway's stream until it ends or a newer one takes over.

        The answer's headers say that the stream counts.
        """
        requests = aiter(request_iterator)
        hello = await anext(requests, pb.ConnectRequest())
        gateway = gateway_from_hello(hello)
        await self._serve_gateway(gateway, _Stream(requests, context, self._clock))


class _Stream:
    """GatewayStream over the two directions of a call."""

    def __init__(
        self, requests: AsyncIterator[pb.ConnectRequest], context: Context, clock: Clock
    ) -> None:
        self._requests = requests
        self._context = context
        self._clock = clock

    async def messages(self) -> AsyncIterator[GatewayMessage]:
        """Yield what makes sense; what does not is logged and passed over."""
        async for request in self._requests:
            try:
                message = message_from_proto(request, self._clock.now())
            except InvalidArgument as error:
                log.warning("a gateway's message is passed over: %s", error)
                continue
            yield message

    async def accept(self) -> None:
        """Tell the gateway that from now on this stream counts."""
        await self._context.send_initial_metadata(())

    async def send(self, order: Order) -> None:
        """Send one order."""
        await self._context.write(order_to_proto(order))
