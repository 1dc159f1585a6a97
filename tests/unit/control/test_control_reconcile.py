"""Whatever happens in whatever order, a slot ends up under the one command it should."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.control_model import BATTERY_ID
from tests.fakes.control_shards import FakeControl
from tests.fakes.manual_clock import ManualClock
from wattmesh_control.app.draft import Changes
from wattmesh_control.app.keep_time import Turn
from wattmesh_control.app.reconcile import answer_of
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.life import MOVES, CommandState, Reported
from wattmesh_control.domain.limits import Limit, Refused
from wattmesh_control.domain.proposal import Origin, Proposal, arbitrate
from wattmesh_kernel.ids import CommandId, LimitId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange

T0 = datetime(2024, 1, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Slot:
    """A battery under control, in memory."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(T0))

    def __post_init__(self) -> None:
        self.control = FakeControl(clock=self.clock)
        self.store = self.control.store

    async def settle(self) -> Changes:
        if not self.control.model.devices.known:
            await self.control.model.know()
        return await self.turn()

    async def turn(self) -> Changes:
        turn = Turn(devices=frozenset({BATTERY_ID}), fence=())
        return replace((await self.control.unit_of_work(turn)).changes, due=None)

    async def propose(
        self, minutes: float, value: float = 1000.0, priority: int = 10, lead: float = 0
    ) -> None:
        start = self.clock.now() + lead * MINUTE
        self.store.propose(
            Proposal(
                origin=Origin.SCHEDULE if priority == 10 else Origin.OVERRIDE,
                device=BATTERY_ID,
                kind=SetpointKind.ACTIVE_POWER_W,
                owner="planner",
                priority=priority,
                source="plans/p1",
                request_id="r1",
                span=TimeRange(start, start + minutes * MINUTE),
                value=value,
                accept_time=self.clock.now(),
            )
        )

    async def limit(self, low: float, high: float, minutes: float, owner: str = "grid") -> None:
        self.store.limits[LimitId(owner)] = Limit(
            limit=LimitId(owner),
            subject=BATTERY_ID.name,
            owner=owner,
            min_power_w=low,
            max_power_w=high,
            expire_time=self.clock.now() + minutes * MINUTE,
        )

    async def report(self, state: CommandState, command: Command, value: float | None) -> None:
        command = self.store.commands[command.command]
        reported = Reported(state=state, time=self.clock.now(), value=value)
        after = command.advance(reported)
        if after is not command:
            self.store.put(after)

    @property
    def commands(self) -> list[Command]:
        return sorted(self.store.commands.values(), key=lambda each: each.number)


async def test_a_command_counts_from_its_proposals_start_however_long_waking_took() -> None:
    slot = Slot()
    await slot.propose(60, lead=5)
    slot.clock.advance(5 * MINUTE + timedelta(seconds=30))
    changes = await slot.settle()
    assert changes.offers[0].span == TimeRange(T0 + 5 * MINUTE, T0 + 65 * MINUTE)
    assert changes.offers[0].create_time == slot.clock.now()
    assert changes.offers[0].lease_expire_time == T0 + 80 * MINUTE


async def test_a_late_proposal_counts_from_when_it_came() -> None:
    slot = Slot()
    slot.clock.advance(10 * MINUTE)
    await slot.propose(60, lead=-10)
    changes = await slot.settle()
    assert changes.offers[0].span.start == T0 + 10 * MINUTE


async def test_settling_again_changes_nothing() -> None:
    slot = Slot()
    await slot.propose(60)
    await slot.settle()
    assert await slot.settle() == Changes()


async def test_an_override_takes_over_and_the_schedule_resumes_by_a_fresh_command() -> None:
    slot = Slot()
    await slot.propose(60, 1000.0)
    await slot.settle()
    slot.clock.advance(10 * MINUTE)
    await slot.propose(20, -3000.0, priority=100)
    await slot.settle()
    slot.clock.advance(20 * MINUTE)
    await slot.settle()
    assert [each.value for each in slot.commands] == [1000.0, -3000.0, 1000.0]
    assert [each.held.duration / MINUTE for each in slot.commands] == [10, 20, 30]
    assert [each.life.live for each in slot.commands] == [False, False, True]


async def test_a_command_that_failed_is_not_repeated_for_the_same_proposal() -> None:
    slot = Slot()
    await slot.propose(60)
    (command,) = (await slot.settle()).offers
    await slot.report(CommandState.FAILED, command, None)
    assert await slot.settle() == Changes()


