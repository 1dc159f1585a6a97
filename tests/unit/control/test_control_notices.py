"""What another process tells is acted on, and what it could not tell is found all the same."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_events import FakeEventArchive
from tests.fakes.control_meter import FakeCommandArchive
from tests.fakes.control_model import BATTERY_ID, GATEWAY_ID
from tests.fakes.control_shards import FakeControl
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh_control.app.hear_notices import HearNotices, SendLeftOver
from wattmesh_control.app.links import Carry, GatewayLink, TakeBack
from wattmesh_control.app.ports import Gap, Notice
from wattmesh_control.app.read_events import EventBroadcast
from wattmesh_control.app.signal_reserves import SignalReserves
from wattmesh_control.domain.command import Command, Target
from wattmesh_control.domain.life import CommandLife, CommandState
from wattmesh_kernel.errors import Aborted
from wattmesh_kernel.ids import AssetId, CommandId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import cancel_all

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)

LIVE = Command(
    number=1,
    command=CommandId("live"),
    proposal=1,
    request_id="r1",
    device=BATTERY_ID,
    kind=SetpointKind.ACTIVE_POWER_W,
    source="plans/p1",
    owner="planner",
    priority=10,
    requested_value=1.0,
    value=1.0,
    tolerance=1.0,
    span=TimeRange.of(T0, HOUR),
    lease_expire_time=T0 + 1.25 * HOUR,
    target=Target(gateway=GATEWAY_ID, asset=AssetId(BATTERY_ID.site, "battery")),
    create_time=T0,
    life=CommandLife(),
)
WITHDRAWN = replace(
    LIVE,
    number=2,
    command=CommandId("withdrawn"),
    life=CommandLife(state=CommandState.CANCELLED, close_time=T0),
)


class Hearing(FakeControl):
    """A process that hears notices, with one gateway connected."""

    link: GatewayLink


@pytest.fixture
async def hearing() -> AsyncIterator[Hearing]:
    control = Hearing(clock=ManualClock(T0))
    control.link = control.links.attach(GATEWAY_ID)
    control.link.lease = await control.leases.try_acquire(GATEWAY_ID.name)
    hear = HearNotices(
        notices=control.notices,
        archive=FakeCommandArchive(LIVE, WITHDRAWN),
        shards=control.shards,
        links=control.links,
        announce=control.announce,
        broadcast=control.broadcast,
        events=FakeEventArchive(),
        event_broadcast=EventBroadcast(),
        keep_time=control.keep_time,
        signal_reserves=SignalReserves(control.model.devices, control.links, control.notices),
    )
    task = asyncio.create_task(hear())
    yield control
    assert not await cancel_all([task], within_seconds=5)


async def test_what_others_made_for_a_gateway_here_is_sent_and_withdrawn(
    hearing: Hearing,
) -> None:
    hearing.notices.hear(Notice(orders=(LIVE.command, WITHDRAWN.command)))
    assert await hearing.links.waiting(10) == [(hearing.link, [Carry(LIVE), TakeBack(WITHDRAWN)])]


async def test_a_gateway_that_dialled_in_elsewhere_is_let_go(hearing: Hearing) -> None:
    hearing.notices.hear(Notice(wanted=GATEWAY_ID))
    with pytest.raises(Aborted) as failure:
        await hearing.link.until_ended()
    assert failure.value.reason == "STREAM_REPLACED"


async def test_watchers_hear_of_what_others_changed_and_of_gaps(hearing: Hearing) -> None:
    with hearing.broadcast.watch() as watcher:
        hearing.notices.hear(Notice(moved=(LIVE.command,)))
        hearing.notices.hear(Gap())
        assert [await anext(watcher), await anext(watcher)] == [LIVE, Gap()]


async def test_a_command_that_was_left_unsent_is_found_without_a_notice(
    hearing: Hearing,
) -> None:
    archive = FakeCommandArchive(LIVE)
    archive.unsent_commands = [LIVE]
    clock = hearing.clock
    assert isinstance(clock, ManualClock)
    task = asyncio.create_task(SendLeftOver(clock=clock, archive=archive, links=hearing.links)())
    await clock.run_for(timedelta(seconds=20))
    assert await hearing.links.waiting(10) == [(hearing.link, [Carry(LIVE)])], "once"
    assert not await cancel_all([task], within_seconds=5)


async def test_a_new_due_time_elsewhere_wakes_the_timekeeper(hearing: Hearing) -> None:
    hearing.notices.hear(Notice(due=T0 + HOUR))
    await eventually(lambda: hearing.keep_time.next_instant == T0 + HOUR)
