"""A limit says which gateways keep it by themselves, and since when."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.control_gateway import FakeGateway
from tests.fakes.control_metering import ControlMetering, metered_home
from tests.fakes.control_process import HOUR, ControlWorld, eventually
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh_kernel.ids import GroupId, SiteId
from wattmesh_kernel.sites import SiteGroup

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOME = "sites/home-1"
STREET = "groups/street"


@pytest.fixture
def control_metering() -> ControlMetering:
    home = metered_home("home-1", interval=timedelta(seconds=1))
    group = SiteGroup(id=GroupId("street"), sites=(SiteId("home-1"),))
    return ControlMetering(*home, group)


async def told(gateway: FakeGateway, most_w: float) -> None:
    """Wait until the gateway's loop is to keep so much."""

    async def there() -> bool | None:
        sets = gateway.policies[-1].policies if gateway.policies else ()
        bounds = {each.max_import_power_w for policy in sets for each in policy.limits}
        return True if most_w in bounds else None

    await eventually(there)


async def acknowledged(control: ControlWorld, limit: pb.Limit) -> pb.Limit:
    async def there() -> pb.Limit | None:
        found = (await control.stub.GetLimit(pb.GetLimitRequest(name=limit.name))).limit
        return found if found.acknowledgements else None

    return await eventually(there)


async def now(control: ControlWorld, limit: pb.Limit) -> pb.Limit:
    found: pb.Limit = (await control.stub.GetLimit(pb.GetLimitRequest(name=limit.name))).limit
    return found


async def test_a_limit_is_acknowledged_by_the_gateway_that_runs_by_it_until_it_is_changed(
    control: ControlWorld,
) -> None:
    async with control.gateway(loops=True) as gateway:
        limit = await control.limit(None, 4200.0, HOUR, device=HOME)
        await told(gateway, 4200.0)
        assert not (await now(control, limit)).acknowledgements, "told is not taken"

        stream = control.stub.WatchLimits(pb.WatchLimitsRequest(parent="sites/-/devices/-"))
        await stream.read()
        await gateway.take_policies()
        (said,) = (await acknowledged(control, limit)).acknowledgements
        assert (said.gateway, said.site) == ("gateways/local", HOME)
        assert said.acknowledge_time.ToDatetime(UTC) == T0
        while not (news := await stream.read()).limits:
            pass  # a heartbeat
        assert list(news.limits[0].acknowledgements) == [said], "who follows limits hears of it"
        stream.cancel()

        control.clock.advance(MINUTE)
        changed = await control.limit(None, 3000.0, HOUR, device=HOME)
        assert not (await now(control, changed)).acknowledgements, "other terms"
        await told(gateway, 3000.0)
        await gateway.take_policies()
        (said,) = (await acknowledged(control, changed)).acknowledgements
        assert said.acknowledge_time.ToDatetime(UTC) == T0 + MINUTE


async def test_a_groups_limit_is_acknowledged_at_each_site_and_a_devices_by_nobody(
    control: ControlWorld,
) -> None:
    async with control.gateway(loops=True) as gateway:
        of_device = await control.limit(None, 2000.0, HOUR)
        limit = await control.limit(None, 4200.0, HOUR, device=STREET)
        await told(gateway, 4200.0)
        await gateway.take_policies()
        (said,) = (await acknowledged(control, limit)).acknowledgements
        assert (said.gateway, said.site) == ("gateways/local", HOME)
        assert not (await now(control, of_device)).acknowledgements
