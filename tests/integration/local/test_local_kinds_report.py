"""What a run's report says of each kind: analytics prices what the devices' ledgers declare."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import numpy as np
import pytest

from wattmesh.analytics.v1 import (
    analytics_service_pb2,
    analytics_service_pb2_grpc,
    savings_pb2,
)
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.usage.v1 import usage_service_pb2, usage_service_pb2_grpc
from wattmesh_contracts.values import series_to_proto
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_local.running.processes import SERVICES
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.kinds import kinds_content
from wattmesh_local.watching.sites import WatchedSite
from wattmesh_runtime.testing import serve_for_test

START, HOUR = datetime(2024, 6, 3, tzinfo=UTC), timedelta(hours=1)
SPAN = TimeRange(START, START + 3 * HOUR)
YARD = SiteId("yard")
CHARGER, ROOM = AssetId(YARD, "ev-1"), AssetId(YARD, "zone-1")
METERED_WH = {
    AssetId(YARD, "grid"): [5_000.0, 3_000.0, 4_000.0],
    CHARGER: [0.0, np.nan, 3_000.0],
    ROOM: [500.0, 500.0, 500.0],
}
VISIT = {
    "asset": CHARGER.name,
    "arrival": "2024-06-03T01:10:00Z",
    "departure": "2024-06-03T02:50:00Z",
    "wanted_wh": 6_000.0,
    "charged_wh": 5_000.0,
    "at_once_start": "2024-06-03T01:00:00Z",
    "at_once_wh": [4_000.0, 2_000.0],
    "over": True,
}


class Metering(metering_pb2_grpc.MeteringServiceServicer):
    """Has the yard's meters."""

    async def QueryEnergy(self, request: Any, context: Any) -> Any:  # noqa: N802
        def energy(values: Any) -> Any:
            return series_to_proto(Series(START, HOUR, values))

        return metering_pb2.QueryEnergyResponse(
            energies=[
                metering_pb2.AssetEnergy(
                    import_energy_wh=energy(np.maximum(METERED_WH[AssetId.parse(name)], 0)),
                    export_energy_wh=energy(
                        np.maximum(-np.array(METERED_WH[AssetId.parse(name)]), 0)
                    ),
                )
                for name in request.assets
            ]
        )


class Analytics(analytics_service_pb2_grpc.AnalyticsServiceServicer):
    """Says of each question another cost without; 2 of what it metered were paid by an event."""

    def __init__(self) -> None:
        self.asked: list[analytics_service_pb2.QuerySavingsRequest] = []

    async def QuerySavings(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request)
        without = f"{10 + len(self.asked)}.00"
        return analytics_service_pb2.QuerySavingsResponse(
            total=savings_pb2.Savings(
                currency_code="EUR",
                metered=savings_pb2.Account(cost_amount="6.00", tariff_amount="8.00"),
                without=savings_pb2.Account(cost_amount=without, tariff_amount=without),
            )
        )

    def declared_wh(self, index: int) -> list[float]:
        """Return what was declared of the yard in a question."""
        (change,) = self.asked[index].declared_changes
        assert change.site == YARD.name
        return list(change.net_energy_wh.values)


class Usage(usage_service_pb2_grpc.UsageServiceServicer):
    """Has stored no session."""

    async def ListChargingSessions(self, request: Any, context: Any) -> Any:  # noqa: N802
        return usage_service_pb2.ListChargingSessionsResponse()


def ledgers(folder: Path) -> None:
    (folder / "visits.jsonl").write_text(json.dumps(VISIT))
    rows = [
        {
            "asset": ROOM.name,
            "time": (START + hour * HOUR).isoformat(),
            "low_celsius": 20.0,
            "high_celsius": 25.0,
            "rules_wh": {"at_rest": 900.0 * hour, "schedule": 700.0 * hour},
            "rules_kh": {"at_rest": 0.0, "schedule": 0.0},
        }
        for hour in range(4)
    ]
    (folder / "rooms.jsonl").write_text("\n".join(map(json.dumps, rows)))


async def told(site: WatchedSite, folder: Path) -> tuple[Any, Analytics]:
    analytics = Analytics()  # type: ignore[abstract]
    metering, usage = Metering(), Usage()  # type: ignore[abstract]

    def register(server: grpc.aio.Server) -> None:
        analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server(analytics, server)
        metering_pb2_grpc.add_MeteringServiceServicer_to_server(metering, server)
        usage_service_pb2_grpc.add_UsageServiceServicer_to_server(usage, server)

    async with (
        serve_for_test(register) as target,
        MeshClients(dict.fromkeys(SERVICES, target), None) as clients,
    ):
        return await kinds_content(clients, [site], SPAN, folder), analytics


def yard(**assets: Any) -> WatchedSite:
    return WatchedSite(
        id=YARD,
        display_name="yard",
        zone=ZoneInfo("UTC"),
        tariff="tariffs/t",
        carbon_zone="",
        currency_code="EUR",
        grid=AssetId(YARD, "grid"),
        **assets,
    )


async def test_vehicles_charged_at_once_are_declared_and_what_is_not_metered_is_not_known(
    tmp_path: Path,
) -> None:
    ledgers(tmp_path)
    found, analytics = await told(yard(charge_points=(CHARGER,)), tmp_path)
    assert analytics.declared_wh(0) == pytest.approx([0.0, np.nan, -1_000.0], nan_ok=True)
    assert found["ev_charger"]["cost"] == {
        "achieved": 8.0,  # what an event paid is of no kind
        "no_control": 11.0,
        "rule": 11.0,
    }
    assert found["ev_charger"]["missed_kwh"]["achieved"] == 1.0
    assert "battery" not in found


async def test_rooms_left_alone_and_by_their_schedule_are_declared_each(tmp_path: Path) -> None:
    ledgers(tmp_path)
    found, analytics = await told(yard(zones=(ROOM,)), tmp_path)
    changes = {tuple(analytics.declared_wh(index)): 11.0 + index for index in (0, 1)}
    assert found["hvac_zone"]["energy_kwh"] == {"achieved": 1.5, "no_control": 2.7, "rule": 2.1}
    assert found["hvac_zone"]["cost"] == {
        "achieved": 8.0,
        "no_control": changes[400.0, 400.0, 400.0],
        "rule": changes[200.0, 200.0, 200.0],
    }
