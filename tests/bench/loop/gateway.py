"""The gateways of the homes, without anything behind them."""

import asyncio
import sys
from types import TracebackType
from typing import Self

import grpc

from wattmesh.control.v1 import control_pb2
from wattmesh.gateway.v1 import gateway_link_pb2, gateway_link_pb2_grpc

_ACKNOWLEDGED = (control_pb2.COMMAND_STATE_APPLIED, control_pb2.COMMAND_STATE_VERIFIED)
_REDIAL_SECONDS = 0.5


class NullGateway:
    """A gateway whose devices are perfect: every command is applied and verified at once.

    Like a real one it dials in again when its stream ends.
    """

    def __init__(self, channel: grpc.aio.Channel, name: str) -> None:
        self._stub = gateway_link_pb2_grpc.GatewayLinkServiceStub(channel)
        self._name = name

    async def __aenter__(self) -> Self:
        self._carrying = asyncio.create_task(self._carry_on(), name=self._name)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._carrying.cancel()
        await asyncio.wait([self._carrying])

    async def _carry_on(self) -> None:
        while True:
            try:
                await self._carry()
            except grpc.aio.AioRpcError as error:
                print(f"{self._name} dials in again: {error.details()}", file=sys.stderr)
            await asyncio.sleep(_REDIAL_SECONDS)

    async def _carry(self) -> None:
        stream = self._stub.Connect()
        hello = gateway_link_pb2.GatewayHello(gateway=self._name)
        await stream.write(gateway_link_pb2.ConnectRequest(hello=hello))
        async for order in stream:
            if order.HasField("dispatch"):
                for state in _ACKNOWLEDGED:
                    report = gateway_link_pb2.CommandReport(
                        command=order.dispatch.command, state=state, value=order.dispatch.value
                    )
                    await stream.write(gateway_link_pb2.ConnectRequest(report=report))
