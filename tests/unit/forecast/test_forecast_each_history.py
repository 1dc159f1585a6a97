from datetime import timedelta

import numpy as np

from tests.fakes.forecast_assets import START
from tests.fakes.forecast_ports import FixedHistory
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.outcome import NotForecast, Reason
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

ASSETS = [AssetId(SiteId(f"home-{n}"), "load") for n in range(9)]
DAY = TimeRange.of(START, timedelta(days=1))


def history() -> FixedHistory:
    return FixedHistory(dict.fromkeys(ASSETS, Series(START, HOUR, np.arange(24.0))))


async def test_an_asset_that_spoils_its_query_costs_that_asset_alone() -> None:
    given = history()
    del given.power[ASSETS[4]]

    found = await EachHistory(given).power_w(ASSETS, DAY, HOUR)

    refused = [each for each in found.values() if isinstance(each, NotForecast)]
    assert [(each.asset, each.reason) for each in refused] == [
        (ASSETS[4], Reason.HISTORY_UNAVAILABLE)
    ]
    assert "home-4" in refused[0].message
    assert list(found) == ASSETS


async def test_a_metering_that_is_away_is_asked_once_and_every_asset_says_so() -> None:
    given = history()
    given.away = True

    found = await EachHistory(given).power_w(ASSETS, DAY, HOUR)

    assert len(given.queries) == 1
    assert all(isinstance(each, NotForecast) for each in found.values())


async def test_long_ranges_of_many_assets_are_asked_for_in_parts() -> None:
    given = history()
    span = TimeRange.of(START, 20_000 * HOUR)

    found = await EachHistory(given).power_w(ASSETS, span, HOUR)

    assert len(found) == 9
    assert [len(assets) for assets in given.assets] == [2, 2, 2, 2, 1]
