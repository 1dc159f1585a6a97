"""A limit of a site or a group binds what can be steered there, together."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_metering import ControlMetering, home
from tests.fakes.control_model import device
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld, eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.type.v1 import electrical_pb2, setpoint_pb2
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_control.adapters.postgres_proposals import PostgresConductors
from wattmesh_kernel.ids import AssetId, DeviceId, GroupId, SiteId
from wattmesh_kernel.sites import Asset, DeviceFunction, EvChargerRating, Phase, SiteGroup
from wattmesh_runtime.database import Database

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOME = "sites/home-1"
STREET = "groups/street"
OTHER = "sites/home-2/devices/battery"
INVERTER = "sites/home-1/devices/inverter"


@pytest.fixture
def control_metering() -> ControlMetering:
    sites = (SiteId("home-1"), SiteId("home-2"))
    resources = [each for site in sites for each in home(site.segment)]
    return ControlMetering(*resources, SiteGroup(id=GroupId("street"), sites=sites))


def rest(control: ControlWorld, power_w: float) -> None:
    """Let the home draw so much beside its battery and its sun, by the meters."""
    control.metering.net_power_w |= {
        f"{HOME}/assets/grid": power_w,
        f"{HOME}/assets/battery": 0.0,
        f"{HOME}/assets/pv": 0.0,
    }


async def live(control: ControlWorld, device: str) -> pb.Command:
    listed = await control.stub.ListCommands(pb.ListCommandsRequest(parent=device, page_size=1))
    newest: pb.Command = listed.commands[0]
    return newest


async def told(control: ControlWorld, device: str, value: float) -> pb.Command:
    """Wait until the newest command of a device asks for a value."""

    async def there() -> pb.Command | None:
        found = await live(control, device)
        return found if found.value == pytest.approx(value) else None

    return await eventually(there)


async def conductors(control: ControlWorld) -> Mapping[DeviceId, Phase]:
    """Return what loops of gateways are told of conductors."""
    async with Database(control.database_url, "control", max_size=1) as database:
        return await PostgresConductors(database).fewer(control.clock.now())


async def test_a_sites_limit_leaves_its_devices_what_the_rest_does_not_need(
    control: ControlWorld,
) -> None:
    rest(control, 1500.0)
    async with control.gateway() as gateway:
        await control.submit(T0, [4000.0])
        await gateway.dispatched(1)
        limit = await control.limit(None, 5000.0, HOUR, device=HOME)
        found = await control.stub.GetLimit(pb.GetLimitRequest(name=limit.name))
        assert found.limit == limit
        clamped = await told(control, BATTERY, 3500.0)
        assert (clamped.requested_value, clamped.message) == (
            4000.0,
            "4000 W asked, its share of the limit of grid-operator (a test) on sites/home-1"
            " allows at most 3500 W",
        )
        rest(control, 3000.0)
        control.clock.advance(MINUTE)
        await told(control, BATTERY, 2000.0)
        await control.stub.DeleteLimit(pb.DeleteLimitRequest(name=limit.name))
        await told(control, BATTERY, 4000.0)


async def test_a_site_whose_sun_exports_too_much_is_curtailed_though_nobody_steers_it(
    control: ControlWorld,
) -> None:
    async with control.gateway() as gateway:
        await control.limit(-1000.0, None, HOUR, device=HOME)
        (dispatch,) = await gateway.dispatched(1)
        assert (dispatch.device, dispatch.value) == (INVERTER, 1000.0)
        assert dispatch.kind == setpoint_pb2.SETPOINT_KIND_GENERATION_LIMIT_W


async def test_a_limit_of_a_group_is_shared_alike_and_goes_to_who_needs_it(
    control: ControlWorld,
) -> None:
    async with control.gateway():
        await control.submit(T0, [4000.0, 4000.0])
        await control.submit(T0, [4000.0, 500.0], device=OTHER)
        limit = await control.limit(None, 6000.0, 2 * HOUR, device=STREET)
        await told(control, BATTERY, 3000.0)
        await told(control, OTHER, 3000.0)
        control.clock.set(T0 + HOUR)
        await told(control, OTHER, 500.0)
        await told(control, BATTERY, 4000.0)
        listed = await control.stub.ListLimits(pb.ListLimitsRequest(parent="sites/-/devices/-"))
        assert list(listed.limits) == [limit], "shares are nobody's limits"


async def test_a_persons_command_goes_before_a_plan_under_a_common_limit(
    control: ControlWorld,
) -> None:
    async with control.gateway():
        await control.submit(T0, [4000.0], device=OTHER)
        await control.limit(None, 6000.0, 2 * HOUR, device=STREET)
        issued = await control.override(4000.0, HOUR)
        assert issued.command.value <= 4000.0
        await told(control, BATTERY, 4000.0)
        await told(control, OTHER, 2000.0)


async def test_limits_of_several_owners_on_one_site_intersect_and_end_by_themselves(
    control: ControlWorld, control_clock: ManualClock
) -> None:
    async with control.gateway():
        await control.submit(T0, [4000.0])
        await control.limit(None, 3000.0, 20 * MINUTE, device=HOME)
        await told(control, BATTERY, 3000.0)
        await control.limit(None, 2000.0, 10 * MINUTE, device=HOME, owner="fuse")
        await told(control, BATTERY, 2000.0)
        control_clock.set(T0 + 10 * MINUTE)
        await told(control, BATTERY, 3000.0)
        control_clock.set(T0 + 20 * MINUTE)
        await told(control, BATTERY, 4000.0)


async def test_a_limit_of_conductors_alone_is_kept_and_told(control: ControlWorld) -> None:
    given = pb.Limit(
        subject=HOME,
        owner="grid-operator",
        max_phase_power_w=3500.0,
        min_phase_power_w=-2000.0,
        expire_time=timestamp_to_proto(T0 + HOUR),
    )
    put = (await control.stub.SetLimit(pb.SetLimitRequest(limit=given))).limit
    kept = (await control.stub.GetLimit(pb.GetLimitRequest(name=put.name))).limit

    assert kept == put
    assert (kept.min_phase_power_w, kept.max_phase_power_w) == (-2000.0, 3500.0)
    assert not kept.HasField("max_power_w")


async def test_a_vehicle_on_one_conductor_leaves_others_what_it_cannot_take(
    control: ControlWorld,
) -> None:
    """16 A on one conductor are 3,680 W: with 690 W an ampere the battery had almost nothing."""
    site = SiteId("home-1")
    point, charger = AssetId(site, "point"), DeviceId(site, "charger")
    rating = EvChargerRating(max_current_a=16.0, min_current_a=6.0)
    takes_power = DeviceFunction(asset=point, controls=True)
    control.metering.change(Asset(id=point, rating=rating), device(charger, takes_power))
    rest(control, 500.0)
    async with control.gateway():
        await control.submit(T0, [4000.0])
        await control.limit(None, 8500.0, HOUR, device=HOME)
        await control.submit_current(T0, [16.0], charger.name, phase=electrical_pb2.PHASE_L2)
        await told(control, charger.name, 16.0)
        await told(control, BATTERY, 4000.0)
        assert await conductors(control) == {charger: Phase.L2}
        await control.submit_current(T0, [16.0], charger.name)
        await told(control, BATTERY, 8000.0 * 4000.0 / 15_040.0)
        assert await conductors(control) == {}
