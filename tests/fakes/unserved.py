"""A server that has every RPC and serves none: what is admitted is answered UNIMPLEMENTED."""

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

import wattmesh.type.v1
from wattmesh.type.v1 import permission_pb2

LOST_ANSWER = "Internal error from Core"
"""What gRPC's client says when a stream is refused while it still sends."""

PROTOS = Path(next(iter(wattmesh.type.v1.__path__))).parents[2]


def services() -> list[ServiceDescriptor]:
    """Every service of the contracts."""
    modules = [
        importlib.import_module(".".join(file.relative_to(PROTOS).with_suffix("").parts))
        for file in sorted((PROTOS / "wattmesh").glob("*/v1/*_pb2.py"))
    ]
    return [each for module in modules for each in module.DESCRIPTOR.services_by_name.values()]


def methods() -> list[MethodDescriptor]:
    """Every RPC but those of the status, which every server serves."""
    return [
        method
        for service in services()
        if service.name != "StatusService"
        for method in service.methods
    ]


def permission(method: MethodDescriptor) -> str:
    return permission_pb2.Permission.Name(method.GetOptions().Extensions[permission_pb2.permission])


def register_all(server: grpc.aio.Server) -> None:
    """Add the generated servicers, which serve nothing."""
    for service in services():
        if service.name == "StatusService":
            continue
        name = service.file.name.removesuffix(".proto").replace("/", ".")
        module = importlib.import_module(f"{name}_pb2_grpc")
        getattr(module, f"add_{service.name}Servicer_to_server")(
            getattr(module, f"{service.name}Servicer")(), server
        )


async def call(
    channel: grpc.aio.Channel, method: MethodDescriptor, *requests: Any, **further: Any
) -> tuple[grpc.StatusCode, str]:
    """Call a method of any kind; return the code of its answer and its words.

    An answer that gRPC's client lost is asked for again: it comes before the request is sent.
    """
    path = f"/{method.containing_service.full_name}/{method.name}"
    sent = requests or (request_of(method),)
    for _ in range(10):
        try:
            await _ask(channel, method, path, sent, further)
        except grpc.aio.AioRpcError as error:
            if error.details() != LOST_ANSWER:
                return error.code(), error.details() or ""
        else:
            return grpc.StatusCode.OK, ""
    return grpc.StatusCode.INTERNAL, LOST_ANSWER


def request_of(method: MethodDescriptor, owner: str = "") -> Any:
    """Return an empty request, in the name of an owner where it says whose it is."""
    request: Any = message_factory.GetMessageClass(method.input_type)()
    if "owner" in method.input_type.fields_by_name:
        request.owner = owner
    return request


async def _ask(
    channel: grpc.aio.Channel, method: MethodDescriptor, path: str, sent: Any, further: Any
) -> None:
    codec: dict[str, Any] = {
        "request_serializer": lambda message: message.SerializeToString(),
        "response_deserializer": bytes,
    }

    async def stream() -> AsyncIterator[Any]:
        for request in sent:
            yield request

    one = sent[0]
    match method.client_streaming, method.server_streaming:
        case False, False:
            await channel.unary_unary(path, **codec)(one, wait_for_ready=False, **further)
        case True, False:
            await channel.stream_unary(path, **codec)(stream(), **further)
        case False, True:
            async for _ in channel.unary_stream(path, **codec)(one, **further):
                pass
        case _:
            async for _ in channel.stream_stream(path, **codec)(stream(), **further):
                pass
