"""Alerting with a home whose battery does not do what it is told, and a silence."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import grpc

from tests.fakes.alerting_world import WatchedMesh
from tests.fakes.control_metering import metered_home
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from tests.fuzz.contents import Seeds
from tests.fuzz.world import HOUR, World, clock_from, unary_seeds
from wattmesh.alert.v1 import alert_pb2, alert_service_pb2_grpc
from wattmesh.alert.v1 import alert_service_pb2 as pb
from wattmesh.control.v1 import device_event_pb2
from wattmesh_alerting.settings import AlertingSettings
from wattmesh_alerting.wiring import wire
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Site
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.testing import serve_for_test

_SERVICE = "wattmesh.alert.v1.AlertService"
_HOME, _BATTERY = "sites/home-1", "sites/home-1/devices/battery"
_WATCHED = ("metering", "control", "planner", "forecast", "analytics")
_T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)


class AlertingUnderFuzz(World):
    """A mesh that says that a battery is amiss."""

    name: ClassVar[str] = "alerting"
    services: ClassVar[tuple[str, ...]] = (_SERVICE,)

    def __init__(self, database_url: str, mesh: WatchedMesh, target: str) -> None:
        self._mesh = mesh
        self._alerts: list[str] = []
        self._silences: list[str] = []
        self._settings = {
            "database_url": database_url,
            "look_seconds": "0.2",
            "clock": clock_from(_T0),
            **dict.fromkeys((f"{each}_target" for each in _WATCHED), target),
        }

    @property
    def settings(self) -> Mapping[str, str]:
        return self._settings

    @property
    def settings_type(self) -> type[AlertingSettings]:
        return AlertingSettings

    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        return wire(settings, runtime)

    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Have an alert that fires, and a silence."""
        stub = alert_service_pb2_grpc.AlertServiceStub(channel)
        if turn == 0:
            self._mesh.happen(_amiss())

        async def fires() -> bool:
            answer = await stub.ListAlerts(pb.ListAlertsRequest(), wait_for_ready=True)
            self._alerts = [each.name for each in answer.alerts]
            return bool(self._alerts)

        await eventually(fires, 60)
        placed = await stub.PlaceSilence(_silence(f"before-{turn}"))
        self._silences = [placed.silence.name]

    def seeds(self, turn: int) -> Seeds:
        return unary_seeds(
            _SERVICE,
            {
                "GetAlert": [pb.GetAlertRequest(name=each) for each in self._alerts],
                "ListAlerts": [
                    pb.ListAlertsRequest(
                        parent=_HOME,
                        page_size=1,
                        states=[alert_pb2.ALERT_STATE_FIRING],
                        rules=[alert_pb2.ALERT_RULE_COMMAND_WITHOUT_EFFECT],
                        fire_range=time_range_to_proto(TimeRange.of(_T0 - HOUR, 48 * HOUR)),
                    )
                ],
                "WatchAlerts": [pb.WatchAlertsRequest(), pb.WatchAlertsRequest(parent=_HOME)],
                "AcknowledgeAlert": [
                    pb.AcknowledgeAlertRequest(name=each, owner="ann", note="seen")
                    for each in self._alerts
                ],
                "PlaceSilence": [_silence(f"fuzz-{turn}")],
                "GetSilence": [pb.GetSilenceRequest(name=each) for each in self._silences],
                "ListSilences": [pb.ListSilencesRequest(parent=_HOME, page_size=1)],
                "EndSilence": [pb.EndSilenceRequest(name=each) for each in self._silences],
                "ListAlertRules": [pb.ListAlertRulesRequest(page_size=1)],
            },
        )

    def words(self, turn: int) -> Sequence[str]:
        return (_HOME, _BATTERY, "alerts/-", *self._alerts, *self._silences)


@asynccontextmanager
async def open_world(database_url: str, folder: Path) -> AsyncIterator[AlertingUnderFuzz]:
    """Give alerting's surroundings."""
    site = Site(id=SiteId("home-1"), time_zone="UTC", currency_code="EUR")
    mesh = WatchedMesh(ManualClock(_T0), site, *metered_home("home-1"))
    async with serve_for_test(mesh.register) as target:
        yield AlertingUnderFuzz(database_url, mesh, target)


def _amiss() -> device_event_pb2.DeviceEvent:
    return device_event_pb2.DeviceEvent(
        device=_BATTERY,
        type=device_event_pb2.DEVICE_EVENT_TYPE_EFFECT_AMISS,
        event_time=timestamp_to_proto(_T0),
        command="commands/c1",
    )


def _silence(request_id: str) -> pb.PlaceSilenceRequest:
    return pb.PlaceSilenceRequest(
        request_id=request_id,
        silence=alert_pb2.Silence(
            subject=_HOME,
            rules=[alert_pb2.ALERT_RULE_DEVICE_OFFLINE],
            owner="ann",
            reason="works",
            expire_time=timestamp_to_proto(_T0 + 24 * HOUR),
        ),
    )
