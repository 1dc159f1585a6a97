"""Control with two homes, schedules, commands and limits, and no gateway that stays."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.fakes.control_metering import GATEWAY, homes
from tests.fakes.eventually import eventually
from tests.fuzz.contents import Seed, Seeds
from tests.fuzz.world import HOUR, World, unary_seeds
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import (
    control_pb2_grpc,
    device_event_pb2,
    dry_run_pb2,
    execution_pb2,
    hold_pb2,
    operator_pb2_grpc,
)
from wattmesh.gateway.v1 import gateway_link_pb2, link_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import duration_to_proto, time_range_to_proto, timestamp_to_proto
from wattmesh_control.settings import ControlSettings
from wattmesh_control.wiring import SERVICE_NAMES, wire
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.testing import serve_for_test

_CONTROL, _LINK = "wattmesh.control.v1.ControlService", "wattmesh.gateway.v1.GatewayLinkService"
_SITE = "sites/home-1"
_DEVICE = "sites/home-1/devices/battery"
_PREPARED = "sites/home-2/devices/battery"
"""Whose commands nothing supersedes."""
_EXECUTION = "wattmesh.control.v1.ExecutionService"
_OPERATOR = "wattmesh.control.v1.OperatorService"
_HELD = "sites/home-2/devices/inverter"
"""What people hold: nobody else's seeds steer it."""
_LINKED = f"gatewayLinks/{GATEWAY.segment}"
_POWER = setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W


class ControlWorld(World):
    """A metering with a site model, and what was commanded in the turns so far."""

    name: ClassVar[str] = "control"
    services: ClassVar[tuple[str, ...]] = SERVICE_NAMES

    def __init__(self, database_url: str, metering: str) -> None:
        self._settings = {"database_url": database_url, "metering_target": metering}
        self._commands: list[str] = []
        self._limits: list[str] = []
        self._holds: list[str] = []

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[ControlSettings]:
        return ControlSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Have a command and a limit of the turn."""
        stub = control_pb2_grpc.ControlServiceStub(channel)

        async def commanded() -> bool:
            try:
                answer = await stub.IssueCommand(_command(f"prepare-{turn}", turn, _PREPARED))
            except grpc.aio.AioRpcError:  # it has not heard of the model yet
                return False
            self._commands.append(answer.command.name)
            return True

        await eventually(commanded, 60)
        limit = await stub.SetLimit(_limit(f"prepare-{turn}"))
        self._limits.append(limit.limit.name)
        operator = operator_pb2_grpc.OperatorServiceStub(channel)
        held = await operator.PlaceHold(_hold(f"prepare-{turn}", hold_pb2.HOLD_KIND_OPT_OUT))
        self._holds.append(held.hold.name)

    def seeds(self, turn: int) -> Seeds:
        command, limit = self._commands[-1], self._limits[-1]
        span = time_range_to_proto(TimeRange.of(_now() - HOUR, 48 * HOUR))
        unary: dict[str, Sequence[Any]] = {
            "SubmitSchedule": [_schedule(f"schedule-{turn}")],
            "IssueCommand": [_command(f"command-{turn}", 1000 + turn)],
            "CancelCommand": [pb.CancelCommandRequest(name=command)],
            "GetCommand": [pb.GetCommandRequest(name=command)],
            "ListCommands": [
                pb.ListCommandsRequest(parent="sites/-/devices/-", page_size=1),
                pb.ListCommandsRequest(parent=_DEVICE, page_size=1, start_range=span),
            ],
            "WatchCommands": [pb.WatchCommandsRequest(parent="sites/-/devices/-")],
            "GetCommandStatistics": [pb.GetCommandStatisticsRequest(start_range=span)],
            "SetLimit": [_limit(f"limit-{turn}"), _limit(f"site-limit-{turn}", _SITE)],
            "GetLimit": [pb.GetLimitRequest(name=limit)],
            "ListLimits": [pb.ListLimitsRequest(parent=_DEVICE, page_size=1)],
            "DeleteLimit": [pb.DeleteLimitRequest(name=limit)],
        }
        return {
            **unary_seeds(_CONTROL, unary),
            **unary_seeds(_OPERATOR, self._operator_calls(turn)),
            **unary_seeds(_EXECUTION, _execution_calls()),
            **unary_seeds(
                _LINK, {"GetGatewayLink": [link_pb2.GetGatewayLinkRequest(name=_LINKED)]}
            ),
            f"/{_LINK}/Connect": [_dialled_in(command), _dialled_in(self._commands[0])],
        }

    def _operator_calls(self, turn: int) -> dict[str, Sequence[Any]]:
        hold = self._holds[-1]
        return {
            "PlaceHold": [
                _hold(f"hold-{turn}", hold_pb2.HOLD_KIND_OPT_OUT),
                _hold(f"stop-{turn}", hold_pb2.HOLD_KIND_STOP),
            ],
            "ReleaseHold": [
                hold_pb2.ReleaseHoldRequest(name=hold, owner="somebody", reason="over")
            ],
            "GetHold": [hold_pb2.GetHoldRequest(name=hold)],
            "ListHolds": [hold_pb2.ListHoldsRequest(parent=_HELD, page_size=1, show_ended=True)],
            "WatchHolds": [hold_pb2.WatchHoldsRequest(parent=_HELD)],
            "DryRun": [
                dry_run_pb2.DryRunRequest(schedule=_schedule(f"dry-{turn}")),
                dry_run_pb2.DryRunRequest(command=_command(f"dry-{turn}", 100.0)),
            ],
        }

    def words(self, turn: int) -> Sequence[str]:
        return (
            *(_DEVICE, "sites/home-1/devices/inverter", "sites/home-2/devices/battery"),
            *(
                GATEWAY.name,
                "planner",
                *self._commands[-2:],
                *self._limits[-2:],
                *self._holds[-2:],
                _HELD,
            ),
        )


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[ControlWorld]:
    """Give control's surroundings."""
    async with serve_for_test(homes(2).register) as target:
        yield ControlWorld(database_url, target)


