import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import numpy as np

from tests.fakes.eventually import eventually
from tests.fakes.forecast_assets import START
from tests.fakes.forecast_ports import FixedHistory, GivenHolidays, SimpleSky
from tests.fakes.forecast_sites import asset, view_of
from tests.fakes.manual_clock import ManualClock
from wattmesh_forecast.app.each_history import EachHistory
from wattmesh_forecast.app.followed_sites import FollowedSites
from wattmesh_forecast.app.past import Past
from wattmesh_forecast.app.warm_up import WarmUp
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import SiteModelChange
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_sitemodel.view import SiteModelView

LOAD, PV, BATTERY = (AssetId(SiteId("home-1"), name) for name in ("load", "pv", "battery"))
NEW = AssetId(SiteId("home-1"), "load-2")


def history() -> FixedHistory:
    series = Series(START, HOUR, np.ones(240))
    return FixedHistory(dict.fromkeys([LOAD, PV, NEW], series))


@asynccontextmanager
async def warming(
    read: FixedHistory, view: SiteModelView, most_assets: int = 10
) -> AsyncIterator[None]:
    warm_up = WarmUp(
        sites=FollowedSites(view),
        past=Past(EachHistory(read), SimpleSky(), GivenHolidays()),
        clock=ManualClock(START + timedelta(days=10)),
        most_assets=most_assets,
    )
    task = asyncio.create_task(warm_up())
    await asyncio.sleep(0.05)
    yield
    assert not task.done()
    await cancel_until_ended(task)


async def test_what_can_be_forecast_is_read_ahead() -> None:
    read = history()
    async with warming(read, view_of([LOAD, PV, BATTERY])):
        await eventually(lambda: read.assets == [[LOAD, PV]])


async def test_an_asset_that_comes_later_is_read_as_soon_as_it_is_there() -> None:
    read, view = history(), view_of([LOAD, PV])
    async with warming(read, view):
        await view.take(SiteModelChange(revision=2, changed=(asset(NEW),)))
        await eventually(lambda: read.assets == [[LOAD, PV], [NEW]])


async def test_too_many_assets_are_read_when_they_are_needed() -> None:
    read = history()
    async with warming(read, view_of([LOAD, PV]), most_assets=1):
        assert read.queries == []


async def test_a_metering_that_is_away_does_no_harm() -> None:
    read = history()
    read.away = True
    async with warming(read, view_of([LOAD])):
        await eventually(lambda: len(read.queries) == 1)
