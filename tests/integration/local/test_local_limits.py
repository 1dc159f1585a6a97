"""What `wattmesh limits` says: who follows a limit since when, and what meters saw under it."""

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest
from rich.console import Console

from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.site.v1 import asset_pb2, site_service_pb2, site_service_pb2_grpc
from wattmesh.type.v1 import series_pb2
from wattmesh_contracts.values import datetime_from_proto, timestamp_to_proto
from wattmesh_local.limits import LimitsDesk
from wattmesh_runtime.testing import channel_for_test, serve_for_test

FIVE = datetime(2026, 1, 5, 17, tzinfo=UTC)
SITE = "sites/home-1"
MINUTE = timedelta(minutes=1)
NAN = float("nan")


class Mesh(
    control_pb2_grpc.ControlServiceServicer,
    site_service_pb2_grpc.SiteServiceServicer,
    metering_pb2_grpc.MeteringServiceServicer,
):
    """Has limits, a grid connection, and what it drew in each five minutes from five on [W]."""

    def __init__(self) -> None:
        self.limits: list[control_pb2.Limit] = []
        self.powers_w: Sequence[float] = ()

    async def ListLimits(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.parent = request.parent
        return control_pb2.ListLimitsResponse(limits=self.limits)

    async def ListAssets(self, request: Any, context: Any) -> Any:  # noqa: N802
        assets = [
            asset_pb2.Asset(name=f"{SITE}/assets/load"),
            asset_pb2.Asset(name=f"{SITE}/assets/grid"),
        ]
        assets[0].load.SetInParent()
        assets[1].grid_connection.SetInParent()
        return site_service_pb2.ListAssetsResponse(assets=assets)

    async def QueryEnergy(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert list(request.assets) == [f"{SITE}/assets/grid"]
        assert datetime_from_proto(request.range.start_time) == FIVE
        wh = [each / 12 for each in self.powers_w]
        energy = metering_pb2.AssetEnergy(
            asset=request.assets[0],
            import_energy_wh=series_pb2.Series(
                values=[max(each, 0.0) if each == each else NAN for each in wh]
            ),
            export_energy_wh=series_pb2.Series(
                values=[max(-each, 0.0) if each == each else NAN for each in wh]
            ),
        )
        return metering_pb2.QueryEnergyResponse(energies=[energy])


class Terminal:
    """A desk on a mesh, and what it printed."""

    def __init__(
        self, desk: LimitsDesk, mesh: Mesh, clock: ManualClock, paper: io.StringIO
    ) -> None:
        self.desk, self.mesh, self.clock, self.paper = desk, mesh, clock, paper

    async def said(self, site: str = "") -> tuple[int, str]:
        self.paper.truncate(self.paper.seek(0))
        status = await self.desk.show(site)
        return status, " ".join(self.paper.getvalue().split())


@asynccontextmanager
async def terminal() -> AsyncIterator[Terminal]:
    mesh, clock, paper = cast(Any, Mesh)(), ManualClock(FIVE + 12 * MINUTE), io.StringIO()
    adds = (
        control_pb2_grpc.add_ControlServiceServicer_to_server,
        site_service_pb2_grpc.add_SiteServiceServicer_to_server,
        metering_pb2_grpc.add_MeteringServiceServicer_to_server,
    )
    async with (
        serve_for_test(*(partial(add, mesh) for add in adds)) as target,
        channel_for_test(target) as channel,
    ):
        desk = LimitsDesk(channel, channel, clock, Console(file=paper, width=400))
        yield Terminal(desk, mesh, clock, paper)


@pytest.fixture
async def at() -> AsyncIterator[Terminal]:
    async with terminal() as at:
        yield at


def limit(*told: datetime, subject: str = SITE, max_power_w: float = 4_200.0) -> control_pb2.Limit:
    return control_pb2.Limit(
        name="limits/1",
        subject=subject,
        owner="grid-operator",
        reason="a full feeder",
        max_power_w=max_power_w,
        start_time=timestamp_to_proto(FIVE),
        expire_time=timestamp_to_proto(FIVE + timedelta(hours=2)),
        acknowledgements=[
            control_pb2.LimitAcknowledgement(
                gateway="gateways/cellar", site=SITE, acknowledge_time=timestamp_to_proto(each)
            )
            for each in told
        ],
    )


async def test_a_limit_says_who_follows_it_since_when_and_what_was_metered(at: Terminal) -> None:
    at.mesh.limits = [limit(FIVE + timedelta(seconds=2))]
    at.mesh.powers_w = [4_150.0, NAN]
    status, said = await at.said(SITE)

    assert status == 0
    assert at.mesh.parent == f"{SITE}/devices/-"
    for words in (
        "at most 4.2 kW in",
        "grid-operator",
        "a full feeder",
        "cellar: followed since 17:00:02",
        "kept: up to 4.15 kW in 5 min",
    ):
        assert words in said


async def test_one_that_was_told_before_it_began_is_followed_from_its_beginning(
    at: Terminal,
) -> None:
    at.mesh.limits = [limit(FIVE - timedelta(hours=5))]
    at.mesh.powers_w = [NAN, NAN]
    status, said = await at.said()
    assert (status, at.mesh.parent) == (0, "sites/-/devices/-")
    assert "cellar: followed since 17:00:00" in said
    assert "nothing metered yet" in said

    at.clock.set(FIVE - MINUTE)
    status, said = await at.said()
    assert (status, "cellar: told 12:00:00" in said, "metered yet" in said) == (0, True, False)


async def test_more_than_is_allowed_is_said_and_is_the_commands_status(at: Terminal) -> None:
    at.mesh.limits = [limit(FIVE)]
    at.mesh.powers_w = [4_100.0, 5_000.0]
    status, said = await at.said()
    assert status == 1
    assert "exceeded: up to 5 kW in 10 min" in said


async def test_what_no_gateway_was_told_is_said_and_where_nothing_is_limited(at: Terminal) -> None:
    assert await at.said() == (0, "nothing is limited")
    at.mesh.limits = [limit(subject=f"{SITE}/nodes/feeder")]
    status, said = await at.said()
    assert status == 0
    assert "commands and plans: told to no gateway" in said
