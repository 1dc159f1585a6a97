from datetime import UTC, datetime
from decimal import Decimal
from math import nan
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.metered_mesh import HOUR, MeteredMesh
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange
from wattmesh_local.watching.accounts import compute_accounts
from wattmesh_local.watching.sites import WatchedSite

START = datetime(2016, 9, 5, 7, tzinfo=UTC)
GRID, BATTERY = "sites/home-1/assets/grid", "sites/home-1/assets/battery"
HOME = WatchedSite(
    id=SiteId("home-1"),
    display_name="Home 1",
    zone=ZoneInfo("America/Los_Angeles"),
    tariff="tariffs/flat",
    carbon_zone="",
    currency_code="USD",
    grid=AssetId.parse(GRID),
    batteries=(AssetId.parse(BATTERY),),
    battery_capacity_wh=6400.0,
)


async def test_without_control_the_batteries_energy_is_taken_out_of_the_grid_s() -> None:
    clients = MeteredMesh(START, {GRID: [3000, 1000], BATTERY: [1000, -2000]})

    accounts = await compute_accounts(clients, [HOME], TimeRange(START, START + 2 * HOUR))

    assert (accounts.achieved.cost, accounts.no_control.cost) == (Decimal("4.00"), Decimal("5.00"))
    assert (accounts.achieved.peak_kw, accounts.no_control.peak_kw) == (3.0, 3.0)
    assert accounts.missing_intervals == 0


@pytest.mark.parametrize("missing", [GRID, BATTERY])
async def test_an_hour_that_was_not_metered_counts_on_neither_side_and_is_said(
    missing: str,
) -> None:
    energies = {GRID: [5000.0, 3000.0, 1000.0], BATTERY: [0.0, 1000.0, -2000.0]}
    energies[missing][0] = nan

    accounts = await compute_accounts(
        MeteredMesh(START, energies), [HOME], TimeRange(START, START + 3 * HOUR)
    )

    assert (accounts.achieved.cost, accounts.no_control.cost) == (Decimal("4.00"), Decimal("5.00"))
    assert (accounts.achieved.peak_kw, accounts.no_control.peak_kw) == (3.0, 3.0)
    assert accounts.missing_intervals == 1
