"""The planner on fakes: everything that a test takes away, breaks or looks at in one place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.eventually import eventually
from tests.fakes.leases import FakeLeases, LeaseTable
from tests.fakes.manual_clock import ManualClock
from tests.fakes.planner_controller import FakeController
from tests.fakes.planner_energy_meter import FakeEnergyMeter
from tests.fakes.planner_forecaster import FakeForecaster
from tests.fakes.planner_home import DYNAMIC, HOME, HOUR, START, TARIFF, home
from tests.fakes.planner_intensities import FakeIntensities
from tests.fakes.planner_optimizer import FakeOptimizer
from tests.fakes.planner_outlooks import FakeOutlooks
from tests.fakes.planner_plans import MemoryPlans
from tests.fakes.planner_sessions import FakeSessions
from tests.fakes.planner_state_meter import FakeStateMeter
from tests.fakes.planner_tariffs import FakeTariffs
from tests.fakes.planner_usage_changes import FakeUsageChanges
from tests.fakes.planner_wishes import FakeWishes
from wattmesh_kernel.sites import Resource, SiteModelChange
from wattmesh_planner.app.energies import Energies
from wattmesh_planner.app.facts.billing import BillingFacts
from wattmesh_planner.app.facts.carbon import CarbonFacts
from wattmesh_planner.app.facts.exchange import ExchangeFacts
from wattmesh_planner.app.facts.forecast import ForecastFacts
from wattmesh_planner.app.facts.outlooks import OutlookFacts
from wattmesh_planner.app.facts.peak import PeakFacts
from wattmesh_planner.app.facts.sessions import SessionFacts
from wattmesh_planner.app.facts.state import StateFacts
from wattmesh_planner.app.facts.tariff import TariffFacts
from wattmesh_planner.app.facts.wishes import WishFacts
from wattmesh_planner.app.gather_facts import GatherFacts, Topics
from wattmesh_planner.app.make_plan import MakePlan
from wattmesh_planner.app.plan_scopes import PlanScopes
from wattmesh_planner.app.prompts import Prompts
from wattmesh_planner.app.query_plans import QueryPlans
from wattmesh_planner.app.query_scopes import QueryScopes
from wattmesh_planner.app.report_runs import ReportRuns
from wattmesh_planner.app.told_setpoints import ToldSetpoints
from wattmesh_planner.app.trigger_plan import TriggerPlan
from wattmesh_planner.domain.inputs import PlanInputs
from wattmesh_planner.domain.kinds.kind import AgeLimits, Reading
from wattmesh_planner.domain.model import Scope, ScopeId
from wattmesh_planner.domain.plan import Plan
from wattmesh_planner.domain.scopes import scope_of
from wattmesh_planner.domain.timing import Rhythm
from wattmesh_runtime.aio.broadcast import Broadcast
from wattmesh_runtime.aio.tasks import BackgroundTasks, cancel_until_ended
from wattmesh_sitemodel.view import SiteModelView

LEAD = timedelta(minutes=5)
RHYTHM = Rhythm(resolution=HOUR, horizon=24 * HOUR, lead=LEAD)


@dataclass(kw_only=True)
class PlannerWorld:
    """One planner process; several share `plans` and a `table` of leases."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START - LEAD))
    meter: FakeStateMeter = field(
        default_factory=lambda: FakeStateMeter(
            Reading(measure_time=START - timedelta(minutes=30), value=0.5)
        )
    )
    energies: FakeEnergyMeter = field(default_factory=FakeEnergyMeter)
    forecaster: FakeForecaster = field(default_factory=FakeForecaster)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    outlooks: FakeOutlooks = field(default_factory=FakeOutlooks)
    wishes: FakeWishes = field(default_factory=FakeWishes)
    changes: FakeUsageChanges = field(default_factory=FakeUsageChanges)
    tariffs: FakeTariffs = field(default_factory=FakeTariffs)
    intensities: FakeIntensities = field(default_factory=FakeIntensities)
    optimizer: FakeOptimizer = field(default_factory=FakeOptimizer)
    controller: FakeController = field(default_factory=FakeController)
    plans: MemoryPlans = field(default_factory=MemoryPlans)
    table: LeaseTable = field(default_factory=LeaseTable)
    rhythm: Rhythm = RHYTHM

    def __post_init__(self) -> None:
        self.view = SiteModelView(self.clock)
        self.leases = FakeLeases(self.table)
        self.background = BackgroundTasks()
        self.made: Broadcast[Plan] = Broadcast()
        self.told = ToldSetpoints(self.plans)
        self.topics = self._topics()
        self.gather = GatherFacts(self.clock, self.topics, self.told, self.rhythm)
        self.make_plan = MakePlan(
            clock=self.clock,
            gather=self.gather,
            optimizer=self.optimizer,
            controller=self.controller,
            plans=self.plans,
            told=self.told,
            made=self.made,
            rhythm=self.rhythm,
            report_runs=ReportRuns(self.wishes),
        )
        self.trigger = TriggerPlan(
            clock=self.clock,
            view=self.view,
            plans=self.plans,
            make_plan=self.make_plan,
            rhythm=self.rhythm,
        )
        self.query_plans = QueryPlans(self.plans, self.made)
        self.query_scopes = QueryScopes(self.clock, self.view, self.plans, self.plans)
        self.prompts = Prompts(self.changes)
        self.loop = PlanScopes(
            clock=self.clock,
            view=self.view,
            tariffs=self.topics.tariff,
            make_plan=self.make_plan,
            plans=self.plans,
            told=self.told,
            leases=self.leases,
            rhythm=self.rhythm,
            prompts=self.prompts,
            poll_seconds=0.02,
        )

    @property
    def asked(self) -> PlanInputs:
        """What the optimizer was asked last."""
        return self.optimizer.asked[-1]

    async def knows(self, *resources: Resource) -> None:
        """Make the site model that of these, and the two tariffs."""
        await self.view.take(
            SiteModelChange(
                revision=self.view.model.revision + 1,
                snapshot=True,
                changed=(TARIFF, DYNAMIC, *resources),
            )
        )

    def scope(self, scope: ScopeId = HOME) -> Scope:
        found = scope_of(self.view.model, scope, self.clock.now())
        assert found is not None
        return found

    async def plan(self, scope: ScopeId = HOME) -> Plan:
        """Make the plan from START on."""
        return await self.make_plan(self.scope(scope), START)

    @asynccontextmanager
    async def planning(self) -> AsyncIterator[None]:
        """Run the loop."""
        loop = asyncio.create_task(self.loop.run())
        try:
            yield
        finally:
            await cancel_until_ended(loop)

    async def pass_time(self, duration: timedelta, step: timedelta = timedelta(minutes=1)) -> None:
        """Move the clock on in steps; each begins when what the one before woke is asleep again."""
        await asyncio.sleep(0.05)
        end, sleeping = self.clock.now() + duration, self.clock.sleeping
        while self.clock.now() < end:
            self.clock.advance(step)
            await eventually(lambda: self.clock.sleeping >= sleeping, seconds=5)

    def _topics(self) -> Topics:
        clock, hour, background = self.clock, self.rhythm.resolution, self.background
        energies = Energies(self.energies, hour, background)
        return Topics(
            state=StateFacts(clock, self.meter, AgeLimits(), hour, background),
            sessions=SessionFacts(clock, self.sessions),
            outlooks=OutlookFacts(clock, self.outlooks, self.rhythm, 30.0, background),
            wishes=WishFacts(clock, self.wishes, energies, hour),
            tariff=TariffFacts(clock, self.view, self.tariffs, hour, background),
            forecast=ForecastFacts(clock, self.forecaster, energies, self.rhythm, 30.0, background),
            carbon=CarbonFacts(self.intensities, hour, background),
            billing=BillingFacts(clock, self.view, energies, hour),
            peak=PeakFacts(clock, energies, hour),
            exchange=ExchangeFacts(clock, energies, hour),
        )


async def world_of_a_home(*more: Resource) -> PlannerWorld:
    """A planner that knows one home."""
    world = PlannerWorld()
    await world.knows(*home(), *more)
    return world
