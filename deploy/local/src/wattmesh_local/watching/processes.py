"""How every process of a run is, asked of the process itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import grpc

from wattmesh.status.v1 import status_pb2, status_pb2_grpc
from wattmesh_local.running.database import DATABASE, database_fault
from wattmesh_local.running.health import connects, probing_channel
from wattmesh_runtime.aio.tasks import map_at_most, together

BROKER = "broker"
_MQTT_PORT = 1883
_ANSWER_SECONDS = 2.0
_AT_ONCE = 20


class ProcessState(Enum):
    """How a process is, in the words of the status."""

    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not ready"
    STOPPING = "stopping"
    UNREACHABLE = "unreachable"

    @property
    def well(self) -> bool:
        """Whether it does its work."""
        return self in (ProcessState.READY, ProcessState.DEGRADED)


_STATES = {
    status_pb2.STATE_READY: ProcessState.READY,
    status_pb2.STATE_DEGRADED: ProcessState.DEGRADED,
    status_pb2.STATE_NOT_READY: ProcessState.NOT_READY,
    status_pb2.STATE_STOPPING: ProcessState.STOPPING,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessReport:
    """How one process is, since when, and why; `since` None: it does not say."""

    name: str
    address: str
    state: ProcessState
    since: datetime | None = None
    reasons: tuple[str, ...] = ()
    version: str = ""


async def report_processes(
    processes: Mapping[str, str],
    database_url: str | None,
    mqtt_url: str | None,
    identity: Path | None = None,
) -> Sequence[ProcessReport]:
    """Return how the database, the broker and every process at its host:port are."""
    infrastructure = []
    if database_url is not None:
        infrastructure.append(_database(database_url))
    if mqtt_url is not None:
        infrastructure.append(_broker(mqtt_url))
    first, others = await together(
        together(*infrastructure),
        map_at_most(_AT_ONCE, partial(_process, identity), processes.items()),
    )
    return [*first, *others]


async def _process(identity: Path | None, named: tuple[str, str]) -> ProcessReport:
    name, address = named
    async with probing_channel(address, identity) as channel:
        try:
            answer = await status_pb2_grpc.StatusServiceStub(channel).GetStatus(
                status_pb2.GetStatusRequest(), timeout=_ANSWER_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            return _without_status(name, address, error)
    return _from_status(name, address, answer)


def _from_status(name: str, address: str, answer: status_pb2.GetStatusResponse) -> ProcessReport:
    lacking = (f"{each.dependency}: {each.message}" for each in answer.degradations)
    return ProcessReport(
        name=name,
        address=address,
        state=_STATES.get(answer.state, ProcessState.NOT_READY),
        since=answer.since_time.ToDatetime(UTC),
        reasons=tuple(filter(None, (answer.message, *lacking))),
        version=answer.version,
    )


def _without_status(name: str, address: str, error: grpc.aio.AioRpcError) -> ProcessReport:
    """Report a process that does not say how it is; one of others, as a model server is, is up."""
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return ProcessReport(name=name, address=address, state=ProcessState.READY)
    silent = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    return ProcessReport(
        name=name,
        address=address,
        state=ProcessState.UNREACHABLE,
        reasons=("it does not answer in time" if silent else "nobody answers there",),
    )


async def _database(url: str) -> ProcessReport:
    fault = await database_fault(url)
    # The address of a database may hold a password, and is nobody's to show.
    return _infrastructure(DATABASE, "", fault)


async def _broker(url: str) -> ProcessReport:
    parts = urlsplit(url)
    target = f"{parts.hostname}:{parts.port or _MQTT_PORT}"
    fault = None if await connects(target) else "nobody answers there"
    return _infrastructure(BROKER, target, fault)


def _infrastructure(name: str, address: str, fault: str | None) -> ProcessReport:
    state = ProcessState.READY if fault is None else ProcessState.UNREACHABLE
    reasons = () if fault is None else (fault,)
    return ProcessReport(name=name, address=address, state=state, reasons=reasons)
