"""A simulated site behind a loop: a meter, and members that follow with a delay."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from wattmesh_gateway.domain.loop.standing import Slot, slot_of
from wattmesh_gateway.domain.loop.state import LoopState
from wattmesh_gateway.domain.loop.verdict import Verdict
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import DeviceId, PointId, SiteId
from wattmesh_kernel.loop_policy import (
    LoopLimit,
    LoopMember,
    LoopMeter,
    LoopPolicy,
    Target,
)
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Phase

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SITE = SiteId("home-1")
METER = DeviceId(SITE, "meter")
SECOND = timedelta(seconds=1)

Load = Callable[[float], float]
"""Power of the rest of the site [W] at seconds since the start."""


def device(name: str) -> DeviceId:
    return DeviceId(SITE, name)


def battery(name: str = "battery", power_w: float = 5000.0, **other: object) -> LoopMember:
    return LoopMember(
        device=device(name),
        kind=SetpointKind.ACTIVE_POWER_W,
        min_value=-power_w,
        max_value=power_w,
        **other,  # type: ignore[arg-type]
    )


def charger(name: str = "charger", phase: Phase = Phase.THREE, **other: object) -> LoopMember:
    """Return a charge point of 6 to 16 A."""
    return LoopMember(
        device=device(name),
        kind=SetpointKind.CURRENT_A,
        min_value=0.0,
        max_value=16.0,
        gap=(0.0, 6.0),
        watts_per_unit=230.0 * phase.count,
        phase=phase,
        idle_value=16.0,
        rank=1,
        **other,  # type: ignore[arg-type]
    )


def inverter(name: str = "pv", power_w: float = 10_000.0, **other: object) -> LoopMember:
    return LoopMember(
        device=device(name),
        kind=SetpointKind.GENERATION_LIMIT_W,
        min_value=0.0,
        max_value=power_w,
        watts_per_unit=-1.0,
        idle_value=power_w,
        rank=2,
        **other,  # type: ignore[arg-type]
    )


def policy(
    *members: LoopMember,
    limits: Sequence[LoopLimit] = (),
    target: Target | None = None,
    dead_band_w: float = 50.0,
    settling: timedelta = 2 * SECOND,
    meters: Sequence[str] = ("meter",),
    lease: timedelta = timedelta(hours=1),
) -> LoopPolicy:
    return LoopPolicy(
        site=SITE,
        lease=lease,
        meters=tuple(LoopMeter(device=device(each)) for each in meters),
        members=members,
        limits=tuple(limits),
        target=target,
        dead_band_w=dead_band_w,
        settling=settling,
    )


def shows(
    power_w: float,
    at: datetime,
    meter: DeviceId = METER,
    quantity: str = "active_power_w",
) -> Reading:
    return Reading(point=PointId(meter, quantity), measure_time=at, value=power_w)


@dataclass
class Plant:
    """Runs a loop against members that do what they were told after `delay`, at once or slowly.

    `follows`: a member that follows by this share only. `powers` keeps (seconds, meter, told).
    """

    state: LoopState
    load: Load
    delay: timedelta = timedelta(0)
    meter_interval: timedelta = SECOND
    meter_delay: timedelta = timedelta(0)
    asked: dict[Slot, float] = field(default_factory=dict)
    lost: set[Slot] = field(default_factory=set)
    moved: set[Slot] = field(default_factory=set)
    follows: dict[Slot, float] = field(default_factory=dict)
    now: datetime = START
    writes: int = 0
    meter_w: list[tuple[float, float]] = field(default_factory=list)
    verdict: Verdict | None = None
    _told: dict[Slot, list[tuple[datetime, float]]] = field(default_factory=dict)

    def power_w(self, slot: Slot, at: datetime) -> float:
        """Return what a member draws [W]."""
        past = [(when, w) for when, w in self._told.get(slot, []) if when + self.delay <= at]
        return (past[-1][1] if past else 0.0) * self.follows.get(slot, 1.0)

    def total_w(self, at: datetime) -> float:
        """Return what flows at the connection [W]."""
        members = sum(self.power_w(slot, at) for slot in self._told)
        return self.load((at - START).total_seconds()) + members

    def told_w(self) -> Mapping[Slot, float]:
        """Return what members were told last."""
        return {slot: told[-1][1] for slot, told in self._told.items()}

    def run(self, seconds: float, *, step: timedelta = timedelta(milliseconds=100)) -> None:
        """Let time pass: the meter speaks at its interval, the loop decides at every word."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += step
            since = self.now - self.meter_delay - START
            self.meter_w.append(((self.now - START).total_seconds(), self.total_w(self.now)))
            if since % self.meter_interval < step:
                measured = self.now - self.meter_delay
                self.state.hear(shows(self.total_w(measured), measured), self.now)
            self.decide()

    def decide(self) -> None:
        self.verdict = self.state.decide(self.now, self.asked, self.lost, self.moved)
        for slot, wish in self.verdict.wishes.items():
            if slot not in self.lost and abs(wish.power_w - self.state.told_w(slot)) > 1e-6:
                self.tell(slot, wish.power_w)

    def tell(self, slot: Slot, power_w: float) -> None:
        self.writes += 1
        self.state.begin(slot, power_w, self.now)
        self.state.end(slot, self.now)
        self._told.setdefault(slot, []).append((self.now, power_w))

    def since(self, seconds: float) -> list[float]:
        """Return what flowed at the connection from then on [W]."""
        return [power_w for at, power_w in self.meter_w if at >= seconds]


def plant(made: LoopPolicy, load: Load, **other: object) -> Plant:
    return Plant(LoopState(made, START), load, **other)  # type: ignore[arg-type]


def slots(made: LoopPolicy) -> list[Slot]:
    return [slot_of(each) for each in made.members]