async def test_a_schedule_that_runs_out_leaves_an_event_and_no_command() -> None:
    slot = Slot()
    await slot.propose(60)
    (command,) = (await slot.settle()).offers
    await slot.report(CommandState.VERIFIED, command, command.value)
    slot.clock.advance(60 * MINUTE)
    assert await slot.settle() == Changes(), "within its lease the device goes on"
    slot.clock.advance(15 * MINUTE)
    changes = await slot.settle()
    assert changes.moved[0].life.close_time == T0 + 75 * MINUTE
    assert not changes.offers
    assert [event.what for event in slot.store.events] == ["lease_ended"]


async def test_limits_that_contradict_recall_the_command_until_they_are_gone() -> None:
    slot = Slot()
    await slot.propose(60)
    await slot.settle()
    await slot.limit(2000, 3000, 30, "trader")
    await slot.limit(-1000, 500, 30, "grid")
    changes = await slot.settle()
    assert [each.life.state for each in changes.recalls] == [CommandState.CANCELLED]
    assert await slot.settle() == Changes()
    slot.clock.advance(30 * MINUTE)
    changes = await slot.settle()
    assert [each.value for each in changes.offers] == [1000.0]


async def test_limits_that_contradict_from_the_start_are_told_once() -> None:
    slot = Slot()
    await slot.limit(2000, 3000, 90, "trader")
    await slot.limit(-1000, 500, 90, "grid")
    await slot.propose(60)
    changes = await slot.settle()
    assert [each.life.state for each in changes.moved] == [CommandState.REFUSED]
    assert not changes.offers
    assert await slot.settle() == Changes()


async def test_nothing_is_sent_while_the_devices_limits_are_not_known() -> None:
    slot = Slot()
    await slot.propose(60)
    assert await slot.turn() == Changes()


Step: TypeAlias = Callable[[Slot], object]

values = st.sampled_from([-6000.0, -1000.0, 0.0, 1000.0, 3000.0, 6000.0])
minutes = st.sampled_from([10.0, 30.0, 60.0])
steps = st.one_of(
    st.builds(
        lambda m, v, p, lead: lambda slot: slot.propose(m, v, p, lead),
        minutes,
        values,
        st.sampled_from([10, 100, 1000]),
        st.sampled_from([0.0, 10.0, 30.0]),
    ),
    st.builds(
        lambda a, b, m, owner: lambda slot: slot.limit(min(a, b), max(a, b), m, owner),
        values,
        values,
        minutes,
        st.sampled_from(["grid", "trader"]),
    ),
    st.builds(lambda index: lambda slot: _forget(slot, index), st.integers(0, 5)),
    st.builds(
        lambda index, state, value: lambda slot: _answer(slot, index, state, value),
        st.integers(0, 5),
        st.sampled_from([s for s in CommandState if s.value not in ("pending", "dispatched")]),
        st.sampled_from([None, 1000.0]),
    ),
    st.builds(lambda m: lambda slot: _pass(slot, m), st.sampled_from([1.0, 10.0, 30.0, 100.0])),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=12))
def test_a_slot_is_always_under_the_one_command_it_should_be(sequence: list[Step]) -> None:
    asyncio.run(_live_through(sequence))


async def _live_through(sequence: list[Step]) -> None:
    slot = Slot()
    for step in sequence:
        await step(slot)  # type: ignore[misc]
        await slot.settle()
        _check_one_live(slot)
        await _check_last_is_the_winners(slot)
    _check_lives_move_forward(slot)


def _check_one_live(slot: Slot) -> None:
    live = [each for each in slot.commands if each.life.live]
    assert len(live) <= 1
    assert not live or live[0] is slot.commands[-1]
    for each in live:
        assert -5000 <= each.value <= 5000


async def _check_last_is_the_winners(slot: Slot) -> None:
    now = slot.clock.now()
    winner = arbitrate(slot.store.proposals.values(), now)
    live = next((each for each in slot.commands if each.life.live), None)
    if winner is None:
        assert live is None or live.span.end <= now
        return
    limits = [each for each in slot.store.limits.values() if each.in_force(now)]
    devices = slot.control.model.devices
    answer = answer_of(devices, winner.device, winner.kind, winner.value, limits, now)
    if isinstance(answer, Refused):
        assert live is None
        return
    assert slot.commands[-1].proposal == winner.number
    assert slot.commands[-1].value == answer.value


def _check_lives_move_forward(slot: Slot) -> None:
    seen = dict[CommandId, CommandState]()
    for version in slot.store.history:
        before, after = seen.get(version.command), version.life.state
        assert before in (None, after) or after in MOVES[before]
        seen[version.command] = after


async def _forget(slot: Slot, index: int) -> None:
    for number in sorted(slot.store.proposals)[index : index + 1]:
        del slot.store.proposals[number]


async def _answer(slot: Slot, index: int, state: CommandState, value: float | None) -> None:
    for command in slot.commands[::-1][index : index + 1]:
        await slot.report(state, command, value)


async def _pass(slot: Slot, minutes: float) -> None:
    slot.clock.advance(minutes * MINUTE)
