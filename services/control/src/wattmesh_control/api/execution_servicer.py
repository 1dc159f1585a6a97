"""ExecutionService: convert, call the use case, convert back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from wattmesh.control.v1 import execution_pb2 as pb
from wattmesh.control.v1 import execution_pb2_grpc
from wattmesh_control.api.convert_execution import (
    event_query_from_proto,
    event_to_proto,
    execution_query_from_proto,
    execution_to_proto,
    transition_query_from_proto,
    transition_to_proto,
)
from wattmesh_control.app.read_events import ReadEvents
from wattmesh_control.app.read_execution import ReadExecution
from wattmesh_control.domain.setpoint import DeviceFilter

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, kw_only=True)
class ExecutionUseCases:
    """What ExecutionService offers."""

    read_execution: ReadExecution
    read_events: ReadEvents


class ExecutionServicer(execution_pb2_grpc.ExecutionServiceServicer):
    """Serves ExecutionService."""

    def __init__(self, use_cases: ExecutionUseCases) -> None:
        self._do = use_cases

    async def GetExecution(  # noqa: N802
        self, request: pb.GetExecutionRequest, context: Context
    ) -> pb.GetExecutionResponse:
        """Return the record of a plan, or of a device over a range."""
        return execution_to_proto(
            await self._do.read_execution(execution_query_from_proto(request))
        )

    async def ListCommandTransitions(  # noqa: N802
        self, request: pb.ListCommandTransitionsRequest, context: Context
    ) -> pb.ListCommandTransitionsResponse:
        """Return a page of steps in the life of commands."""
        page = await self._do.read_events.transitions(
            transition_query_from_proto(request), request.page_size, request.page_token
        )
        return pb.ListCommandTransitionsResponse(
            transitions=[transition_to_proto(each) for each in page.transitions],
            next_page_token=page.next_page_token,
        )

    async def ListDeviceEvents(  # noqa: N802
        self, request: pb.ListDeviceEventsRequest, context: Context
    ) -> pb.ListDeviceEventsResponse:
        """Return a page of what happened to devices, newest first."""
        page = await self._do.read_events.page(
            event_query_from_proto(request), request.page_size, request.page_token
        )
        return pb.ListDeviceEventsResponse(
            events=[event_to_proto(each) for each in page.events],
            next_page_token=page.next_page_token,
        )

    async def WatchDeviceEvents(  # noqa: N802
        self, request: pb.WatchDeviceEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchDeviceEventsResponse]:
        """Stream what happens to devices; the answer's headers say that watching has begun."""
        async with self._do.read_events.watch(DeviceFilter.parse(request.parent)) as events:
            await context.send_initial_metadata(())
            async for event in events:
                yield pb.WatchDeviceEventsResponse(event=event_to_proto(event))
