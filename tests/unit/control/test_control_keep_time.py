"""The timekeeper acts on time, is woken by what is new, and survives its database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_agenda import FakeAgenda, FakeLedger
from tests.fakes.control_books import FakeBooks
from tests.fakes.control_model import BATTERY_ID, FakeShelf, FakeSiteModel, battery
from tests.fakes.control_observations import FakeObservations
from tests.fakes.manual_clock import ManualClock
from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.changes import Announce
from wattmesh_control.app.feed import CommandFeed
from wattmesh_control.app.follow_model import FollowModel
from wattmesh_control.app.keep_time import KeepTime, ReconcileNow
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.app.wake import Wake
from wattmesh_control.domain.command import LeaseRule
from wattmesh_control.domain.setpoint import SetpointKind
from wattmesh_control.domain.wish import Origin, Wish
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Keeper:
    """Timekeeper and model follower at work, in memory."""

    clock: ManualClock
    books: FakeBooks
    ledger: FakeLedger
    model: FakeSiteModel
    wake: Wake

    async def wish(self, start: datetime, value: float) -> None:
        """Store a wish of an hour, as SubmitSchedule does."""
        wish = Wish(
            origin=Origin.SCHEDULE,
            device=BATTERY_ID,
            kind=SetpointKind.ACTIVE_POWER,
            owner="planner",
            priority=10,
            source="plans/p1",
            request_id="r1",
            span=TimeRange.of(start, 60 * MINUTE),
            value=value,
            accept_time=self.clock.now(),
        )
        await self.books.wishes.add([wish])
        self.wake.set()

    @property
    def values(self) -> list[float]:
        """What the battery was told."""
        return [each.value for each in self.books.commands.all.values()]


@pytest.fixture
async def keeper() -> AsyncIterator[Keeper]:
    clock, books, model = ManualClock(T0), FakeBooks(), FakeSiteModel(battery())
    ledger, agenda, wake = FakeLedger(books), FakeAgenda(books), Wake(clock)
    announce = Announce(GatewayLinks(FakeObservations()), CommandFeed(), wake, FakeObservations())
    catalog = DeviceCatalog(clock=clock, model=model, shelf=FakeShelf())
    reconcile = Reconcile(clock=clock, catalog=catalog, lease=LeaseRule(), tolerance_ratio=0.02)
    reconcile_now = ReconcileNow(ledger, reconcile, announce)
    keep_time = KeepTime(clock=clock, agenda=agenda, reconcile_now=reconcile_now, wake=wake)
    follow_model = FollowModel(
        clock=clock,
        catalog=catalog,
        agenda=agenda,
        reconcile_now=reconcile_now,
        interval=15 * MINUTE,
    )
    tasks = [asyncio.create_task(keep_time()), asyncio.create_task(follow_model())]
    await clock.run_for(timedelta(0))
    yield Keeper(clock, books, ledger, model, wake)
    for task in tasks:
        assert not task.done(), "it runs for ever"
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_new_wish_wakes_it_and_is_made_at_its_start(keeper: Keeper) -> None:
    await keeper.wish(T0 + 30 * MINUTE, 1.0)
    await keeper.clock.run_for(29 * MINUTE)
    assert keeper.values == []
    await keeper.clock.run_for(MINUTE)
    assert keeper.values == [1.0]


async def test_what_falls_due_while_the_database_is_away_is_made_when_it_is_back(
    keeper: Keeper,
) -> None:
    await keeper.wish(T0 + 30 * MINUTE, 1.0)
    await keeper.clock.run_for(MINUTE)
    keeper.ledger.away = True
    await keeper.clock.run_for(35 * MINUTE)
    assert keeper.values == []
    keeper.ledger.away = False
    await keeper.clock.run_for(timedelta(seconds=1))
    assert keeper.values == [1.0]


async def test_a_model_that_changed_is_looked_at_again_even_if_the_first_look_failed(
    keeper: Keeper,
) -> None:
    await keeper.wish(T0, 4000.0)
    await keeper.clock.run_for(MINUTE)
    keeper.model.error = Unavailable("AWAY", "metering is away")
    await keeper.clock.run_for(15 * MINUTE)
    keeper.model.error, keeper.model.known = None, [battery(3000.0)]
    keeper.ledger.away = True
    await keeper.clock.run_for(timedelta(seconds=2))
    keeper.ledger.away = False
    await keeper.clock.run_for(timedelta(seconds=2))
    assert keeper.values == [4000.0, 3000.0]
