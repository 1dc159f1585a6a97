"""ControlService: convert, call the use case, convert back."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc

from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import control_pb2_grpc, reserve_pb2
from wattmesh_contracts.reserve_signals import reserve_signal_from_proto
from wattmesh_control.api.convert import (
    command_query_from_proto,
    command_to_proto,
    issued_to_proto,
    limit_from_proto,
    limit_to_proto,
    override_from_proto,
    pieces_from_limit_news,
    start_range_from_proto,
    statistics_to_proto,
    submission_answer_to_proto,
    submission_from_proto,
)
from wattmesh_control.app.cancel_command import CancelCommand
from wattmesh_control.app.change_limits import DeleteLimit, SetLimit
from wattmesh_control.app.issue_command import IssueCommand
from wattmesh_control.app.read_commands import ReadCommands, ReadLimits
from wattmesh_control.app.signal_reserves import SignalReserves
from wattmesh_control.app.submit_schedule import SubmitSchedule
from wattmesh_control.app.watch_limits import WatchLimits
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.checks import require_between
from wattmesh_kernel.ids import CommandId, LimitId
from wattmesh_runtime.access.guard import current_identity

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


_MOST_SIGNALS = 1000


@dataclass(frozen=True, kw_only=True)
class ControlUseCases:
    """What ControlService offers."""

    submit_schedule: SubmitSchedule
    issue_command: IssueCommand
    cancel_command: CancelCommand
    read_commands: ReadCommands
    set_limit: SetLimit
    read_limits: ReadLimits
    delete_limit: DeleteLimit
    watch_limits: WatchLimits
    signal_reserves: SignalReserves


class ControlServicer(control_pb2_grpc.ControlServiceServicer):
    """Serves ControlService."""

    def __init__(self, use_cases: ControlUseCases) -> None:
        self._do = use_cases

    async def SubmitSchedule(  # noqa: N802
        self, request: pb.SubmitScheduleRequest, context: Context
    ) -> pb.SubmitScheduleResponse:
        """Replace an owner's schedules."""
        answer = await self._do.submit_schedule(submission_from_proto(request))
        return submission_answer_to_proto(answer)

    async def IssueCommand(  # noqa: N802
        self, request: pb.IssueCommandRequest, context: Context
    ) -> pb.IssueCommandResponse:
        """Command a device now."""
        return issued_to_proto(await self._do.issue_command(override_from_proto(request)))

    async def CancelCommand(  # noqa: N802
        self, request: pb.CancelCommandRequest, context: Context
    ) -> pb.CancelCommandResponse:
        """Withdraw a command."""
        command = await self._do.cancel_command(CommandId.parse(request.name), current_identity())
        return pb.CancelCommandResponse(command=command_to_proto(command))

    async def GetCommand(  # noqa: N802
        self, request: pb.GetCommandRequest, context: Context
    ) -> pb.GetCommandResponse:
        """Return one command."""
        command = await self._do.read_commands.get(CommandId.parse(request.name))
        return pb.GetCommandResponse(command=command_to_proto(command))

    async def ListCommands(  # noqa: N802
        self, request: pb.ListCommandsRequest, context: Context
    ) -> pb.ListCommandsResponse:
        """Return a page of commands, newest first."""
        page = await self._do.read_commands.page(
            command_query_from_proto(request), request.page_size, request.page_token
        )
        return pb.ListCommandsResponse(
            commands=[command_to_proto(command) for command in page.commands],
            next_page_token=page.next_page_token,
        )

    async def WatchCommands(  # noqa: N802
        self, request: pb.WatchCommandsRequest, context: Context
    ) -> AsyncIterator[pb.WatchCommandsResponse]:
        """Stream commands as they change; the answer's headers say that watching has begun."""
        async with self._do.read_commands.watch(DeviceFilter.parse(request.parent)) as commands:
            await context.send_initial_metadata(())
            async for command in commands:
                yield pb.WatchCommandsResponse(command=command_to_proto(command))

    async def GetCommandStatistics(  # noqa: N802
        self, request: pb.GetCommandStatisticsRequest, context: Context
    ) -> pb.GetCommandStatisticsResponse:
        """Count commands."""
        return statistics_to_proto(
            await self._do.read_commands.statistics(start_range_from_proto(request))
        )

    async def SetLimit(  # noqa: N802
        self, request: pb.SetLimitRequest, context: Context
    ) -> pb.SetLimitResponse:
        """Put a limit on a device."""
        limit = await self._do.set_limit(limit_from_proto(request.limit), request.request_id)
        return pb.SetLimitResponse(limit=limit_to_proto(limit))

    async def GetLimit(  # noqa: N802
        self, request: pb.GetLimitRequest, context: Context
    ) -> pb.GetLimitResponse:
        """Return one limit that has not ended."""
        limit = await self._do.read_limits.get(LimitId.parse(request.name))
        return pb.GetLimitResponse(limit=limit_to_proto(limit))

    async def ListLimits(  # noqa: N802
        self, request: pb.ListLimitsRequest, context: Context
    ) -> pb.ListLimitsResponse:
        """Return a page of the limits that have not ended."""
        page = await self._do.read_limits.page(
            DeviceFilter.parse(request.parent), request.page_size, request.page_token
        )
        return pb.ListLimitsResponse(
            limits=[limit_to_proto(limit) for limit in page.limits],
            next_page_token=page.next_page_token,
        )

    async def WatchLimits(  # noqa: N802
        self, request: pb.WatchLimitsRequest, context: Context
    ) -> AsyncIterator[pb.WatchLimitsResponse]:
        """Follow the limits that have not ended."""
        news = self._do.watch_limits.run(DeviceFilter.parse(request.parent))
        async with aclosing(news) as stream:
            async for each in stream:
                for piece in pieces_from_limit_news(each, self._do.read_limits.now()):
                    yield piece

    async def DeleteLimit(  # noqa: N802
        self, request: pb.DeleteLimitRequest, context: Context
    ) -> pb.DeleteLimitResponse:
        """Withdraw a limit."""
        await self._do.delete_limit(LimitId.parse(request.name), current_identity())
        return pb.DeleteLimitResponse()

    async def SignalReserves(  # noqa: N802
        self, request_iterator: AsyncIterator[reserve_pb2.SignalReservesRequest], context: Context
    ) -> AsyncIterator[reserve_pb2.SignalReservesResponse]:
        """Pass on what reserves ask, request by request."""
        async for request in request_iterator:
            require_between(len(request.signals), 0, _MOST_SIGNALS, "signals")
            signals = list(map(reserve_signal_from_proto, request.signals))
            told = await self._do.signal_reserves(signals)
            yield reserve_pb2.SignalReservesResponse(
                told_sites=[each.name for each in told.told],
                passed_on_sites=[each.name for each in told.passed_on],
                stood_in_sites=[each.name for each in told.stood_in],
                left_power_w=told.left_w,
            )
