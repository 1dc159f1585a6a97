"""`wattmesh island`: when a site was without the grid, what was off then, and why."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table

from wattmesh.control.v1 import device_event_pb2, execution_pb2, execution_pb2_grpc
from wattmesh_contracts.values import datetime_from_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

_WORDS = {
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_ISLANDED: "is an island",
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_RECONNECTED: "is with the grid again",
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_SHED: "is switched off",
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_RESTORED: "may be on again",
}
_OF_SITES = (
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_ISLANDED,
    device_event_pb2.DEVICE_EVENT_TYPE_LOOP_RECONNECTED,
)


@asynccontextmanager
async def island_record(state_folder: Path, console: Console) -> AsyncIterator["IslandRecord"]:
    """Yield what reads the record of the mesh that runs here. Error: NotFound when none does."""
    with rpc_errors():
        async with MeshClients.of(MeshState(state_folder)) as clients:
            yield IslandRecord(clients.channel("control"), console)


class IslandRecord:
    """Prints what happened, newest last."""

    def __init__(self, control: grpc.aio.Channel, console: Console) -> None:
        self._stub = execution_pb2_grpc.ExecutionServiceStub(control)
        self._console = console

    async def show(self, site: SiteId, most: int) -> int:
        """Print the last of what happened at a site; 1 when it is an island now."""
        request = execution_pb2.ListDeviceEventsRequest(
            parent=f"{site.name}/devices/-", page_size=most, types=list(_WORDS)
        )
        events = list((await self._stub.ListDeviceEvents(request)).events)
        if not events:
            self._console.print(f"{site.name} was never without the grid")
            return 0
        table = Table("when", "what", "", "why", box=None)
        for each in reversed(events):
            when = datetime_from_proto(each.event_time, "event_time")
            whole = each.type in _OF_SITES
            table.add_row(
                f"{when:%Y-%m-%d %H:%M:%S}",
                site.segment if whole else each.device.rsplit("/", 1)[-1],
                _WORDS[each.type],
                each.message,
            )
        self._console.print(table)
        last = next((each.type for each in events if each.type in _OF_SITES), None)
        return 1 if last == device_event_pb2.DEVICE_EVENT_TYPE_LOOP_ISLANDED else 0
