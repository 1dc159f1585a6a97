"""Who carries plans out: control."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain, repeat

import grpc

from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.type.v1 import time_range_pb2
from wattmesh_contracts.setpoints import setpoint_kind_to_proto
from wattmesh_contracts.sites import phase_to_proto
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto
from wattmesh_contracts.worth import energy_worth_to_proto
from wattmesh_kernel.ids import DeviceId, PlanId
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.app.ports import Limited
from wattmesh_planner.domain.exchange import PlannedExchange
from wattmesh_planner.domain.plan import DeviceSchedule
from wattmesh_runtime.errors import rpc_errors

OWNER = "planner"
PRIORITY = 10


class GrpcController:
    """Hands schedules to control; the plan's name is the request id."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = control_pb2_grpc.ControlServiceStub(channel)

    async def submit(
        self,
        plan: PlanId,
        schedules: Sequence[DeviceSchedule],
        exchanges: Sequence[PlannedExchange] = (),
    ) -> Sequence[Limited]:
        """Hand over schedules and what they count on; return what was clamped or refused."""
        with rpc_errors():
            answer = await self._stub.SubmitSchedule(
                control_pb2.SubmitScheduleRequest(
                    request_id=plan.name,
                    source=plan.name,
                    owner=OWNER,
                    priority=PRIORITY,
                    schedules=map(_schedule_to_proto, schedules),
                    exchanges=map(_exchange_to_proto, exchanges),
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
    ranges = _ranges(schedule.start, schedule.resolution, len(schedule.values))
    return control_pb2.DeviceSchedule(
        device=schedule.device.name,
        kind=setpoint_kind_to_proto(schedule.kind),
        setpoints=[
            control_pb2.Setpoint(range=span, value=value)
            for span, value in zip(ranges, schedule.values, strict=True)
            if value is not None
        ],
        phase=phase_to_proto(schedule.phase),
    )


def _exchange_to_proto(exchange: PlannedExchange) -> control_pb2.ExchangeSchedule:
    ranges = _ranges(exchange.start, exchange.resolution, len(exchange.net_w))
    proto = control_pb2.ExchangeSchedule(site=exchange.site.name)
    worths = chain(exchange.worths, repeat(None))
    each_interval = zip(ranges, exchange.net_w, exchange.peaks, strict=True)
    for (span, net_w, peak), worth in zip(each_interval, worths, strict=False):
        interval = proto.intervals.add(range=span, net_power_w=net_w)
        if worth is not None:
            interval.worth.CopyFrom(energy_worth_to_proto(worth))
        if peak is not None:
            interval.peak_power_w = peak.power_w
            interval.averaging_interval.CopyFrom(duration_to_proto(peak.averaging))
    return proto


@lru_cache(maxsize=16)
def _ranges(
    start: datetime, resolution: timedelta, count: int
) -> Sequence[time_range_pb2.TimeRange]:
    """Return the intervals of a plan, which all that begin together have in common."""
    span = TimeRange.of(start, count * resolution)
    return [time_range_to_proto(TimeRange.of(each, resolution)) for each in span.starts(resolution)]
