"""GatewayLinkService: the streams on which gateways dial in."""

import logging
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from wattmesh.gateway.v1 import gateway_link_pb2 as pb
from wattmesh.gateway.v1 import gateway_link_pb2_grpc, link_pb2
from wattmesh_control.api.convert_gateway_link import (
    gateway_from_link_name,
    gateway_link_to_proto,
)
from wattmesh_control.api.convert_link import (
    clock_reading_from_proto,
    gateway_from_hello,
    message_from_proto,
    order_to_proto,
    policies_taken_from_proto,
)
from wattmesh_control.app.gateway_links import ReadLinks
from wattmesh_control.app.links import Carry, Outgoing, PoliciesTaken
from wattmesh_control.app.record_reports import GatewayMessage
from wattmesh_control.app.serve_gateway import ServeGateway
from wattmesh_control.app.spans import SEND_COMMAND
from wattmesh_control.domain.clock_skew import ClockReading
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_runtime.aio.spans import trace_parent, traced

log = logging.getLogger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class GatewayLinkServicer(gateway_link_pb2_grpc.GatewayLinkServiceServicer):
    """Serves GatewayLinkService."""

    def __init__(self, clock: Clock, serve_gateway: ServeGateway, read_links: ReadLinks) -> None:
        self._clock = clock
        self._serve_gateway = serve_gateway
        self._read_links = read_links

    async def Connect(  # type: ignore[override]  # noqa: N802
        self, request_iterator: AsyncIterator[pb.ConnectRequest], context: Context
    ) -> None:
        """Hold one gateway's stream until it ends or a newer one takes over.

        The answer's headers say that the stream counts.
        """
        requests = aiter(request_iterator)
        hello = await anext(requests, pb.ConnectRequest())
        gateway = gateway_from_hello(hello)
        tells_clock = hello.hello.HasField("clock_time")
        stream = _Stream(
            requests,
            context,
            self._clock,
            tells_clock=tells_clock,
            takes_loop_policies=hello.hello.takes_loop_policies,
            takes_reserve_signals=hello.hello.takes_reserve_signals,
        )
        await self._serve_gateway(gateway, stream)

    async def GetGatewayLink(  # noqa: N802
        self, request: link_pb2.GetGatewayLinkRequest, context: Context
    ) -> link_pb2.GetGatewayLinkResponse:
        """Return the line to one gateway."""
        state = await self._read_links.get(gateway_from_link_name(request.name))
        return link_pb2.GetGatewayLinkResponse(gateway_link=gateway_link_to_proto(state))

    async def ListGatewayLinks(  # noqa: N802
        self, request: link_pb2.ListGatewayLinksRequest, context: Context
    ) -> link_pb2.ListGatewayLinksResponse:
        """Return a page of the lines."""
        page = await self._read_links.page(request.page_size, request.page_token)
        return link_pb2.ListGatewayLinksResponse(
            gateway_links=[gateway_link_to_proto(each) for each in page.links],
            next_page_token=page.next_page_token,
        )


class _Stream:
    """GatewayStream over the two directions of a call."""

    def __init__(
        self,
        requests: AsyncIterator[pb.ConnectRequest],
        context: Context,
        clock: Clock,
        *,
        tells_clock: bool,
        takes_loop_policies: bool,
        takes_reserve_signals: bool,
    ) -> None:
        self.tells_clock = tells_clock
        self.takes_loop_policies = takes_loop_policies
        self.takes_reserve_signals = takes_reserve_signals
        self._requests = requests
        self._context = context
        self._clock = clock

    async def messages(self) -> AsyncIterator[GatewayMessage | ClockReading | PoliciesTaken]:
        """Yield what makes sense; what does not is logged and passed over."""
        async for request in self._requests:
            try:
                message = self._message(request)
            except InvalidArgument as error:
                log.warning("a gateway's message is passed over: %s", error)
                continue
            yield message

    async def accept(self) -> None:
        """Tell the gateway that from now on this stream counts."""
        await self._context.send_initial_metadata(())

    async def send(self, order: Outgoing) -> None:
        """Send one order."""
        if not isinstance(order, Carry):
            await self._context.write(order_to_proto(order, self._clock.now()))
            return
        command = order.command
        told = {"command": command.command.name, "device": command.device.name}
        with traced(SEND_COMMAND, turn=command.source, about=told):
            message = order_to_proto(order, self._clock.now())
            message.dispatch.trace_parent = trace_parent()
            await self._context.write(message)

    def _message(self, request: pb.ConnectRequest) -> GatewayMessage | ClockReading | PoliciesTaken:
        now = self._clock.now()
        if request.HasField("loop_policies_taken"):
            return policies_taken_from_proto(request.loop_policies_taken, now)
        if request.HasField("clock_reading"):
            return clock_reading_from_proto(request.clock_reading, now)
        return message_from_proto(request, now)
