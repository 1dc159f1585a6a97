"""Takes loop policies, keeps them on disk, and runs one loop for each site."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wattmesh_gateway.app.arbiter import Arbiter
from wattmesh_gateway.app.loop.site_loop import SiteLoop
from wattmesh_gateway.app.loop.telling import Telling
from wattmesh_gateway.app.ports import KeptPolicy, LoopDevices, LoopPolicies
from wattmesh_gateway.app.reports import Reports
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import PointId, SiteId
from wattmesh_kernel.loop_policy import LoopPolicy, LoopPolicySet
from wattmesh_kernel.reserve_signal import ReserveSignal
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.containment import Containment
from wattmesh_runtime.aio.tasks import BackgroundTasks, race

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5


@dataclass(slots=True)
class _Running:
    kept: KeptPolicy
    loop: SiteLoop
    telling: Telling
    changed: asyncio.Event
    task: "asyncio.Task[None] | None" = None
    ending: bool = False


class RunLoops:
    """The loops of this gateway's sites.

    A policy is on disk before its loop tells any device anything, and until everything that it
    told has been given back: after a restart what is left of its lease runs on, or it is given
    back then. `clock` is that of readings and policies, `leases` that of commands' leases.
    """

    def __init__(
        self,
        policies: LoopPolicies,
        arbiter: Arbiter,
        devices: LoopDevices,
        reports: Reports,
        clock: Clock,
        leases: Clock,
        background: BackgroundTasks,
        tick_seconds: float = _TICK_SECONDS,
    ) -> None:
        self._policies = policies
        self._arbiter = arbiter
        self._devices = devices
        self._reports = reports
        self._clock = clock
        self._leases = leases
        self._background = background
        self._tick_seconds = tick_seconds
        self._running: dict[SiteId, _Running] = {}
        self._listening: dict[PointId, list[SiteLoop]] = {}
        self._contained = Containment(log, "loops")
        self._issue_time: datetime | None = None

    async def resume(self) -> None:
        """Go on with the policies known from the run before; end what has ended meanwhile."""
        for kept in await self._policies.all():
            self._issue_time = max(self._issue_time or kept.issue_time, kept.issue_time)
            await self._start(kept, doubtful=True)

    async def take(self, policies: LoopPolicySet) -> bool:
        """Run by these policies from now on, and by no others.

        Returns False for ones older than the last, which are passed over.
        """
        if self._issue_time is not None and policies.issue_time < self._issue_time:
            log.warning("loop policies of %s are older than the last", policies.issue_time)
            return False
        now = self._clock.now()
        # A clock of control that was ahead for a while makes no later policy an older one.
        self._issue_time = issued = min(policies.issue_time, now)
        kept = {
            each.site: KeptPolicy(policy=each, issue_time=issued, expire_time=now + each.lease)
            for each in policies.policies
        }
        gone = {
            site: replace(running.kept, issue_time=issued, expire_time=now)
            for site, running in self._running.items()
            if site not in kept
        }
        await self._policies.keep([*kept.values(), *gone.values()])
        for each in (*kept.values(), *gone.values()):
            await self._start(each, doubtful=False)
        return True

    def hear(self, readings: Sequence[Reading]) -> None:
        """Let loops know what was measured, before it is kept anywhere."""
        for reading in readings:
            for loop in self._listening.get(reading.point, ()):
                loop.hear(reading)

    def activate(self, signal: ReserveSignal) -> None:
        """Have a site's loop follow what a reserve asks; a site without one cannot."""
        running = self._running.get(signal.site)
        if running is None or running.ending:
            log.warning("%s has no loop to follow %s", signal.site, signal.reserve)
            return
        running.loop.activate(signal)

    async def _start(self, kept: KeptPolicy, *, doubtful: bool) -> None:
        site = kept.policy.site
        before = self._running.get(site)
        if before is not None and _same(before.kept.policy, kept.policy) and not before.ending:
            before.kept = kept
            before.changed.set()
            return
        if before is not None and not before.ending and before.loop.takes(kept.policy):
            before.kept = kept
            before.loop.renew(kept.policy)
            before.changed.set()
            return
        if before is not None and before.task is not None:
            await self._background.stop(before.task)
        telling = Telling(site, self._reports, self._clock) if before is None else before.telling
        loop = SiteLoop(
            *(kept.policy, self._arbiter, self._devices, telling, self._clock, self._leases),
            tick_seconds=self._tick_seconds,
            doubtful=doubtful,
            before=None if before is None else before.loop,
        )
        running = _Running(kept, loop, telling, asyncio.Event())
        self._running[site] = running
        self._listen()
        running.task = self._background.start(self._run(running, before))

    async def _run(self, running: _Running, before: _Running | None) -> None:
        """Run a loop until its policy is over, then give everything back."""
        site = running.kept.policy.site
        if before is not None:
            self._background.start(before.loop.finish(after=running.loop))
        if self._clock.now() < running.kept.expire_time:
            running.telling.started(_in_words(running.kept.policy))
            await race(self._keep_running(running), self._until_over(running))
        running.ending = True
        running.telling.ended("the policy has ended")
        await running.loop.finish()
        running.telling.given_back()
        await self._policies.forget(site)
        del self._running[site]
        self._listen()

    async def _keep_running(self, running: _Running) -> None:
        """Run a loop again when it fails: a fault of it is its site's, and no other's."""
        backoff = Backoff(most_seconds=5.0)
        while True:
            with self._contained.each(running.kept.policy.site.name):
                await running.loop.run()
            await backoff.wait()

    async def _until_over(self, running: _Running) -> None:
        """Wait for the end of a lease that may be renewed, or cut short."""
        while self._clock.now() < running.kept.expire_time:
            running.changed.clear()
            end = running.kept.expire_time
            await race(running.changed.wait(), self._clock.sleep_until(end))

    def _listen(self) -> None:
        listening: dict[PointId, list[SiteLoop]] = {}
        for running in self._running.values():
            for point in running.loop.points:
                listening.setdefault(point, []).append(running.loop)
        self._listening = listening


def _same(one: LoopPolicy, other: LoopPolicy) -> bool:
    """Return whether policies differ in nothing but their leases."""
    return replace(one, lease=other.lease) == other


def _in_words(policy: LoopPolicy) -> str:
    limits = ", ".join(each.id for each in policy.limits) or "none"
    return f"{len(policy.members)} members; limits: {limits}"
