"""What people should know of a mesh beside its figures: sites off the grid, and what it asks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh.control.v1 import device_event_pb2, execution_pb2, execution_pb2_grpc
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as service_pb2
from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_contracts.values import (
    datetime_from_proto,
    time_range_from_proto,
    time_range_to_proto,
)
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.errors import rpc_errors

_AHEAD = timedelta(hours=12)
"""Events that begin within it are told of."""
_DEADLINE_SECONDS = 2.0
_GONE = device_event_pb2.DEVICE_EVENT_TYPE_LOOP_ISLANDED
_BACK = device_event_pb2.DEVICE_EVENT_TYPE_LOOP_RECONNECTED
_KINDS = {
    "limit": "asked to stay within a limit",
    "price": "asked by a price",
    "reduction": "asked for less, and paid for it",
    "reserve": "asked to hold a reserve",
}


async def notices(
    clients: MeshClients, sites: Sequence[WatchedSite], now: datetime
) -> tuple[str, ...]:
    """Return what there is to know, a line each; a service that is away leaves its part out."""
    found = list[str]()
    for site in sites:
        if site.can_island:
            found += await _island(clients, site)
    zone = sites[0].zone if sites else ZoneInfo("UTC")
    return (*found, *await _events(clients, zone, now))


async def _island(clients: MeshClients, site: WatchedSite) -> list[str]:
    stub = execution_pb2_grpc.ExecutionServiceStub(clients.channel("control"))
    request = execution_pb2.ListDeviceEventsRequest(
        parent=f"{site.id.name}/devices/-", page_size=1, types=[_GONE, _BACK]
    )
    try:
        with rpc_errors():
            answer = await stub.ListDeviceEvents(request, timeout=_DEADLINE_SECONDS)
    except WattmeshError:
        return []
    return [
        f"{site.display_name} is without the grid since "
        f"{datetime_from_proto(each.event_time, 'event_time').astimezone(site.zone):%a %H:%M}: "
        f"{each.message}"
        for each in answer.events
        if each.type == _GONE
    ]


async def _events(clients: MeshClients, zone: ZoneInfo, now: datetime) -> list[str]:
    request = service_pb2.ListEventsRequest(
        parent="programmes/-", range=time_range_to_proto(TimeRange.of(now, _AHEAD))
    )
    try:
        with rpc_errors():
            answer = await clients.demandresponse.ListEvents(request, timeout=_DEADLINE_SECONDS)
    except WattmeshError:
        return []
    held = (each for each in answer.events if each.state != event_pb2.EVENT_STATE_CANCELLED)
    return [in_words(each, zone) for each in held]


def in_words(event: event_pb2.Event, zone: ZoneInfo) -> str:
    """Return what an event asks, and when, on the wall clock of a zone."""
    span = time_range_from_proto(event.range, "range")
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    asked = _KINDS.get(event.WhichOneof("kind") or "", "asked for something")
    return f"{asked}, {start:%a %H:%M} to {end:%H:%M}"
