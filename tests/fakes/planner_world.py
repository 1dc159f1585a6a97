"""The planner's ports, in memory: one home whose parts can be taken away."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from wattmesh_kernel.errors import NotFound, Unavailable
from wattmesh_kernel.ids import AssetId, DeviceId, GroupId, PlanId, SiteId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.tariff import EnergyRates, Tariff, TouPeriod
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.domain.inputs import AssetForecast, MeteredEnergy, PlanInputs
from wattmesh_planner.domain.model import Battery, Generation, Grid, Load, Scope, Site
from wattmesh_planner.domain.plan import (
    DeviceSchedule,
    Plan,
    PlanStatistics,
    SetpointKind,
    Solution,
)
from wattmesh_planner.domain.projection import Setpoint, StateOfCharge

HOUR = timedelta(hours=1)
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
SITE = SiteId("home-1")
BATTERY = Battery(
    id=AssetId(SITE, "battery"),
    device=DeviceId(SITE, "battery"),
    capacity_wh=10_000.0,
    charge_limit_w=5_000.0,
    discharge_limit_w=5_000.0,
    charge_efficiency_ratio=0.9,
    discharge_efficiency_ratio=0.8,
    min_soc_ratio=0.0,
    max_soc_ratio=1.0,
    wear_cost_per_kwh=0.0,
)
HOME = Site(
    id=SITE,
    zone=ZoneInfo("Europe/Berlin"),
    currency_code="EUR",
    tariff=TariffId("tou"),
    carbon_zone=ZoneId("de"),
    grid=Grid(id=AssetId(SITE, "grid"), import_limit_w=None, export_limit_w=None),
    loads=(Load(id=AssetId(SITE, "load")),),
    generation=(
        Generation(id=AssetId(SITE, "pv"), rated_power_w=4_000.0, wind=False, device=None),
    ),
    batteries=(BATTERY,),
)
SCOPE = Scope(id=GroupId("street"), sites=(HOME,), peak_price_per_kw=1.0)
TARIFF = Tariff(
    id=TariffId("tou"),
    currency_code="EUR",
    import_rates=EnergyRates(tou_periods=(TouPeriod(name="all", price_per_kwh=0.3),)),
)


class FakeSites:
    """A catalogue of one group."""

    async def scopes(self) -> tuple[Scope, ...]:
        return (SCOPE,)

    async def tariff(self, tariff: TariffId, span: TimeRange) -> Tariff:
        return TARIFF


class FakeMeter:
    """Constant energies: 500 Wh into and 200 Wh out of every asset per hour."""

    def __init__(self) -> None:
        self.soc: StateOfCharge | None = StateOfCharge(
            measure_time=START - timedelta(minutes=30), soc_ratio=0.5
        )

    async def states_of_charge(self, devices: Sequence[DeviceId]) -> dict[DeviceId, StateOfCharge]:
        return {device: self.soc for device in devices if self.soc is not None}

    async def energy(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, MeteredEnergy]:
        energy = MeteredEnergy(
            import_wh=Series.filled(span, resolution, 500.0),
            export_wh=Series.filled(span, resolution, 200.0),
        )
        return dict.fromkeys(assets, energy)


class FakeForecaster:
    """1 kW everywhere, unless it is away."""

    def __init__(self) -> None:
        self.away = False

    async def forecast(
        self, assets: Sequence[AssetId], span: TimeRange, resolution: timedelta
    ) -> dict[AssetId, AssetForecast]:
        if self.away:
            raise Unavailable("GONE", "no forecast service")
        power = Series.filled(span, resolution, 1_000.0)
        return {asset: AssetForecast(power_w=power, source="model:load/1") for asset in assets}


class FakeIntensities:
    """200 g/kWh, unless it is away."""

    def __init__(self) -> None:
        self.away = False

    async def average(self, zone: ZoneId, span: TimeRange, resolution: timedelta) -> Series:
        if self.away:
            raise Unavailable("GONE", "no carbon service")
        return Series.filled(span, resolution, 200.0)


class FakeOptimizer:
    """Charges with 1 kW for ever; remembers what it was asked. Fails `failures` times first."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[PlanInputs] = []
        self.failures = failures

    async def solve(self, inputs: PlanInputs) -> Solution:
        self.asked.append(inputs)
        if self.failures:
            self.failures -= 1
            raise Unavailable("GONE", "no optimizer")
        setpoints = tuple(
            Setpoint(range=TimeRange.of(start, HOUR), power_w=1_000.0)
            for start in inputs.target.starts(HOUR)
        )
        schedule = DeviceSchedule(
            device=BATTERY.device, kind=SetpointKind.ACTIVE_POWER_W, setpoints=setpoints
        )
        return Solution(schedules=(schedule,), solve_duration_ms=3.0, problem=b"", plan=b"")


class FakeController:
    """Takes everything, unless it is away."""

    def __init__(self) -> None:
        self.submitted: list[PlanId] = []
        self.away = False

    async def submit(self, plan: PlanId, schedules: Sequence[DeviceSchedule]) -> list[str]:
        if self.away:
            raise Unavailable("GONE", "no control")
        self.submitted.append(plan)
        return []


class MemoryPlans:
    """Plans in a dictionary, with the same rules as the database."""

    def __init__(self) -> None:
        self.plans: dict[PlanId, Plan] = {}
        self._triggered: dict[str, PlanId] = {}

    async def save(self, plan: Plan) -> None:
        self.plans[plan.id] = plan

    async def get(self, plan: PlanId) -> Plan:
        if plan not in self.plans:
            raise NotFound("UNKNOWN_PLAN", f"there is no plan {plan}")
        return self.plans[plan]

    async def last_start(self, scope: str) -> datetime | None:
        starts = [
            plan.target.start
            for plan in self.plans.values()
            if plan.accept_time is not None or plan.solution is None
        ]
        return max(starts, default=None)

    async def running(self, scope: str, span: TimeRange) -> list[Plan]:
        found = [
            plan
            for plan in self.plans.values()
            if plan.accept_time is not None and span.contains(plan.target.start)
        ]
        return sorted(found, key=lambda plan: (plan.target.start, plan.issue_time))

    async def attempts(self, scope: str, start: datetime) -> int:
        return sum(plan.target.start == start for plan in self.plans.values())

    async def page(
        self, scope: str, starts: TimeRange | None, limit: int, before: str | None
    ) -> list[Plan]:
        return sorted(self.plans.values(), key=lambda plan: plan.target.start, reverse=True)[:limit]

    async def statistics(self, scope: str, starts: TimeRange | None) -> PlanStatistics:
        made = sum(plan.accept_time is not None for plan in self.plans.values())
        return PlanStatistics(
            made=made, late=0, failed=len(self.plans) - made, solve_p50_ms=None, solve_p99_ms=None
        )

    async def triggered(self, request_id: str) -> PlanId | None:
        return self._triggered.get(request_id)

    async def remember_trigger(self, request_id: str, plan: PlanId) -> None:
        self._triggered[request_id] = plan


class FreeLease:
    """Never lost."""

    async def confirm(self) -> None:
        return


class FreeLeases:
    """Everybody may plan everything."""

    @asynccontextmanager
    async def hold(self, scope: str) -> AsyncIterator[FreeLease | None]:
        yield FreeLease()
