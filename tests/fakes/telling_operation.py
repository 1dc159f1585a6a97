"""Control and a planner that tell a little of how operation went."""

from datetime import UTC, datetime, timedelta
from typing import Any

from wattmesh.control.v1 import (
    control_pb2,
    control_pb2_grpc,
    device_event_pb2,
    effect_pb2,
    execution_pb2,
    execution_pb2_grpc,
)
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.time import TimeRange

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = SiteId("home-1")
PUMP = DeviceId(HOME, "pump")


class TellingControl(
    control_pb2_grpc.ControlServiceServicer, execution_pb2_grpc.ExecutionServiceServicer
):
    """Two commands in two pages; a device that was away from the day before on, one for no time."""

    async def ListCommands(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert list(request.states) == [
            control_pb2.COMMAND_STATE_APPLIED,
            control_pb2.COMMAND_STATE_VERIFIED,
        ]
        effects = [effect_pb2.EFFECT_CONTRARY, effect_pb2.EFFECT_UNSPECIFIED]
        page = int(request.page_token or 0)
        command = control_pb2.Command(
            device=PUMP.name,
            range=time_range_to_proto(TimeRange.of(START + page * HOUR, HOUR)),
            effect_verdict=effect_pb2.EffectVerdict(effect=effects[page]),
        )
        return control_pb2.ListCommandsResponse(
            commands=[command], next_page_token="" if page else "1"
        )

    async def ListDeviceEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
        types = device_event_pb2
        inverter = DeviceId(HOME, "inverter")
        events = (
            (PUMP, types.DEVICE_EVENT_TYPE_ONLINE, START + 2 * HOUR),
            (inverter, types.DEVICE_EVENT_TYPE_ONLINE, START),
            (inverter, types.DEVICE_EVENT_TYPE_OFFLINE, START),
            (PUMP, types.DEVICE_EVENT_TYPE_OFFLINE, START - HOUR),
        )
        return execution_pb2.ListDeviceEventsResponse(
            events=[
                types.DeviceEvent(
                    device=device.name, type=kind, event_time=timestamp_to_proto(moment)
                )
                for device, kind, moment in events
            ]
        )


class TellingPlanner(planner_pb2_grpc.PlannerServiceServicer):
    """Plans at midnight, which held for two hours, and at two; one failed at one."""

    async def StreamPlannedExchange(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert request.parent == HOME.name
        for hour, held in ((0, 2), (2, 3)):
            powers = [1_000.0 + 100 * hour + each for each in range(held)]
            site = planner_pb2.SiteExchange(
                site=HOME.name, import_powers_w=powers, export_powers_w=[0.0, 5.0, 0.0][:held]
            )
            exchange = planner_pb2.PlannedExchange(
                plan=f"plans/{hour}",
                start_time=timestamp_to_proto(START + hour * HOUR),
                resolution=duration_to_proto(HOUR),
                sites=[site],
            )
            yield planner_pb2.StreamPlannedExchangeResponse(exchanges=[exchange])

    async def GetPlanStatistics(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert request.parent == HOME.name
        return planner_pb2.GetPlanStatisticsResponse(made=2, late=1, failed=1)
