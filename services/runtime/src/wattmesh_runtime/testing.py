"""For tests: a real server on loopback, and a channel as services have it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc

from wattmesh_runtime.channels import open_channel
from wattmesh_runtime.grpc_server import GrpcServer, Register
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry

SETTINGS = ServiceSettings(shutdown_notice_seconds=0, grace_seconds=0.2)
"""As in production, but in less of a hurry to be polite when it stops."""


@asynccontextmanager
async def serve_for_test(
    *register: Register,
    service_names: Sequence[str] = (),
    settings: ServiceSettings = SETTINGS,
) -> AsyncIterator[str]:
    """A server with these servicers and everything a service's server has; yields its target."""
    server = GrpcServer(register, service_names, settings, Telemetry("test"))
    target = await server.start()
    try:
        yield target
    finally:
        await server.stop()


@asynccontextmanager
async def channel_for_test(
    target: str, settings: ServiceSettings = SETTINGS
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel with the deadlines, retries and metadata that services' channels have."""
    channel = open_channel(target, settings, Telemetry("test"))
    try:
        yield channel
    finally:
        await channel.close()
