"""Powers held against limits as they are metered, not when somebody looks next."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.alerting_world import WatchedMesh
from tests.fakes.control_metering import metered_home
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh.metering.v1 import metering_pb2
from wattmesh_alerting.adapters.live_powers import LivePowers
from wattmesh_alerting.adapters.nearness import Powers
from wattmesh_alerting.adapters.newest import NewestReadings
from wattmesh_alerting.domain.condition import Cleared, Condition
from wattmesh_alerting.domain.nearness import Bound
from wattmesh_alerting.domain.rules import Rule
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Asset, GridConnectionRating, Resource, Site
from wattmesh_runtime.testing import channel_for_test, serve_for_test
from wattmesh_sitemodel.view import SiteModelView

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOME, OTHER = "sites/home-1", "sites/home-2"
METER = f"{HOME}/devices/meter/points/active_power_w"
BATTERY = f"{HOME}/devices/battery"


class SetLimits:
    """What a test has owners allow."""

    def __init__(self) -> None:
        self.bounds: dict[str, Sequence[Bound]] = {}

    def in_force(self, now: datetime) -> Mapping[str, Sequence[Bound]]:
        return self.bounds


class World:
    """Two homes, of which the first's connection takes 10 kW and nobody limits the other."""

    def __init__(self) -> None:
        self.clock = ManualClock(T0)
        parts = [*map(limited, metered_home("home-1")), *metered_home("home-2")]
        sites = [
            Site(id=SiteId(name), time_zone="UTC", currency_code="EUR")
            for name in ("home-1", "home-2")
        ]
        self.mesh = WatchedMesh(self.clock, *sites, *parts)
        self.limits = SetLimits()

    def read(self, point: str, power_w: float) -> None:
        """Have a power metered now, a second later than the one before."""
        self.clock.advance(SECOND)
        self.mesh.read(point, self.clock.now(), power_w)

    @asynccontextmanager
    async def live(self) -> AsyncIterator[LivePowers]:
        async with (
            serve_for_test(self.mesh.register) as target,
            channel_for_test(target) as channel,
        ):
            view = SiteModelView(self.clock)
            await view.take(self.mesh.model.snapshot())
            yield LivePowers(
                *(channel, view, self.clock, self.limits, NewestReadings(), Powers()),
                look_seconds=0.1,
            )


def limited(part: Resource) -> Resource:
    if isinstance(part, Asset) and isinstance(part.rating, GridConnectionRating):
        return replace(part, rating=GridConnectionRating(max_import_power_w=10_000.0))
    return part


async def test_a_power_beyond_its_limit_is_told_as_it_is_metered_and_once() -> None:
    world = World()
    async with world.live() as live, aclosing(live.news()) as news:
        world.read(METER, 12_000.0)
        begun = await anext(news)
        world.read(METER, 12_500.0)
        world.read(METER, 9_500.0)
        ended, nearer = [await anext(news) for _ in range(2)]
        assert world.mesh.watched_points == {METER}

    assert isinstance(begun, Condition)
    assert (begun.rule, begun.subject, begun.value) == (Rule.LIMIT_EXCEEDED, HOME, 12_000.0)
    assert begun.since == T0 + SECOND
    assert isinstance(ended, Cleared)
    assert (ended.rule, ended.since) == (Rule.LIMIT_EXCEEDED, T0 + 3 * SECOND)
    assert isinstance(nearer, Condition)
    assert nearer.rule is Rule.LIMIT_NEAR


async def test_what_came_while_the_line_was_lost_is_seen_when_it_is_back() -> None:
    world = World()
    async with world.live() as live:
        async with aclosing(live.news()) as news:
            world.read(METER, 12_000.0)
            await anext(news)
            world.mesh.lose_watchers_of_readings()
            with pytest.raises(Unavailable):
                await anext(news)
        world.read(METER, 1_000.0)
        async with aclosing(live.news()) as news:
            ended = await anext(news)

    assert isinstance(ended, Cleared)
    assert ended.since == T0 + 2 * SECOND


async def test_a_limit_that_an_owner_sets_has_its_points_watched_and_no_others() -> None:
    world = World()
    async with world.live() as live, aclosing(live.news()) as news:
        world.read(METER, 12_000.0)
        await anext(news)
        allowed = Bound(power_w=2_000.0, upper=True, whose="the limit of the grid-operator")
        world.limits.bounds = {BATTERY: [allowed]}
        world.read(f"{BATTERY}/points/active_power_w", 3_000.0)
        begun = await anext(news)
        await eventually(lambda: len(world.mesh.watched_points) == 2)

    assert isinstance(begun, Condition)
    assert (begun.subject, begun.threshold) == (BATTERY, 2_000.0)


def test_a_reading_that_is_not_believed_gives_way_to_what_is() -> None:
    def reading(second: int, value: float) -> metering_pb2.Reading:
        time = timestamp_to_proto(T0 + second * SECOND)
        return metering_pb2.Reading(point=METER, measure_time=time, value=value)

    newest = NewestReadings()
    newest.answered({METER: reading(0, 1.0)}, asked_at=10.0)
    newest.take([reading(1, 99.0)], at=11.0)
    doubted = newest.get(METER)
    newest.answered({METER: reading(0, 1.0)}, asked_at=12.0)
    on_its_way = newest.get(METER)
    newest.answered({METER: reading(0, 1.0)}, asked_at=25.0)
    believed = newest.all()[METER]

    assert [each and each.value for each in (doubted, on_its_way, believed)] == [99.0, 99.0, 1.0]
    newest.take([reading(-1, 5.0)], at=26.0)
    assert newest.all()[METER].value == 1.0
