"""Planner, control and alerting as the dashboard sees them: streams a test feeds and breaks."""
# ruff: noqa: N802 (the method names are those of the contract)

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc

from wattmesh.alert.v1 import alert_pb2, alert_service_pb2, alert_service_pb2_grpc
from wattmesh.control.v1 import (
    control_pb2,
    control_pb2_grpc,
    execution_pb2,
    execution_pb2_grpc,
    hold_pb2,
    operator_pb2_grpc,
)
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc

_Alerting: Any = alert_service_pb2_grpc.AlertServiceServicer
_Control: Any = control_pb2_grpc.ControlServiceServicer
_Execution: Any = execution_pb2_grpc.ExecutionServiceServicer
_Operator: Any = operator_pb2_grpc.OperatorServiceServicer
_Operations: Any = operations_pb2_grpc.OperationsServicer
_Planner: Any = planner_pb2_grpc.PlannerServiceServicer
"""What is not overridden answers UNIMPLEMENTED; their stubs call that abstract."""

Context = grpc.aio.ServicerContext[Any, Any]


class Told:
    """What is told to all who watch a stream, which a test can break."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Queue[Any]] = set()
        self.opened = 0
        """How many streams there were."""

    def tell(self, message: Any) -> None:
        for watcher in self._watchers:
            watcher.put_nowait(message)

    def hang_up(self) -> None:
        self.tell(None)

    async def watch(self, context: Context) -> AsyncIterator[Any]:
        watcher: asyncio.Queue[Any] = asyncio.Queue()
        self._watchers.add(watcher)
        self.opened += 1
        try:
            await context.send_initial_metadata(())
            while (message := await watcher.get()) is not None:
                yield message
            await context.abort(grpc.StatusCode.UNAVAILABLE, "hung up")
        finally:
            self._watchers.discard(watcher)


class Peers(_Alerting, _Control, _Execution, _Operations, _Operator, _Planner):  # type: ignore[misc]
    """All of them on one server."""

    def __init__(self) -> None:
        self.plans, self.commands, self.holds, self.events = Told(), Told(), Told(), Told()
        self.alerts = Told()
        self.by_another = set[str]()
        self.placed: list[hold_pb2.PlaceHoldRequest] = []
        self.metadata: dict[str, str] = {}

    def add(self, server: grpc.aio.Server) -> None:
        """Serve all of it."""
        alert_service_pb2_grpc.add_AlertServiceServicer_to_server(self, server)
        control_pb2_grpc.add_ControlServiceServicer_to_server(self, server)
        execution_pb2_grpc.add_ExecutionServiceServicer_to_server(self, server)
        operations_pb2_grpc.add_OperationsServicer_to_server(self, server)
        operator_pb2_grpc.add_OperatorServiceServicer_to_server(self, server)
        planner_pb2_grpc.add_PlannerServiceServicer_to_server(self, server)

    async def WatchPlans(self, request: Any, context: Context) -> AsyncIterator[Any]:
        """Whole plans are those of the planner that is asked; summaries are of all of them."""
        async for message in self.plans.watch(context):
            if request.summaries:
                message.plan.ClearField("solution")
            elif message.plan.name in self.by_another:
                continue
            yield message

    async def WatchCommands(self, request: Any, context: Context) -> AsyncIterator[Any]:
        async for message in self.commands.watch(context):
            yield message

    async def WatchHolds(self, request: Any, context: Context) -> AsyncIterator[Any]:
        async for message in self.holds.watch(context):
            yield message

    async def WatchDeviceEvents(self, request: Any, context: Context) -> AsyncIterator[Any]:
        async for message in self.events.watch(context):
            yield message

    async def WatchAlerts(self, request: Any, context: Context) -> AsyncIterator[Any]:
        async for message in self.alerts.watch(context):
            yield message

    async def GetOperation(self, request: Any, context: Context) -> operations_pb2.Operation:
        return operations_pb2.Operation(name=request.name, done=True)

    async def PlaceHold(
        self, request: hold_pb2.PlaceHoldRequest, context: Context
    ) -> hold_pb2.PlaceHoldResponse:
        self.placed.append(request)
        self.metadata = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        return hold_pb2.PlaceHoldResponse(hold=request.hold)

    def plan(self, name: str, *, by_another: bool = False) -> None:
        """Tell of a plan, with a solution; `by_another` planner than the one that is asked."""
        if by_another:
            self.by_another.add(name)
        plan = planner_pb2.Plan(name=name, scope="sites/home-1", sites=["sites/home-1"])
        plan.solution.currency_code = "USD"
        self.plans.tell(planner_pb2.WatchPlansResponse(plan=plan))

    def alert(self, name: str, state: "alert_pb2.AlertState.ValueType", site: str = "") -> None:
        """Tell how an alert is."""
        alert = alert_pb2.Alert(
            name=name, state=state, subject=site, site=site, summary=f"{site}: it is silent"
        )
        self.alerts.tell(alert_service_pb2.WatchAlertsResponse(alert=alert))

    def command(self, site: str, name: str) -> None:
        """Tell of a command."""
        command = control_pb2.Command(name=name, device=f"{site}/devices/battery")
        self.commands.tell(control_pb2.WatchCommandsResponse(command=command))

    def event(self, site: str) -> None:
        """Tell of something that happened to a device."""
        answer = execution_pb2.WatchDeviceEventsResponse()
        answer.event.device = f"{site}/devices/battery"
        answer.event.message = "no answer"
        self.events.tell(answer)
