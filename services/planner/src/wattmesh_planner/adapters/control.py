"""Who carries plans out: control."""

from collections.abc import Iterator, Sequence

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh_contracts.setpoints import setpoint_kind_to_proto
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.ids import DeviceId, PlanId
from wattmesh_planner.app.ports import Limited
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_runtime.errors import rpc_errors

OWNER = "planner"
PRIORITY = 10


class GrpcController:
    """Hands schedules to control; the plan's name is the request id."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)

    async def submit(self, plan: PlanId, schedules: Sequence[DeviceSchedule]) -> Sequence[Limited]:
        """Hand over schedules; return what was clamped or refused."""
        with rpc_errors():
            answer = await self._stub.SubmitSchedule(
                control_pb2.SubmitScheduleRequest(
                    request_id=plan.name,
                    source=plan.name,
                    owner=OWNER,
                    priority=PRIORITY,
                    schedules=map(_schedule_to_proto, schedules),
                )
            )
        return list(limited_from_outcomes(answer.outcomes))


def limited_from_outcomes(outcomes: Sequence[control_pb2.SetpointOutcome]) -> Iterator[Limited]:
    """Yield what was clamped and what was refused, once a device."""
    by_device = dict[tuple[str, bool], list[control_pb2.SetpointOutcome]]()
    for outcome in outcomes:
        refused = outcome.outcome == control_pb2.OUTCOME_REFUSED
        by_device.setdefault((outcome.device, refused), []).append(outcome)
    for (device, refused), alike in by_device.items():
        yield Limited(
            device=DeviceId.parse(device),
            refused=refused,
            count=len(alike),
            detail=alike[0].message,
        )


def _schedule_to_proto(schedule: DeviceSchedule) -> control_pb2.DeviceSchedule:
    return control_pb2.DeviceSchedule(
        device=schedule.device.name,
        kind=setpoint_kind_to_proto(schedule.kind),
        setpoints=[
            control_pb2.Setpoint(range=time_range_to_proto(item.range), value=item.power_w)
            for item in schedule.setpoints()
        ],
    )
