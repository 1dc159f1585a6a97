"""Runs the loop of one site: decides at every word of the meter, and has its members told."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from wattmesh_gateway.app.arbiter import Arbiter, By, Choice, Slot
from wattmesh_gateway.app.device_edge import ask_readings
from wattmesh_gateway.app.loop.member_writer import MemberWriter
from wattmesh_gateway.app.loop.telling import Telling
from wattmesh_gateway.app.ports import LoopDevices
from wattmesh_gateway.domain.command import Command
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.loop.standing import slot_of
from wattmesh_gateway.domain.loop.state import LoopState
from wattmesh_gateway.domain.loop.verdict import Condition, Verdict, Wish
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId, PointId
from wattmesh_kernel.loop_policy import LoopMember, LoopPolicy
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_runtime.aio.containment import Containment
from wattmesh_runtime.aio.tasks import BackgroundTasks

log = logging.getLogger(__name__)

_SHORTEST_PAUSE_SECONDS = 0.05
"""A meter is not asked more often, however fast the clock is [s of the wall]."""


class SiteLoop:
    """The loop of one site by one policy; another policy is another loop, that takes it over.

    `clock` is that of readings, `leases` that of commands' leases. Without a word of a meter it
    looks every `tick_seconds` of the wall at ramps, and at the age of what it heard. `doubtful`:
    the policy is from before a restart, so nobody knows what devices were told.
    """

    def __init__(
        self,
        policy: LoopPolicy,
        arbiter: Arbiter,
        devices: LoopDevices,
        telling: Telling,
        clock: Clock,
        leases: Clock,
        *,
        tick_seconds: float,
        doubtful: bool,
        before: "SiteLoop | None" = None,
    ) -> None:
        self.policy = policy
        self._arbiter = arbiter
        self._devices = devices
        self._telling = telling
        self._clock = clock
        self._tick_seconds = tick_seconds
        now = clock.now()
        self._state: LoopState = (
            LoopState(policy, now) if before is None else before._state.renewed(policy)
        )
        self._members = {slot_of(each): each for each in _members(policy)}
        self._writers = {
            slot: MemberWriter(
                *(member, arbiter, devices, leases),
                doubtful=doubtful,
                changed=self._look_again,
            )
            for slot, member in self._members.items()
        }
        for slot, writer in self._writers.items():
            if before is not None and slot in before._writers:
                writer.take_over(before._writers[slot])
            else:
                asked_w = self._asked_w(slot)
                self._state.assume(slot, 0.0 if asked_w is None else asked_w, now)
        self._contained = Containment(log, f"the loop of {policy.site}")
        self._verdict = Verdict(condition=Condition.WAITING)
        self._outdated = True
        self._ending = False
        self._wake = asyncio.Event()

    @property
    def points(self) -> frozenset[PointId]:
        """What it listens to."""
        return self._state.points

    def takes(self, policy: LoopPolicy) -> bool:
        """Return whether it can go on by a policy as it runs: meters and members are the same."""
        fixed = (self.policy.meters, self.policy.members, self.policy.island)
        return (policy.meters, policy.members, policy.island) == fixed

    def renew(self, policy: LoopPolicy) -> None:
        """Go on by another policy of the same meters and members; nothing under way is cut off."""
        self.policy = policy
        self._state = self._state.renewed(policy)
        self._look_again()

    def hear(self, reading: Reading) -> None:
        """Take in what a meter or a member says; what nobody can make sense of is passed over."""
        with self._contained.each(f"what {reading.point} says"):
            if self._state.hear(reading, self._clock.now()):
                self._look_again()

    def activate(self, signal: ReserveSignal) -> None:
        """Take what a reserve asks of the site just now."""
        if self._state.activate(signal, self._clock.now()):
            self._look_again()

    def choose(self, slot: Slot, command: Command | None) -> Choice | None:
        """Return what the loop wants of a member; None when it leaves that to the command."""
        if self._ending:
            return None
        if self._outdated:
            self._decide()
        wish = self._verdict.wishes.get(slot)
        return None if wish is None else self._choice(slot, wish, command)

    def asked_changed(self, slot: Slot) -> None:
        """Take note that another command is in force, or none."""
        self._telling.asked(slot, self._arbiter.command(slot))
        self._look_again()

    def begin(self, slot: Slot, choice: Choice) -> None:
        """Take note that a member is being told something."""
        self._state.begin(slot, self._power_w(slot, choice), self._clock.now())

    def end(self, slot: Slot, choice: Choice, error: Exception | None) -> None:
        """Take note that it was, or why not."""
        self._state.end(slot, self._clock.now(), written=error is None)
        self._writers[slot].written(choice, error)
        if error is None:
            power_w = self._power_w(slot, choice)
            self._telling.told(slot, self._arbiter.command(slot), choice, power_w)
        if self._ending:
            self._wake.set()

    def released(self, slot: Slot) -> None:
        """Take note that a member is in its safe state."""
        member = self._members[slot]
        self._state.assume(slot, member.power_w(member.idle_value), self._clock.now())
        self._look_again()

    async def run(self) -> None:
        """Run for ever."""
        async with BackgroundTasks() as background:
            for slot, writer in self._writers.items():
                self._arbiter.steer(slot, self)
                background.start(writer.run())
            for meter in self.policy.meters:
                if meter.sample_interval is not None:
                    background.start(self._sample(meter.device, meter.sample_interval))
            if (island := self.policy.island) is not None and island.sample_interval is not None:
                asked = {island.grid_meter, island.switch.device}
                if island.forming is not None:
                    asked.add(island.forming)
                for device in asked:
                    background.start(self._sample(device, island.sample_interval))
            background.start(self._go_round())
            await background.watch()

    async def finish(self, after: "SiteLoop | None" = None) -> None:
        """Give everything back, but what another loop goes on with; return when that is done.

        A device with a command is told that again, another one is released.
        """
        self._ending = True
        kept = set[Slot]() if after is None else after._members.keys()
        writers = {slot: each for slot, each in self._writers.items() if slot not in kept}
        for slot in writers:
            self._arbiter.steer(slot, self)
        async with BackgroundTasks() as background:
            for writer in writers.values():
                background.start(writer.run())
                writer.nudge()
            while any(writer.holds for writer in writers.values()):
                self._wake.clear()
                await self._wake.wait()
        for slot in writers:
            self._arbiter.let_go(slot, self)

    async def _go_round(self) -> None:
        while True:
            self._wake.clear()
            self._decide()
            if self._verdict.condition is not Condition.WAITING:
                for writer in self._writers.values():
                    writer.nudge()
            try:
                async with asyncio.timeout(self._tick_seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _decide(self) -> None:
        self._outdated = False
        now = self._clock.now()
        asked = {slot: each for slot in self._writers if (each := self._asked_w(slot)) is not None}
        lost = {slot for slot, writer in self._writers.items() if writer.lost}
        self._verdict = self._decided(now, asked, lost)
        self._telling.decided(self._verdict, {slot: self._writers[slot].lost for slot in lost})

    def _decided(self, now: datetime, asked: Mapping[Slot, float], lost: set[Slot]) -> Verdict:
        """Return what to do; where that cannot be found out, as without a meter to be trusted."""
        verdict: Verdict | None = None
        with self._contained.each("its decision"):
            verdict = self._state.decide(now, asked, lost, self._moved(now))
        return self._state.unsure(now, asked, lost) if verdict is None else verdict

    def _moved(self, now: datetime) -> set[Slot]:
        """Return the members whose command is of the owner who says what energy is worth."""
        owner = self._state.owner_at(now)
        commands = {slot: self._arbiter.command(slot) for slot in self._writers if owner}
        return {slot for slot, each in commands.items() if each is not None and each.owner == owner}

    def _look_again(self) -> None:
        self._outdated = True
        self._wake.set()

    def _asked_w(self, slot: Slot) -> float | None:
        """Return the power that a leased command asks of a member [W]; None: there is none."""
        command, member = self._arbiter.command(slot), self._members[slot]
        if command is None:
            return None
        if command.kind is member.kind:
            return member.power_w(command.value)
        if command.kind is SetpointKind.ON_OFF:
            return member.powers_w[1] if command.value else 0.0
        return command.value  # active power, of a member that is told currents

    def _choice(self, slot: Slot, wish: Wish, command: Command | None) -> Choice | None:
        if command is not None and not wish.why:
            return None
        member = self._members[slot]
        return Choice(
            kind=member.kind,
            value=member.value(wish.power_w),
            by=By.SAFE if wish.safe else By.LOOP,
            why=wish.why,
            lease=self.policy.setpoint_lease,
        )

    def _power_w(self, slot: Slot, choice: Choice) -> float:
        if choice.by is By.COMMAND:
            asked_w = self._asked_w(slot)
            return 0.0 if asked_w is None else asked_w
        return self._members[slot].power_w(choice.value)

    async def _sample(self, device: DeviceId, interval: timedelta) -> None:
        """Ask a meter, for ever; what it does not answer grows stale."""
        while True:
            meter = self._devices.readable(device)
            try:
                for reading in [] if meter is None else (await ask_readings(meter))[0]:
                    self.hear(reading)
            except (DeviceUnavailable, DeviceRefused) as error:
                log.debug("%s does not say what it measures: %s", device, error)
            pause = interval.total_seconds() / self._clock.rate
            await asyncio.sleep(max(pause, _SHORTEST_PAUSE_SECONDS))


def _members(policy: LoopPolicy) -> Iterator[LoopMember]:
    """Give all that the loop may tell something; of what is shed and steered, as it is steered."""
    if policy.island is not None:
        yield from policy.island.members
    yield from policy.members
