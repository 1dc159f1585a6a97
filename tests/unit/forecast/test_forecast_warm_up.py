from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from tests.fakes.forecast_assets import LOS_ANGELES, START
from tests.fakes.forecast_ports import FixedHistory, FixedSites, SimpleSky
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.ports import History
from wattmesh_forecast.app.warm_up import WarmUp
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

ASSETS = [AssetId(SiteId("home-1"), name) for name in ("load", "pv", "battery")]


class AwayHistory:
    async def power_w(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> Mapping[AssetId, Series]:
        raise Unavailable("AWAY", "metering is away")


def warm_up(history: History, most_assets: int = 10) -> WarmUp:
    return WarmUp(
        sites=FixedSites(ASSETS, LOS_ANGELES),
        past=Past(history, SimpleSky()),
        clock=ManualClock(START + timedelta(days=10)),
        most_assets=most_assets,
    )


def history() -> FixedHistory:
    series = Series(START, HOUR, np.ones(240))
    return FixedHistory(dict.fromkeys(ASSETS, series))


async def test_what_can_be_forecast_is_read_and_a_plant_without_a_place_left_out() -> None:
    read = history()
    await warm_up(read)()

    assert read.assets == [[ASSETS[0]]]


async def test_too_many_assets_are_read_when_they_are_needed() -> None:
    read = history()
    await warm_up(read, most_assets=0)()

    assert read.queries == []


async def test_a_metering_that_is_away_does_no_harm() -> None:
    await warm_up(AwayHistory())()
