"""Asking another service whether it is ready."""

from typing import Any, Protocol

import grpc
from grpc_health.v1 import health_pb2

from wattmesh_kernel.errors import Unavailable

PEER_SECONDS = 2.0
"""How often a peer is asked [s]."""

_CHECK = "/grpc.health.v1.Health/Check"


class Dialling(Protocol):
    """A channel that may be dialled anew."""

    @property
    def plain(self) -> grpc.aio.Channel:
        """The channel of this moment."""


async def check_peer(dialling: Dialling, name: str) -> None:
    """Return when a service is ready; Unavailable when it is not, or does not answer.

    A server without a health service, as TensorFlow Serving is, counts as ready when it answers.
    """
    check: Any = dialling.plain.unary_unary(
        _CHECK,
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    try:
        answer = await check(health_pb2.HealthCheckRequest(), timeout=PEER_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return
        raise Unavailable("DEPENDENCY_UNAVAILABLE", f"{name} does not answer") from error
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise Unavailable("DEPENDENCY_UNAVAILABLE", f"{name} is not ready")
