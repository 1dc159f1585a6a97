"""OperatorService: convert, call the use case, convert back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from wattmesh.control.v1 import dry_run_pb2, hold_pb2, operator_pb2_grpc
from wattmesh_control.api.convert import override_from_proto, submission_from_proto
from wattmesh_control.api.convert_hold import (
    forecast_to_proto,
    hold_order_from_proto,
    hold_to_proto,
)
from wattmesh_control.app.dry_run import DryRun, Forecast
from wattmesh_control.app.place_hold import PlaceHold, ReleaseHold
from wattmesh_control.app.read_holds import ReadHolds
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import HoldId, PlanId
from wattmesh_runtime.access.guard import current_identity

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, kw_only=True)
class OperatorUseCases:
    """What OperatorService offers."""

    place_hold: PlaceHold
    release_hold: ReleaseHold
    read_holds: ReadHolds
    dry_run: DryRun


class OperatorServicer(operator_pb2_grpc.OperatorServiceServicer):
    """Serves OperatorService."""

    def __init__(self, use_cases: OperatorUseCases) -> None:
        self._do = use_cases

    async def PlaceHold(  # noqa: N802
        self, request: hold_pb2.PlaceHoldRequest, context: Context
    ) -> hold_pb2.PlaceHoldResponse:
        """Hold a setpoint, opt out, or stop."""
        seen = await self._do.place_hold(hold_order_from_proto(request))
        return hold_pb2.PlaceHoldResponse(hold=hold_to_proto(seen))

    async def ReleaseHold(  # noqa: N802
        self, request: hold_pb2.ReleaseHoldRequest, context: Context
    ) -> hold_pb2.ReleaseHoldResponse:
        """End a hold."""
        name = HoldId.parse(request.name)
        seen = await self._do.release_hold(name, request.owner, request.reason, current_identity())
        return hold_pb2.ReleaseHoldResponse(hold=hold_to_proto(seen))

    async def GetHold(  # noqa: N802
        self, request: hold_pb2.GetHoldRequest, context: Context
    ) -> hold_pb2.GetHoldResponse:
        """Return one hold."""
        seen = await self._do.read_holds.get(HoldId.parse(request.name))
        return hold_pb2.GetHoldResponse(hold=hold_to_proto(seen))

    async def ListHolds(  # noqa: N802
        self, request: hold_pb2.ListHoldsRequest, context: Context
    ) -> hold_pb2.ListHoldsResponse:
        """Return a page of holds, newest first."""
        page = await self._do.read_holds.page(
            request.parent, request.page_size, request.page_token, ended=request.show_ended
        )
        return hold_pb2.ListHoldsResponse(
            holds=[hold_to_proto(each) for each in page.holds],
            next_page_token=page.next_page_token,
        )

    async def WatchHolds(  # noqa: N802
        self, request: hold_pb2.WatchHoldsRequest, context: Context
    ) -> AsyncIterator[hold_pb2.WatchHoldsResponse]:
        """Stream holds as they change."""
        async for seen in self._do.read_holds.watch(request.parent):
            yield hold_pb2.WatchHoldsResponse(hold=None if seen is None else hold_to_proto(seen))

    async def DryRun(  # noqa: N802
        self, request: dry_run_pb2.DryRunRequest, context: Context
    ) -> dry_run_pb2.DryRunResponse:
        """Say what would become of a schedule or a command."""
        found = await self._dry_run(request)
        return dry_run_pb2.DryRunResponse(intervals=[forecast_to_proto(each) for each in found])

    async def _dry_run(self, request: dry_run_pb2.DryRunRequest) -> list[Forecast]:
        match request.WhichOneof("what"):
            case "schedule":
                return await self._do.dry_run.schedule(submission_from_proto(request.schedule))
            case "command":
                return await self._do.dry_run.command(override_from_proto(request.command))
            case "plan":
                return await self._do.dry_run.plan(PlanId.parse(request.plan, "plan"))
            case _:
                raise InvalidArgument("MISSING_FIELD", "nothing is asked", field="what")
