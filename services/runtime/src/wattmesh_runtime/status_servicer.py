"""How a process is, as it is told over the wire: the stock health service, and the status."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health

from wattmesh.status.v1 import status_pb2, status_pb2_grpc
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.catalogue import catalogue_to_proto
from wattmesh_runtime.readiness import DependencyState, ProcessStatus

LIVENESS = "liveness"
"""The name under which the health service always says SERVING, while the process answers."""
STATUS_SERVICE = status_pb2.DESCRIPTOR.services_by_name["StatusService"].full_name

_STATES = {
    None: status_pb2.DEPENDENCY_STATE_UNKNOWN,
    True: status_pb2.DEPENDENCY_STATE_AVAILABLE,
    False: status_pb2.DEPENDENCY_STATE_AWAY,
}


class ServedHealth:
    """The stock health service: "" and every service's name are readiness, `liveness` is life."""

    def __init__(self, service_names: Sequence[str], status: ProcessStatus, clock: Clock) -> None:
        self._clock = clock
        self._names = ("", *service_names)
        self._status = status
        self._servicer = health.HealthServicer()

    def add_health(self, server: grpc.aio.Server) -> None:
        """Add the health service alone to a server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def start(self, server: grpc.aio.Server) -> None:
        """Add the services to a server, and follow the status from now on."""
        self.add_health(server)
        servicer = StatusServicer(self._status, self._clock)
        status_pb2_grpc.add_StatusServiceServicer_to_server(servicer, server)
        await self._servicer.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)
        await self._set(self._status.ready)
        self._status.tell = self._set

    async def stop(self) -> None:
        """Say NOT_SERVING from now on; the process still lives."""
        self._status.stop()
        await self._set(False)

    async def _set(self, ready: bool) -> None:
        answer = health_pb2.HealthCheckResponse
        for name in self._names:
            await self._servicer.set(name, answer.SERVING if ready else answer.NOT_SERVING)


class StatusServicer(status_pb2_grpc.StatusServiceServicer):
    """Serves wattmesh.status.v1.StatusService."""

    def __init__(self, status: ProcessStatus, clock: Clock) -> None:
        self._status = status
        self._clock = clock

    async def GetStatus(  # noqa: N802 (the contract's name)
        self, request: status_pb2.GetStatusRequest, context: Any
    ) -> status_pb2.GetStatusResponse:
        """Return how the process is."""
        return status_to_proto(self._status)

    async def GetCatalogue(  # noqa: N802
        self, request: status_pb2.GetCatalogueRequest, context: Any
    ) -> status_pb2.GetCatalogueResponse:
        """Return the mesh's time, quantities and reasons of errors."""
        return catalogue_to_proto(self._clock)


def status_to_proto(status: ProcessStatus) -> status_pb2.GetStatusResponse:
    """Return the status as a message."""
    certificate = status.certificate()
    return status_pb2.GetStatusResponse(
        service=status.service,
        version=status.version,
        process=status.process,
        start_time=_timestamp(status.start),
        state=_state(status),
        since_time=_timestamp(_since(status)),
        message=status.message,
        dependencies=[_dependency_to_proto(each) for each in status.states],
        degradations=[_degradation_to_proto(each) for each in status.degradations],
        certificate_range=None if certificate is None else time_range_to_proto(certificate),
    )


def _state(status: ProcessStatus) -> status_pb2.State.ValueType:
    if status.stopping:
        return status_pb2.STATE_STOPPING
    if not status.ready:
        return status_pb2.STATE_NOT_READY
    return status_pb2.STATE_DEGRADED if status.degradations else status_pb2.STATE_READY


def _since(status: ProcessStatus) -> datetime:
    """Return since when the state is what it is; degraded since the first of the losses."""
    if not status.ready or not status.degradations:
        return status.since
    return max(status.since, min(each.since for each in status.degradations))


def _dependency_to_proto(state: DependencyState) -> status_pb2.Dependency:
    return status_pb2.Dependency(
        dependency=state.dependency.name,
        required=state.dependency.required,
        state=_STATES[state.available],
        since_time=_timestamp(state.since),
        message=state.message,
    )


def _degradation_to_proto(state: DependencyState) -> status_pb2.Degradation:
    return status_pb2.Degradation(
        dependency=state.dependency.name,
        message=f"{state.dependency.without} ({state.message})",
        since_time=_timestamp(state.since),
    )


def _timestamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
