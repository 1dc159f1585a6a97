"""Asking a process whether it is there."""

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_SECONDS = 1.0
_OPTIONS = (("grpc.enable_http_proxy", 0),)


async def is_ready(target: str, *, grpc_health: bool) -> bool:
    """Return whether `target` (host:port) serves."""
    if grpc_health:
        return await health_of(target) == "SERVING"
    return await connects(target)


async def health_of(target: str, service: str = "") -> str:
    """Return SERVING, NOT_SERVING, UNKNOWN or UNREACHABLE, by the stock health service."""
    async with grpc.aio.insecure_channel(target, options=_OPTIONS) as channel:
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
