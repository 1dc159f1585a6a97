"""A server as every service runs it: stock services, interceptor, TLS, graceful stop."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import grpc
from grpc_channelz.v1 import channelz
from grpc_reflection.v1alpha import reflection

from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_runtime.access.guard import Guard
from wattmesh_runtime.admission import Admission
from wattmesh_runtime.clocks import clock_from_spec
from wattmesh_runtime.dialling import MAX_MESSAGE_BYTES
from wattmesh_runtime.interceptors import CallInterceptor
from wattmesh_runtime.readiness import ProcessStatus
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.status_servicer import STATUS_SERVICE, ServedHealth
from wattmesh_runtime.streams import OpenStreams
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.tls import certificate_range, server_credentials

log = logging.getLogger(__name__)

Register: TypeAlias = Callable[[grpc.aio.Server], None]

STREAM_GRACE_SECONDS = 0.5
"""How long streamed answers may go on after the stop signal, before they are ended [s]."""

UNBOUNDED_AT_ONCE = 100
"""Calls and watches over one connection beside those that are bounded: of health, of channelz."""

HEALTH_CALLS_AT_ONCE = 16
"""Calls and watches on the port of health alone."""


class GrpcServer:
    """Serves the registered services until it is stopped."""

    def __init__(
        self,
        register: Sequence[Register],
        service_names: Sequence[str],
        settings: ServiceSettings,
        telemetry: Telemetry,
        status: ProcessStatus | None = None,
    ) -> None:
        self._settings = settings
        self._streams = OpenStreams()
        self._guard = Guard(settings)
        self._server = grpc.aio.server(
            interceptors=[
                CallInterceptor(telemetry, self._streams, Admission(settings), self._guard)
            ],
            options=_options(settings),
        )
        for add in register:
            add(self._server)
        self._status = status or ProcessStatus("test")
        self._health = ServedHealth(service_names, self._status, clock_from_spec(settings.clock))
        self._probed = _health_server(settings)
        _add_stock_services(self._server, service_names)

    async def start(self) -> str:
        """Serve; return host:port with the port that is really bound."""
        address = self._settings.listen_address
        credentials = server_credentials(self._settings)
        self._status.certificate = certificate_range(self._settings)
        port = _bind(self._server, address, credentials)
        await self._health.start(self._server)
        if self._probed is not None and self._settings.health_address is not None:
            self._health.add_health(self._probed)
            _bind(self._probed, self._settings.health_address, None)
            await self._probed.start()
        await self._server.start()
        return f"{address.rpartition(':')[0]}:{port}"

    async def stop(self) -> None:
        """NOT_SERVING, a short wait for callers to notice, then no new calls and a drain."""
        await self._health.stop()
        await asyncio.sleep(self._settings.shutdown_notice_seconds)
        grace = self._settings.grace_seconds
        drained = asyncio.create_task(self._server.stop(grace))
        await asyncio.wait([drained], timeout=min(grace, STREAM_GRACE_SECONDS))
        self._streams.end()
        await drained
        self._guard.close()
        if self._probed is not None:
            await self._probed.stop(0)


def _bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise FailedPrecondition(
            "CANNOT_LISTEN", f"cannot listen on {address}", {"address": address}
        ) from error


def _health_server(settings: ServiceSettings) -> grpc.aio.Server | None:
    """Return a server for health alone: a kubelet has no certificate; None where none is wanted."""
    if settings.health_address is None:
        return None
    options = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 4096))
    return grpc.aio.server(options=options, maximum_concurrent_rpcs=HEALTH_CALLS_AT_ONCE)


def _add_stock_services(server: grpc.aio.Server, names: Sequence[str]) -> None:
    channelz.add_channelz_servicer(server)
    stock = ("grpc.health.v1.Health", "grpc.channelz.v1.Channelz", reflection.SERVICE_NAME)
    reflection.enable_server_reflection((*names, STATUS_SERVICE, *stock), server)


def _options(settings: ServiceSettings) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", 0),  # a second process on the port is a mistake: let it fail
        ("grpc.enable_channelz", 1),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", settings.largest_request_bytes),
        ("grpc.max_concurrent_streams", _most_at_once(settings)),
        # Without a grace period for it: long streams stay, new calls take a new connection.
        ("grpc.max_connection_age_ms", int(settings.max_connection_age_seconds * 1000)),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 0),
    ]


def _most_at_once(settings: ServiceSettings) -> int:
    """Return how many calls one connection may have open; what is beyond waits on its own side."""
    served = settings.calls_at_once_per_caller + settings.calls_waiting_per_caller
    return served + settings.streams_at_once_per_caller + UNBOUNDED_AT_ONCE
