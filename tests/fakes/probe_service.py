"""A gRPC service of all four kinds whose answers a test decides; it needs no proto of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from wattmesh_runtime.request_context import current_request_id

NAME = "wattmesh.probe.v1.ProbeService"

Answer = Callable[[str], Awaitable[str]]


async def echo(text: str) -> str:
    return text


@dataclass
class ProbeService:
    """`answer` is awaited once per request, whatever the kind of the call."""

    answer: Answer = echo
    request_ids: list[str] = field(default_factory=list)
    stream_closed: asyncio.Event = field(default_factory=asyncio.Event)

    def register(self, server: grpc.aio.Server) -> None:
        codec: Any = {
            "request_deserializer": StringValue.FromString,
            "response_serializer": StringValue.SerializeToString,
        }
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(self._unary, **codec),
            "Collect": grpc.stream_unary_rpc_method_handler(self._collect, **codec),
            "Watch": grpc.unary_stream_rpc_method_handler(self._watch, **codec),
            "Write": grpc.unary_stream_rpc_method_handler(self._write, **codec),
            "Converse": grpc.stream_stream_rpc_method_handler(self._converse, **codec),
        }
        server.add_registered_method_handlers(NAME, handlers)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))

    async def _respond(self, request: StringValue) -> StringValue:
        self.request_ids.append(current_request_id())
        return StringValue(value=await self.answer(request.value))

    async def _unary(self, request: StringValue, context: Any) -> StringValue:
        return await self._respond(request)

    async def _collect(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:
        answers = [(await self._respond(request)).value async for request in requests]
        return StringValue(value=" ".join(answers))

    async def _watch(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        try:
            while True:
                yield await self._respond(request)
        finally:
            self.stream_closed.set()

    async def _write(self, request: StringValue, context: Any) -> None:
        await context.write(await self._respond(request))

    async def _converse(
        self, requests: AsyncIterator[StringValue], context: Any
    ) -> AsyncIterator[StringValue]:
        try:
            async for request in requests:
                yield await self._respond(request)
        finally:
            self.stream_closed.set()


class ProbeStub:
    """The client side."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        codec: Any = {
            "request_serializer": StringValue.SerializeToString,
            "response_deserializer": StringValue.FromString,
        }
        self.Unary = channel.unary_unary(f"/{NAME}/Unary", **codec)
        self.Collect = channel.stream_unary(f"/{NAME}/Collect", **codec)
        self.Watch = channel.unary_stream(f"/{NAME}/Watch", **codec)
        self.Write = channel.unary_stream(f"/{NAME}/Write", **codec)
        self.Converse = channel.stream_stream(f"/{NAME}/Converse", **codec)
        self.Unknown = channel.unary_unary(f"/{NAME}/Unknown", **codec)


def text(value: str) -> StringValue:
    return StringValue(value=value)
