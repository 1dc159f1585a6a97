"""Who carries plans out: control."""

from collections.abc import Sequence

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh_contracts.values import datetime_from_proto, time_range_to_proto
from wattmesh_kernel.ids import PlanId
from wattmesh_planner.domain.plan import DeviceSchedule, SetpointKind
from wattmesh_runtime.errors import rpc_errors

OWNER = "planner"
PRIORITY = 10

_KINDS = {
    SetpointKind.ACTIVE_POWER_W: control_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
    SetpointKind.GENERATION_LIMIT_W: control_pb2.SETPOINT_KIND_GENERATION_LIMIT_W,
}


class GrpcController:
    """Hands schedules to control; the plan's name is the request id."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)

    async def submit(self, plan: PlanId, schedules: Sequence[DeviceSchedule]) -> list[str]:
        """Hand over schedules; return what was clamped or refused, in words."""
        with rpc_errors():
            answer = await self._stub.SubmitSchedule(
                control_pb2.SubmitScheduleRequest(
                    request_id=plan.name,
                    source=plan.name,
                    owner=OWNER,
                    priority=PRIORITY,
                    schedules=[_schedule_to_proto(schedule) for schedule in schedules],
                )
            )
        return [_outcome_in_words(outcome) for outcome in answer.outcomes]


def _schedule_to_proto(schedule: DeviceSchedule) -> control_pb2.DeviceSchedule:
    return control_pb2.DeviceSchedule(
        device=schedule.device.name,
        kind=_KINDS[schedule.kind],
        setpoints=[
            control_pb2.Setpoint(range=time_range_to_proto(item.range), value=item.power_w)
            for item in schedule.setpoints
        ],
    )


def _outcome_in_words(outcome: control_pb2.SetpointOutcome) -> str:
    verb = control_pb2.Outcome.Name(outcome.outcome).removeprefix("OUTCOME_").lower()
    start = datetime_from_proto(outcome.start_time)
    return f"{outcome.device} at {start:%H:%M}Z {verb}: {outcome.message}"
