"""Asking a process whether it is there."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from wattmesh_local.identities.folder import caller_settings
from wattmesh_runtime.tls import certificates, channel_credentials

TIMEOUT_SECONDS = 1.0
_OPTIONS = (("grpc.enable_http_proxy", 0),)


async def is_ready(target: str, *, grpc_health: bool, identity: Path | None = None) -> bool:
    """Return whether `target` (host:port) serves."""
    if grpc_health:
        return await health_of(target, identity=identity) == "SERVING"
    return await connects(target)


def probing_channel(target: str, identity: Path | None) -> grpc.aio.Channel:
    """Return a channel that gives up at once, with the certificate in a folder, or in plaintext."""
    if identity is None:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    files = certificates(caller_settings(identity))
    assert files is not None, "an identity is certificates"
    return grpc.aio.secure_channel(target, channel_credentials(files.value), options=_OPTIONS)


async def health_of(target: str, service: str = "", *, identity: Path | None = None) -> str:
    """Return SERVING, NOT_SERVING, UNKNOWN or UNREACHABLE, by the stock health service."""
    async with probing_channel(target, identity) as channel:
        try:
            stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods are not typed
            answer = await stub.Check(
                health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            # TensorFlow Serving has no health service: it serves when it answers.
            served = error.code() is grpc.StatusCode.UNIMPLEMENTED
            return "SERVING" if served else "UNREACHABLE"
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


async def connects(target: str) -> bool:
    """Return whether something takes TCP connections at host:port."""
    host, _, port = target.rpartition(":")
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
