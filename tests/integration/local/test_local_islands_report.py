"""What a run's report says of sites that were without the grid."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import grpc

from wattmesh.control.v1 import device_event_pb2, execution_pb2, execution_pb2_grpc
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.islands import generators_content, islands_content
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.testing import channel_for_test, serve_for_test

T0 = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = TimeRange.of(T0, 24 * HOUR)
HALL = SiteId("hall")
COUNTS = ("seconds", "wanted_wh", "served_wh", "critical_wanted_wh", "critical_served_wh")


def ledger(folder: Path, *rows: tuple[float, float]) -> None:
    """Write what the hall had counted at so many hours: all of it grows alike, less was served."""
    with (folder / "islands.jsonl").open("w") as lines:
        for hours, islanded_hours in rows:
            counted = dict.fromkeys(COUNTS, 3600.0 * islanded_hours)
            counted["critical_served_wh"] *= 0.75
            more = {"curtailed_wh": 500.0 * islanded_hours, "burnt_l": islanded_hours, "starts": 1}
            moment = (T0 + hours * HOUR).isoformat()
            row = {"site": HALL.name, "time": moment, "islanded": False, **counted, **more}
            lines.write(json.dumps(row) + "\n")


class Control(execution_pb2_grpc.ExecutionServiceServicer):
    """Has events of the hall, newest first."""

    async def ListDeviceEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert request.parent == f"{HALL.name}/devices/-"
        kinds = device_event_pb2.DeviceEventType
        told = [
            (30, "RECONNECTED", "switch"),  # of the day after
            (8, "RECONNECTED", "switch"),
            (7, "RESTORED", "laundry"),
            (6, "SHED", "laundry"),
            (6, "ISLANDED", "switch"),
        ]
        return execution_pb2.ListDeviceEventsResponse(
            events=[
                device_event_pb2.DeviceEvent(
                    device=f"{HALL.name}/devices/{device}",
                    event_time=timestamp_to_proto(T0 + hours * HOUR),
                    type=kinds.Value(f"DEVICE_EVENT_TYPE_LOOP_{name}"),
                )
                for hours, name, device in told
            ]
        )


class Clients:
    """Leads to control alone."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def channel(self, name: str) -> grpc.aio.Channel:
        assert name == "control"
        return self._channel


def site(segment: str, *, can_island: bool) -> WatchedSite:
    name = SiteId(segment)
    return WatchedSite(
        id=name,
        display_name=segment,
        zone=ZoneInfo("UTC"),
        tariff="",
        carbon_zone="",
        currency_code="EUR",
        grid=AssetId(name, "grid"),
        can_island=can_island,
    )


async def test_an_outage_is_told_by_hours_load_and_what_control_did(tmp_path: Path) -> None:
    ledger(tmp_path, (-1, 5.0), (0, 5.0), (6, 5.0), (8, 7.0), (24, 7.0), (30, 9.0))
    sites = [site("hall", can_island=True), site("home", can_island=False)]
    control = Control()  # type: ignore[abstract]
    add = execution_pb2_grpc.add_ExecutionServiceServicer_to_server
    async with (
        serve_for_test(lambda server: add(control, server)) as target,
        channel_for_test(target) as channel,
    ):
        clients = cast(MeshClients, Clients(channel))
        found = await islands_content(clients, sites, DAY, tmp_path)
    assert found == {
        "hall": {
            "hours": 2.0,
            "critical_hours_served": 1.5,
            "load_kwh": {"wanted": 7.2, "served": 7.2},
            "curtailed_kwh": 1.0,
            "islanded": ["2024-05-01T06:00:00Z"],
            "reconnected": ["2024-05-01T08:00:00Z"],
            "shed": ["laundry"],
            "restored": ["laundry"],
        }
    }


def test_generators_are_told_by_what_they_burnt_within_the_span(tmp_path: Path) -> None:
    ledger(tmp_path, (0, 5.0), (24, 7.0), (30, 9.0))
    assert generators_content(tmp_path, DAY) == {"fuel_l": 2.0, "starts": 0}


def test_a_run_without_such_sites_has_burnt_nothing(tmp_path: Path) -> None:
    assert generators_content(tmp_path, DAY) == {"fuel_l": 0, "starts": 0}
