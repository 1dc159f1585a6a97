"""Whoever watches sees all there is, then every change, and never something of another site."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh_dashboard.app.live import LivePicture
from wattmesh_dashboard.domain.flow import Measured, SiteFlow
from wattmesh_dashboard.domain.look import Look
from wattmesh_dashboard.domain.news import FeedState, News, Topic
from wattmesh_dashboard.domain.together import AllSites
from wattmesh_kernel.errors import ResourceExhausted
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, PointId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    GridConnectionRating,
    MeterRole,
    MqttConnection,
    Site,
    SiteModelChange,
)
from wattmesh_sitemodel.view import SiteModelView

HOME, OTHER = SiteId("home-1"), SiteId("home-2")
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
POINT = PointId.parse("sites/home-1/devices/meter/points/active_power_w")


class Words:
    """An encoder whose parts can be read."""

    def feed(self, state: FeedState) -> bytes:
        words = "flows" if state.connected else state.message
        return f"[{state.feed} {words} {state.since:%H:%M}]".encode()

    def flow(self, flow: SiteFlow) -> bytes:
        powers = ",".join(str(each.power_w) for each in flow.flows)
        return f"[{flow.site.segment} {powers}]".encode()

    def all_sites(self, sums: AllSites) -> bytes:
        powers = ",".join(str(each.power_w) for each in sums.flows)
        return f"[all {sums.reporting} of {sums.sites}: {powers}]".encode()

    def revision(self, revision: int) -> bytes:
        return f"[model {revision}]".encode()


@pytest.fixture
async def view() -> SiteModelView:
    view = SiteModelView(ManualClock(NOON))
    site = Site(id=HOME, time_zone="UTC", currency_code="EUR")
    grid = Asset(id=AssetId(HOME, "grid"), display_name="grid", rating=GridConnectionRating())
    meter = Device(
        id=DeviceId(HOME, "meter"),
        display_name="meter",
        profile="test",
        gateway=GatewayId("local"),
        connection=MqttConnection(address="meter"),
        points=frozenset({"active_power_w"}),
        reporting_interval=timedelta(minutes=1),
        functions=(DeviceFunction(asset=grid.id, meter_role=MeterRole.MAIN),),
    )
    await view.take(SiteModelChange(revision=7, snapshot=True, changed=(site, grid, meter)))
    return view


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def picture(clock: ManualClock, view: SiteModelView) -> LivePicture:
    return LivePicture(clock, view, Words())


def command(site: SiteId, text: str) -> News:
    return News(topic=Topic.COMMAND, key=text, content=f"[{text}]".encode(), sites=(site,))


def hold(text: str, *, over: bool = False) -> News:
    return News(topic=Topic.HOLD, key="holds/1", content=f"[{text}]".encode(), over=over)


async def following(told: AsyncGenerator[bytes, None], wanted: bytes) -> bytes:
    """Read until something is told; return all that was."""
    heard = b""
    async with asyncio.timeout(10):
        while wanted not in heard:
            heard += await anext(told)
    return heard


async def test_whoever_comes_later_sees_what_there_is(picture: LivePicture) -> None:
    picture.tell_model()
    picture.take_readings({POINT: Measured(500.0, NOON)})
    picture.tell([hold("held")])
    async with aclosing(picture.watch(Look())) as told:
        first = await anext(told)
    assert first == b"[model 7][home-1 500.0][held]"


async def test_news_reach_all_who_watch(picture: LivePicture) -> None:
    async with (
        aclosing(picture.watch(Look())) as one,
        aclosing(picture.watch(Look(site=HOME))) as other,
    ):
        await anext(one), await anext(other)
        picture.take_readings({POINT: Measured(500.0, NOON)})
        for each in (one, other):
            assert b"[home-1 500.0]" in await following(each, b"500.0")


async def test_an_older_reading_never_takes_the_place_of_a_newer_one(picture: LivePicture) -> None:
    picture.take_readings({POINT: Measured(500.0, NOON)})
    picture.take_readings({POINT: Measured(1.0, NOON - timedelta(minutes=1))})
    async with aclosing(picture.watch(Look())) as told:
        assert b"500.0" in await anext(told)


async def test_commands_are_told_only_to_those_who_look_at_their_site(picture: LivePicture) -> None:
    async with (
        aclosing(picture.watch(Look(site=HOME))) as at_home,
        aclosing(picture.watch(Look())) as at_none,
    ):
        await anext(at_home), await anext(at_none)
        picture.tell([command(OTHER, "theirs"), command(HOME, "ours"), hold("held")])
        heard = await following(at_home, b"[held]")
        assert b"[ours]" in heard
        assert b"[theirs]" not in heard
        assert b"[ours]" not in await following(at_none, b"[held]")


async def test_a_hold_that_has_ended_is_told_and_not_kept(picture: LivePicture) -> None:
    picture.tell([hold("held")])
    async with aclosing(picture.watch(Look())) as told:
        assert b"[held]" in await anext(told)
        picture.tell([hold("released", over=True)])
        await following(told, b"[released]")
    async with aclosing(picture.watch(Look())) as later:
        assert await anext(later) == b""


async def test_a_feed_says_once_that_it_broke_and_since_when(
    picture: LivePicture, clock: ManualClock
) -> None:
    picture.tell_feed("plans", connected=True)
    clock.advance(timedelta(minutes=5))
    picture.tell_feed("plans", connected=False, message="away")
    clock.advance(timedelta(minutes=5))
    picture.tell_feed("plans", connected=False, message="still away")
    async with aclosing(picture.watch(Look())) as told:
        assert await anext(told) == b"[plans away 12:05]"


async def test_what_no_screen_shows_is_not_told(picture: LivePicture) -> None:
    both = News(topic=Topic.PLAN, key="group", content=b"[group plan]", sites=(HOME, OTHER))
    theirs = News(topic=Topic.PLAN, key="other", content=b"[other plan]", sites=(OTHER,))
    picture.take_readings({POINT: Measured(500.0, NOON)})
    picture.tell([both, theirs])
    shown = Look(shown=frozenset({HOME}))
    async with aclosing(picture.watch(shown)) as told:
        assert await anext(told) == b"[home-1 500.0][group plan]"
    async with aclosing(picture.watch(Look(shown=frozenset()))) as told:
        assert await anext(told) == b""


async def test_all_sites_are_added_up_for_who_shows_none_of_them(
    picture: LivePicture, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattmesh_dashboard.app.live.SUM_SECONDS", 0.0)
    picture.take_readings({POINT: Measured(500.0, NOON)})
    async with aclosing(picture.watch(Look(shown=frozenset(), together=True))) as told:
        assert await anext(told) == b"[all 1 of 1: 500.0]"
        clock.advance(timedelta(minutes=3))
        assert b"[all 0 of 1: None]" in await following(told, b"all 0")


async def test_whoever_has_sites_of_their_own_hears_nothing_of_others(
    picture: LivePicture,
) -> None:
    """Of something that is about several sites neither; of how the streams are, as everybody."""
    one, other = (hold("ours"), HOME), (hold("theirs"), OTHER)
    for number, (told, site) in enumerate((one, other)):
        picture.tell([replace(told, key=str(number), sites=(site,))])
    picture.tell([replace(hold("both"), key="2", sites=(HOME, OTHER)), hold("nobody's")])
    picture.tell_feed("plans", connected=True)
    within = frozenset({HOME})
    async with aclosing(picture.watch(Look(site=OTHER, within=within))) as told_one:
        assert await anext(told_one) == b"[ours][plans flows 12:00]"
        picture.tell([command(OTHER, "theirs"), replace(hold("mine"), sites=(HOME,))])
        assert await following(told_one, b"[mine]") == b"[mine]"


async def test_silence_is_told_as_a_heartbeat(picture: LivePicture) -> None:
    async with aclosing(picture.watch(Look())) as told:
        await anext(told)
        async with asyncio.timeout(10):
            assert await anext(told) == b""


async def test_of_news_that_come_faster_than_they_are_read_the_newest_is_told(
    picture: LivePicture,
) -> None:
    async with aclosing(picture.watch(Look())) as told:
        await anext(told)
        for watts in range(1, 200):
            picture.take_readings({POINT: Measured(float(watts), NOON)})
        heard = await following(told, b"199.0")
        assert heard.count(b"home-1") < 3


async def test_whoever_does_not_read_is_let_go_and_told(
    picture: LivePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture._news, "_most_unread", 10)
    told = picture.watch(Look(site=HOME))
    await anext(told)
    reading = asyncio.ensure_future(following(told, b"never"))
    await eventually(lambda: picture.watchers == 1)
    picture.tell(command(HOME, str(number)) for number in range(100))
    with pytest.raises(ResourceExhausted):
        await reading
    assert picture.watchers == 0
