"""What the report says that kinds of assets cost: all of it asked of analytics as it runs."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.fakes.analytics_home_days import HOME_DAYS, INTENSITY, SPAN
from tests.fakes.analytics_world import HOUR, AnalyticsWorld, analytics_world
from wattmesh.type.v1 import tariff_pb2
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_local.watching.accounts import accounts_beside
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.kinds import kinds_content
from wattmesh_local.watching.sites import WatchedSite

HOME = SiteId("home-1")
SITE = WatchedSite(
    id=HOME,
    display_name="Home 1",
    zone=ZoneInfo("America/Los_Angeles"),
    tariff="tariffs/flat",
    carbon_zone="zones/de",
    currency_code="USD",
    grid=AssetId(HOME, "grid"),
    batteries=(AssetId(HOME, "battery"),),
)
PRICE, CREDIT = 0.30, 0.05


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[AnalyticsWorld]:
    flat = tariff_pb2.Tariff(
        name="tariffs/flat",
        currency_code="USD",
        import_rates=tariff_pb2.EnergyRates(base_per_kwh=PRICE),
        export_rates=tariff_pb2.EnergyRates(base_per_kwh=CREDIT),
    )
    async with analytics_world(database_url, SPAN.end + HOUR) as world:
        await world.add_home(flat, HOME_DAYS)
        await world.publish(INTENSITY)
        yield world


def clients_of(world: AnalyticsWorld) -> MeshClients:
    metering = world.metering.metering
    return cast(MeshClients, SimpleNamespace(analytics=world.analytics, metering=metering))


def cost(net_kwh: np.ndarray[Any, Any]) -> float:
    return float(np.maximum(net_kwh, 0).sum() * PRICE - np.maximum(-net_kwh, 0).sum() * CREDIT)


async def test_a_battery_is_held_against_doing_nothing_and_against_its_plain_rule(
    world: AnalyticsWorld, tmp_path: Path
) -> None:
    """What was metered costs what its bill says: by what went in and out, not netted by the hour.
    Of the rest only an hour's difference is known.
    """
    kinds = await kinds_content(clients_of(world), [SITE], SPAN, tmp_path)

    idle = (HOME_DAYS.load + HOME_DAYS.sun).reshape(-1, 4).sum(1)
    stored, ruled = 0.0, []
    for rest in idle.tolist():
        taken, given = min(max(-rest, 0), 5.0), min(max(rest, 0), 5.0)
        taken, given = min(taken, (6.4 - stored) / 0.95), min(given, stored * 0.95)
        stored += 0.95 * taken - given / 0.95
        ruled.append(rest + taken - given)
    battery = kinds["battery"]
    assert battery["cost"]["achieved"] == pytest.approx(cost(HOME_DAYS.grid), abs=0.01)
    assert battery["cost"]["no_control"] == pytest.approx(cost(idle), abs=0.01)
    assert battery["cost"]["rule"] == pytest.approx(cost(np.array(ruled)), abs=0.02)


async def test_what_devices_would_have_drawn_is_priced_beside_what_was_metered(
    world: AnalyticsWorld,
) -> None:
    later_wh = np.zeros(SPAN.count(HOUR))
    later_wh[20] = 2_000.0
    found = await accounts_beside(clients_of(world), [SITE], SPAN, {HOME: later_wh})

    net_kwh = HOME_DAYS.grid[80:84].sum()
    more = cost(np.array([net_kwh + 2.0])) - cost(np.array([net_kwh]))
    assert float(found.no_control.by_tariff - found.achieved.by_tariff) == pytest.approx(
        more, abs=0.011
    )