def _now() -> datetime:
    return datetime.now(UTC)


def _command(request_id: str, value: float, device: str = _DEVICE) -> pb.IssueCommandRequest:
    return pb.IssueCommandRequest(
        request_id=request_id,
        device=device,
        kind=_POWER,
        value=value,
        range=time_range_to_proto(TimeRange.of(_now() - timedelta(seconds=5), HOUR)),
        owner="somebody",
        priority=100,
    )


def _schedule(request_id: str) -> pb.SubmitScheduleRequest:
    start = _now().replace(minute=0, second=0, microsecond=0) + HOUR
    setpoints = [
        pb.Setpoint(
            range=time_range_to_proto(TimeRange.of(start + i * HOUR, HOUR)), value=100.0 * i
        )
        for i in range(24)
    ]
    interval = pb.ExchangeInterval(
        range=time_range_to_proto(TimeRange.of(start, HOUR)),
        net_power_w=500.0,
        peak_power_w=4000.0,
        averaging_interval=duration_to_proto(timedelta(minutes=15)),
    )
    return pb.SubmitScheduleRequest(
        request_id=request_id,
        source="plans/p1",
        owner="planner",
        priority=10,
        schedules=[pb.DeviceSchedule(device=_DEVICE, kind=_POWER, setpoints=setpoints)],
        exchanges=[pb.ExchangeSchedule(site=_SITE, intervals=[interval])],
    )


def _limit(request_id: str, subject: str = _DEVICE) -> pb.SetLimitRequest:
    limit = pb.Limit(
        subject=subject,
        owner="grid-operator",
        min_power_w=-4_000.0,
        max_power_w=4_000.0,
        expire_time=timestamp_to_proto(_now() + HOUR),
        reason="a drill",
    )
    return pb.SetLimitRequest(request_id=request_id, limit=limit)


def _hold(request_id: str, kind: hold_pb2.HoldKind.ValueType) -> hold_pb2.PlaceHoldRequest:
    hold = hold_pb2.Hold(subject=_HELD, kind=kind, owner="somebody", reason="a drill")
    return hold_pb2.PlaceHoldRequest(request_id=request_id, hold=hold)


def _execution_calls() -> dict[str, Sequence[Any]]:
    span = time_range_to_proto(TimeRange.of(_now() - HOUR, 2 * HOUR))
    return {
        "GetExecution": [execution_pb2.GetExecutionRequest(device=_PREPARED, range=span)],
        "ListCommandTransitions": [
            execution_pb2.ListCommandTransitionsRequest(parent=_PREPARED, page_size=1)
        ],
        "ListDeviceEvents": [
            execution_pb2.ListDeviceEventsRequest(
                parent=_DEVICE,
                range=span,
                types=[device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_AMISS],
            )
        ],
        "WatchDeviceEvents": [execution_pb2.WatchDeviceEventsRequest(parent=_DEVICE)],
    }


def _dialled_in(command: str) -> Seed:
    """Return what a gateway says that has been told a command."""
    link = gateway_link_pb2
    return (
        link.ConnectRequest(hello=link.GatewayHello(gateway=GATEWAY.name)),
        link.ConnectRequest(
            device_status=link.DeviceStatus(
                device=_DEVICE, online=True, change_time=timestamp_to_proto(_now()), message="back"
            )
        ),
        link.ConnectRequest(
            report=link.CommandReport(
                command=command,
                state=pb.COMMAND_STATE_APPLIED,
                report_time=timestamp_to_proto(_now()),
                value=100.0,
            )
        ),
        link.ConnectRequest(
            setpoint_event=link.SetpointEvent(
                command=command,
                device=_DEVICE,
                kind=_POWER,
                type=link.SETPOINT_EVENT_TYPE_DRIFTED,
                event_time=timestamp_to_proto(_now()),
            )
        ),
    )
