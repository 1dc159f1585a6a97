"""What a watcher of the site model is told while the database comes and goes."""

import asyncio
from contextlib import aclosing

import pytest

from tests.fakes.metering_model import MemoryModelHistory
from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.sites import Asset, LoadRating, Site
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.watch_site_model import WatchSiteModel
from wattmesh_metering.domain.selectors import AssetSelector

SITE = Site(id=SiteId("s"), time_zone="UTC", currency_code="EUR")
LOAD = Asset(id=AssetId(SITE.id, "load"), rating=LoadRating())


async def test_no_heartbeat_says_that_all_is_well_while_nobody_can_know() -> None:
    history = MemoryModelHistory(SITE)
    follower = FollowSiteModel(history, confirmed_seconds=0.2)
    watch = WatchSiteModel(follower, history, heartbeat_seconds=0.02)
    async with aclosing(watch.run(0)) as told:
        assert (await anext(told)).snapshot
        assert (await anext(told)).changed == ()
        await asyncio.sleep(0.25)
        history.away = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(told)


async def test_a_watch_is_refused_while_the_database_is_away() -> None:
    history = MemoryModelHistory(SITE)
    history.away = True
    watch = WatchSiteModel(FollowSiteModel(history), history)
    with pytest.raises(Unavailable):
        await anext(watch.run(0))


async def test_a_follower_goes_on_when_the_database_is_back() -> None:
    history = MemoryModelHistory(SITE)
    follower = FollowSiteModel(history)
    await follower.catch_up()
    history.away = True
    running = asyncio.create_task(follower.run())
    await asyncio.sleep(0.05)
    history.change(LOAD)
    history.away = False
    async with asyncio.timeout(5):
        while follower.model.revision < 2:
            await asyncio.sleep(0.01)
    running.cancel()


async def test_what_another_replica_has_just_made_is_found_at_once() -> None:
    history = MemoryModelHistory(SITE)
    follower = FollowSiteModel(history)
    await follower.catch_up()
    history.change(LOAD)
    selector = AssetSelector.parse(LOAD.name)
    (found,) = await follower.find(lambda model: model.metered(selector))
    assert found.id == LOAD.id
    with pytest.raises(NotFound):
        await follower.find(lambda model: model.metered(AssetSelector.parse("sites/x/assets/-")))
