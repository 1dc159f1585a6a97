"""The timekeeper acts on time, is woken by what is new, and survives database and poison."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_model import BATTERY_ID, GATEWAY_ID, battery_asset, battery_device
from tests.fakes.control_shards import FakeControl
from tests.fakes.eventually import eventually
from tests.fakes.leases import FakeLeases
from tests.fakes.manual_clock import ManualClock
from wattmesh_control.app.chunks import MOST_AT_ONCE
from wattmesh_control.app.follow_model import changed_devices
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_kernel.errors import ResourceExhausted, Unavailable, WattmeshError
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import cancel_all

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Keeper(FakeControl):
    """Timekeeper and shards at work, in memory."""

    clock: ManualClock

    def propose(
        self, start: datetime, value: float, device: DeviceId = BATTERY_ID, *, wake: bool = True
    ) -> None:
        """Store a proposal of an hour, as SubmitSchedule does."""
        proposal = Proposal(
            origin=Origin.SCHEDULE,
            device=device,
            kind=SetpointKind.ACTIVE_POWER_W,
            owner="planner",
            priority=10,
            source="plans/p1",
            request_id="r1",
            span=TimeRange.of(start, 60 * MINUTE),
            value=value,
            accept_time=self.clock.now(),
        )
        self.store.propose(proposal)
        if wake:
            self.keep_time.expect(start)

    @property
    def values(self) -> list[float]:
        """What devices were told."""
        return [each.value for each in self.store.commands.values()]

    async def homes(self, count: int, gateway: GatewayId = GATEWAY_ID) -> list[DeviceId]:
        """Let the model have so many homes with a battery."""
        sites = [SiteId(f"home-{number}") for number in range(count)]
        assets = [battery_asset(site=site) for site in sites]
        devices = [battery_device(site, gateway) for site in sites]
        await self.model.take(*assets, *devices)
        self.shards.look_again()
        return [device.id for device in devices]


@pytest.fixture
async def keeper() -> AsyncIterator[Keeper]:
    keeper = Keeper(clock=ManualClock(T0))
    await keeper.model.know()
    tasks = [asyncio.create_task(keeper.shards.run()), asyncio.create_task(keeper.keep_time())]
    await eventually(lambda: keeper.shards.holds(BATTERY_ID))
    await keeper.clock.run_for(timedelta(0))
    yield keeper
    for task in tasks:
        assert not task.done(), "it runs for ever"
    assert not await cancel_all(tasks, within_seconds=5)


async def test_a_new_proposal_wakes_it_and_is_made_at_its_start(keeper: Keeper) -> None:
    keeper.propose(T0 + 30 * MINUTE, 1.0)
    await keeper.clock.run_for(29 * MINUTE)
    assert keeper.values == []
    await keeper.clock.run_for(MINUTE)
    assert keeper.values == [1.0]


async def test_a_proposal_of_which_no_notice_came_is_made_all_the_same(keeper: Keeper) -> None:
    keeper.propose(T0 + 30 * MINUTE, 1.0, wake=False)
    await keeper.clock.run_for(31 * MINUTE)
    assert keeper.values == [1.0]


@pytest.mark.parametrize(
    "trouble",
    [
        Unavailable("DATABASE_UNAVAILABLE", "the database is away"),
        ResourceExhausted("DATABASE_BUSY", "all connections to the database are in use"),
    ],
)
async def test_what_falls_due_while_the_database_is_away_is_made_when_it_is_back(
    keeper: Keeper, trouble: WattmeshError
) -> None:
    keeper.propose(T0 + 30 * MINUTE, 1.0)
    await keeper.clock.run_for(MINUTE)
    keeper.store.trouble = trouble
    keeper.store.away = True
    await keeper.clock.run_for(35 * MINUTE)
    assert keeper.values == []
    keeper.store.away = False
    await keeper.clock.run_for(timedelta(seconds=5))
    assert keeper.values == [1.0]


async def test_a_model_that_changed_is_looked_at_again_even_if_the_first_look_failed(
    keeper: Keeper,
) -> None:
    keeper.propose(T0, 4000.0)
    keeper.keep_time.look_at([BATTERY_ID])
    await keeper.clock.run_for(MINUTE)
    before = keeper.model.view.model
    await keeper.model.know(3000.0)
    assert changed_devices(before, keeper.model.view.model) == [BATTERY_ID]
    keeper.store.away = True
    keeper.keep_time.look_at([BATTERY_ID])
    await keeper.clock.run_for(timedelta(seconds=2))
    keeper.store.away = False
    await keeper.clock.run_for(timedelta(seconds=5))
    assert keeper.values == [4000.0, 3000.0]


async def test_no_transaction_is_about_more_than_500_devices(keeper: Keeper) -> None:
    devices = await keeper.homes(1200)
    for device in devices:
        keeper.propose(T0 + MINUTE, 1.0, device, wake=False)
    keeper.keep_time.expect(T0 + MINUTE)
    await keeper.clock.run_for(MINUTE)
    await eventually(lambda: len(keeper.values) == 1200)
    sizes = [len(scope.devices) for scope in keeper.store.scopes if scope.devices]
    assert MOST_AT_ONCE == 500
    assert sizes == [500, 500, 200]


async def test_chunks_that_were_done_before_the_database_went_away_are_not_done_again(
    keeper: Keeper,
) -> None:
    keeper.keep_time._chunk_size = 10
    devices = await keeper.homes(30)
    for device in devices:
        keeper.propose(T0 + MINUTE, 1.0, device, wake=False)
    keeper.store.away_after = 2
    keeper.keep_time.expect(T0 + MINUTE)
    await keeper.clock.run_for(MINUTE)
    assert len(keeper.values) == 20
    keeper.store.away_after = None
    keeper.store.scopes.clear()
    await keeper.clock.run_for(timedelta(seconds=5))
    assert len(keeper.values) == 30
    assert [len(scope.devices) for scope in keeper.store.scopes] == [10]


async def test_a_device_that_fails_alone_is_set_aside_by_name_and_the_others_go_on(
    keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    devices = await keeper.homes(20)
    for device in devices:
        keeper.propose(T0 + MINUTE, 1.0, device, wake=False)
    keeper.store.poison = {devices[7]}
    keeper.keep_time.expect(T0 + MINUTE)
    with caplog.at_level(logging.ERROR):
        await keeper.clock.run_for(30 * MINUTE)
    assert len(keeper.values) == 19
    assert [each.getMessage() for each in caplog.records] == [f"{devices[7]} is set aside"]
    assert keeper.observations.set_aside == 1
    (event,) = keeper.store.events
    assert (event.device, event.what) == (devices[7], "set_aside")


async def test_a_device_that_is_set_aside_is_tried_less_and_less_and_taken_up_again(
    keeper: Keeper,
) -> None:
    keeper.store.poison = {BATTERY_ID}
    keeper.propose(T0 + MINUTE, 1.0)
    keeper.store.scopes.clear()
    await keeper.clock.run_for(20 * MINUTE)
    assert 5 < len(keeper.store.scopes) < 20, "it backs off"
    keeper.store.poison = set()
    await keeper.clock.run_for(6 * MINUTE)
    assert keeper.values == [1.0]
    assert [event.what for event in keeper.store.events] == ["set_aside", "taken_up"]
    assert keeper.observations.set_aside == 0


async def test_what_another_process_looks_after_is_left_to_it(keeper: Keeper) -> None:
    other = FakeLeases(keeper.table)
    await other.claim(["gateways/other"])
    (device,) = await keeper.homes(1, GatewayId("other"))
    keeper.propose(T0 + MINUTE, 1.0, device)
    await keeper.clock.run_for(5 * MINUTE)
    assert keeper.values == []
    other.lose_all()
    await eventually(lambda: keeper.shards.holds(device))
    await keeper.clock.run_for(timedelta(0))
    assert keeper.values == [1.0]
    (command,) = keeper.store.commands.values()
    assert command.span.start == T0 + 5 * MINUTE, "it counts from the takeover"


async def test_a_holder_that_was_paused_writes_nothing_late(keeper: Keeper) -> None:
    keeper.store.outdated = {GATEWAY_ID.name}
    keeper.propose(T0 + MINUTE, 1.0)
    await keeper.clock.run_for(2 * MINUTE)
    assert keeper.values == []
    assert keeper.observations.set_aside == 0, "that is no fault of the device"
