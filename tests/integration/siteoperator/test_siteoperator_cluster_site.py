"""The site that is tried on a real cluster, without one: what the caller finds is what it says."""

import grpc

from tests.cluster.caller import registered
from tests.cluster.site_resource import NAME, site, summary, summary_of
from tests.fakes.metering_world import metering_world
from tests.fakes.site_operator import judged, site_operator
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.settings import ServiceSettings
from wattmesh_runtime.telemetry import Telemetry


class OneChannel(Runtime):
    """Leads to the one service that there is, whichever is asked for."""

    one: grpc.aio.Channel

    def channel(self, target: str) -> grpc.aio.Channel:
        """Return it."""
        assert target == "metering:50051"
        return self.one


async def test_what_the_caller_finds_is_what_the_resource_says(database_url: str) -> None:
    async with (
        metering_world(database_url) as world,
        site_operator(world.target, world.clock) as api,
    ):
        runtime = OneChannel(ServiceSettings(), world.clock, Telemetry("test"))
        runtime.one = world.channel
        assert await registered(runtime, f"sites/{NAME}") == {}
        for capacity_wh, price in ((10000, 0.32), (12000, 0.41)):
            api.apply(NAME, site(capacity_wh=capacity_wh, price=price)["spec"])
            await judged(api, NAME, "True")
            found = summary(await registered(runtime, f"sites/{NAME}"))
            assert found == summary_of(capacity_wh=capacity_wh, price=price)
        api.apply(NAME, site(capacity_wh=-5, price=0.41)["spec"])
        await judged(api, NAME, "False")
