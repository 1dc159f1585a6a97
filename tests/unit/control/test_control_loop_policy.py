"""What gateways may do by themselves follows from the site model and from owners' limits."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_model import BATTERY_ID, GATEWAY_ID, SITE, FakeModel, battery_asset
from tests.fakes.control_observations import FakeObservations
from tests.fakes.leases import FakeLeases
from tests.fakes.manual_clock import ManualClock
from wattmesh_control.app.links import GatewayLink, GatewayLinks
from wattmesh_control.app.loop_policies import IssueLoopPolicies
from wattmesh_control.app.read_holds import DeviceWord, HoldRecord
from wattmesh_control.domain.exchange import StandingExchange
from wattmesh_control.domain.hold import HeldSetpoint, Hold, HoldKind
from wattmesh_control.domain.limits import Acknowledgement, Limit
from wattmesh_control.domain.loop_policy import LoopRule, loop_policies
from wattmesh_control.domain.setpoint import DeviceFilter
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, HoldId, LimitId, SiteId
from wattmesh_kernel.loop_policy import LoopPolicy, LoopPolicySet
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Asset,
    Device,
    DeviceFunction,
    EvChargerRating,
    GridConnectionRating,
    MeterRole,
    ModbusTcpConnection,
    MqttConnection,
    Phase,
    PvRating,
    Rating,
    SiteModel,
    SiteModelChange,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
METER = DeviceId(SITE, "meter")
POWERS = frozenset({"active_power_w"})
PHASES = POWERS | {f"active_power_l{number}_w" for number in (1, 2, 3)}


def asset(name: str, rating: Rating, phase: Phase = Phase.THREE) -> Asset:
    return Asset(id=AssetId(SITE, name), rating=rating, phase=phase)


def connection(**limits: float) -> Asset:
    return asset("grid", GridConnectionRating(**limits))


def meter(
    name: str = "meter",
    role: MeterRole = MeterRole.MAIN,
    interval: timedelta = timedelta(seconds=1),
    gateway: GatewayId = GATEWAY_ID,
    points: frozenset[str] = POWERS,
    *,
    modbus: bool = False,
) -> Device:
    return Device(
        id=DeviceId(SITE, name),
        profile="a-meter",
        gateway=gateway,
        connection=ModbusTcpConnection(host="h") if modbus else MqttConnection(address="a"),
        reporting_interval=interval,
        points=points,
        functions=(DeviceFunction(asset=AssetId(SITE, "grid"), meter_role=role),),
    )


def steered(name: str) -> Device:
    function = DeviceFunction(asset=AssetId(SITE, name), controls=True)
    return replace(meter(name), functions=(function,))


def model(*resources: Asset | Device) -> SiteModel:
    return SiteModel().apply(SiteModelChange(revision=1, snapshot=True, changed=resources))


def policies(*resources: Asset | Device, limits: tuple[Limit, ...] = ()) -> tuple[LoopPolicy, ...]:
    return loop_policies(model(*resources), GATEWAY_ID, limits, NOW, LoopRule())


LIMITED = connection(max_import_power_w=8000.0, max_export_power_w=4000.0)
STORED = (battery_asset(), steered("battery"))


def limit(min_power_w: float | None = None, max_power_w: float | None = None) -> Limit:
    return Limit(
        limit=LimitId("l"),
        subject=BATTERY_ID.name,
        owner="operator",
        expire_time=NOW + timedelta(hours=1),
        min_power_w=min_power_w,
        max_power_w=max_power_w,
    )


def test_a_connection_with_a_limit_is_guarded_by_its_battery() -> None:
    (policy,) = policies(LIMITED, meter(), *STORED)
    (bound,) = policy.limits
    (member,) = policy.members
    assert (bound.max_import_power_w, bound.max_export_power_w) == (8000.0, 4000.0)
    assert (member.device, member.kind) == (BATTERY_ID, SetpointKind.ACTIVE_POWER_W)
    assert (member.min_value, member.max_value, member.safe_value) == (-5000.0, 5000.0, 0.0)
    assert [each.device for each in policy.meters] == [METER]


def test_without_a_limit_a_meter_or_anything_to_steer_there_is_nothing_to_do() -> None:
    assert policies(connection(), meter(), *STORED) == ()
    assert policies(LIMITED, *STORED) == ()
    assert policies(LIMITED, meter()) == ()


def test_a_meter_that_speaks_too_seldom_or_elsewhere_guards_nothing() -> None:
    assert policies(LIMITED, meter(interval=timedelta(minutes=15)), *STORED) == ()
    assert policies(LIMITED, meter(gateway=GatewayId("other")), *STORED) == ()


def test_a_meter_that_answers_is_asked_however_seldom_it_is_polled() -> None:
    (policy,) = policies(LIMITED, meter(interval=timedelta(minutes=15), modbus=True), *STORED)
    assert policy.meters[0].sample_interval == timedelta(seconds=1)


def test_a_check_meter_is_second() -> None:
    check = meter("a-check", MeterRole.CHECK)
    (policy,) = policies(LIMITED, check, meter(), *STORED)
    assert [each.device.segment for each in policy.meters] == ["meter", "a-check"]


def test_conductors_are_guarded_when_the_meter_shows_them() -> None:
    phased = connection(max_phase_import_power_w=4000.0)
    assert policies(phased, meter(), *STORED) == ()
    (policy,) = policies(phased, meter(points=PHASES), *STORED)
    assert [each.phase for each in policy.limits] == [Phase.L1, Phase.L2, Phase.L3]


def test_what_an_owner_allows_each_conductor_is_guarded_where_the_meter_shows_them() -> None:
    phased = Limit(
        limit=LimitId("l"),
        subject=SITE.name,
        owner="operator",
        expire_time=NOW + timedelta(hours=1),
        max_power_w=9000.0,
        min_phase_power_w=-2000.0,
        max_phase_power_w=3500.0,
    )
    (policy,) = policies(connection(), meter(points=PHASES), *STORED, limits=(phased,))
    assert [
        (each.phase, each.max_import_power_w, each.max_export_power_w) for each in policy.limits
    ] == [
        (Phase.THREE, 9000.0, None),
        *((phase, 3500.0, 2000.0) for phase in (Phase.L1, Phase.L2, Phase.L3)),
    ]
    assert len({each.id for each in policy.limits}) == 4
    (policy,) = policies(connection(), meter(), *STORED, limits=(phased,))
    assert [each.phase for each in policy.limits] == [Phase.THREE]


def test_a_device_has_no_limits_of_conductors() -> None:
    phased = replace(limit(max_power_w=1.0), subject="groups/street", max_phase_power_w=100.0)
    with pytest.raises(InvalidArgument, match="INVALID_LIMIT"):
        replace(phased, subject=BATTERY_ID.name)


def test_a_battery_serves_before_vehicles_wait_and_generation_is_given_up() -> None:
    charger = asset("charger", EvChargerRating(max_current_a=16.0, min_current_a=6.0), Phase.L2)
    sun = asset("pv", PvRating(peak_power_w=10_000.0, curtailable=True))
    (policy,) = policies(LIMITED, meter(), *STORED, charger, steered("charger"), sun, steered("pv"))
    battery, vehicle, generation = sorted(policy.members, key=lambda each: each.rank)
    assert (battery.kind, vehicle.kind) == (SetpointKind.ACTIVE_POWER_W, SetpointKind.CURRENT_A)
    assert (vehicle.gap, vehicle.watts_per_unit, vehicle.phase) == ((0.0, 6.0), 230.0, Phase.L2)
    assert (vehicle.safe_value, vehicle.idle_value) == (0.0, 16.0)
    assert (generation.safe_value, generation.idle_value) == (4000.0, 10_000.0)


def test_an_ampere_of_a_vehicle_on_one_conductor_is_a_third_of_the_power() -> None:
    rating = EvChargerRating(max_current_a=16.0, min_current_a=6.0)
    resources = (LIMITED, meter(), asset("charger", rating), steered("charger"))
    narrow = {DeviceId(SITE, "charger"): Phase.L1}
    (member,) = policies(*resources)[0].members
    assert (member.watts_per_unit, member.phase) == (690.0, Phase.THREE)
    (policy,) = loop_policies(model(*resources), GATEWAY_ID, (), NOW, LoopRule(), conductors=narrow)
    (member,) = policy.members
    assert (member.watts_per_unit, member.phase, member.max_value) == (230.0, Phase.L1, 16.0)


def test_a_charge_point_that_takes_power_alone_is_told_power() -> None:
    rating = EvChargerRating(max_current_a=16.0, min_current_a=6.0)
    taker = steered("charger")
    power = frozenset({SetpointKind.ACTIVE_POWER_W})
    taker = replace(taker, functions=(replace(taker.functions[0], setpoint_kinds=power),))
    (policy,) = policies(LIMITED, meter(), asset("charger", rating), taker)
    (member,) = policy.members
    assert (member.kind, member.idle_value) == (SetpointKind.ACTIVE_POWER_W, 11_040.0)


def test_an_owners_limit_bounds_what_the_loop_may_do_too() -> None:
    (policy,) = policies(LIMITED, meter(), *STORED, limits=(limit(min_power_w=-1000.0),))
    assert policy.members[0].min_value == -1000.0
    forced = limit(min_power_w=2000.0)
    (policy,) = policies(LIMITED, meter(), *STORED, limits=(forced,))
    assert (policy.members[0].safe_value, policy.members[0].idle_value) == (2000.0, 2000.0)


class FakeLimits:
    def __init__(self) -> None:
        self.limits: list[Limit] = []

    async def get(self, limit: LimitId, now: datetime) -> Limit | None:
        return None

    async def page(
        self, devices: DeviceFilter, now: datetime, after: str, size: int
    ) -> list[Limit]:
        return self.limits if not after else []

    async def shared(self, now: datetime) -> list[Limit]:
        return []


async def test_a_gateway_is_told_at_once_when_it_changes_and_before_the_lease_ends() -> None:
    clock, known, limits = ManualClock(NOW), FakeModel(), FakeLimits()
    holds = FakeHolds()
    await known.take(LIMITED, meter(), *STORED)
    links = GatewayLinks(FakeObservations())
    link, old = links.attach(GATEWAY_ID), links.attach(GatewayId("old"))
    leases = FakeLeases()
    link.lease = await leases.try_acquire("one")
    old.lease = await leases.try_acquire("two")
    link.takes_loop_policies = True
    issue = IssueLoopPolicies(
        clock=clock,
        links=links,
        devices=known.devices,
        limits=limits,
        holds=holds,
        exchanges=FakeExchanges(),
        conductors=FakeConductors(),
        acknowledgements=FakeAcknowledgements(),
        rule=LoopRule(lease=timedelta(hours=4)),
        look_seconds=0.005,
    )
    running = asyncio.create_task(issue())
    first = await _next(link)
    assert [each.site for each in first.policies] == [SITE]
    limits.limits = [limit(max_power_w=1000.0)]
    assert (await _next(link)).policies[0].members[0].max_value == 1000.0
    holds.holds = [held(HoldKind.STOP)]
    assert (await _next(link)).policies == (), "no loop steers what was stopped"
    holds.holds = [held(HoldKind.SETPOINT)]
    assert len((await _next(link)).policies) == 1
    clock.advance(timedelta(minutes=59))
    assert await _silent(link)
    clock.advance(timedelta(minutes=1))
    assert len((await _next(link)).policies) == 1
    await known.take(connection())
    assert (await _next(link)).policies == ()
    assert await _silent(old)
    running.cancel()


class FakeExchanges:
    """ExchangeArchive: nobody counts on anything."""

    async def newest(self) -> int:
        return 0

    async def standing(
        self, sites: Collection[SiteId], now: datetime
    ) -> Sequence[StandingExchange]:
        return ()


class FakeAcknowledgements:
    """Acknowledgements: keeps none."""

    async def put(self, limits: Collection[tuple[Limit, Acknowledgement]]) -> None:
        raise AssertionError("no gateway said a word")


class FakeConductors:
    """ConductorArchive: everything flows in all that its device has."""

    async def fewer(self, now: datetime) -> Mapping[DeviceId, Phase]:
        return {}


class FakeHolds:
    """HoldArchive: what is in force."""

    def __init__(self) -> None:
        self.holds: list[Hold] = []

    async def get(self, hold: HoldId) -> Hold | None:
        return next((each for each in self.holds if each.hold == hold), None)

    async def page(
        self, subject: str | None, now: datetime, before: int | None, size: int, *, ended: bool
    ) -> list[HoldRecord]:
        return [HoldRecord(number=1, hold=each) for each in self.holds]

    async def words(self, devices: Collection[DeviceId]) -> dict[DeviceId, DeviceWord]:
        return {device: DeviceWord() for device in devices}


def held(kind: HoldKind) -> Hold:
    setpoint = HeldSetpoint(kind=SetpointKind.ACTIVE_POWER_W, value=0.0)
    keeps = kind is HoldKind.SETPOINT
    return Hold(
        hold=HoldId("h1"),
        subject=BATTERY_ID.name if keeps else SITE.name,
        kind=kind,
        owner="somebody",
        reason="smoke",
        create_time=NOW,
        expire_time=NOW + timedelta(days=1) if keeps else None,
        setpoint=setpoint if keeps else None,
    )


async def _next(link: GatewayLink) -> LoopPolicySet:
    async with asyncio.timeout(5):
        said = await link.next_order()
    assert isinstance(said, LoopPolicySet)
    return said


async def _silent(link: GatewayLink) -> bool:
    try:
        async with asyncio.timeout(0.05):
            await link.next_order()
    except TimeoutError:
        return True
    return False
