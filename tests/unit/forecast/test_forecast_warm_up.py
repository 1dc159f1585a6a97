from datetime import timedelta

import numpy as np

from tests.fakes.forecast_assets import LOS_ANGELES, START
from tests.fakes.forecast_ports import FixedHistory, FixedSites, SimpleSky
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.warm_up import WarmUp
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series

ASSETS = [AssetId(SiteId("home-1"), name) for name in ("load", "pv", "battery")]


class AwayHistory:
    async def power_w(self, assets, span, resolution):
        raise Unavailable("AWAY", "metering is away")


def warm_up(history, most_assets=10):
    return WarmUp(
        sites=FixedSites(ASSETS, LOS_ANGELES),
        past=Past(history, SimpleSky()),
        clock=ManualClock(START + timedelta(days=10)),
        most_assets=most_assets,
    )


def history():
    series = Series(START, HOUR, np.ones(240))
    return FixedHistory(dict.fromkeys(ASSETS, series))


async def test_what_can_be_forecast_is_read_and_a_plant_without_a_place_left_out():
    read = history()
    asked = []
    inner = read.power_w

    async def remember(assets, span, resolution):
        asked.append(list(assets))
        return await inner(assets, span, resolution)

    read.power_w = remember
    await warm_up(read)()

    assert asked == [[ASSETS[0]]]


async def test_too_many_assets_are_read_when_they_are_needed():
    read = history()
    await warm_up(read, most_assets=0)()

    assert read.queries == []


async def test_a_metering_that_is_away_does_no_harm():
    await warm_up(AwayHistory())()
