"""The planner follows the limits that owners put with control, and plans anew when one changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.control_metering import ControlMetering, home
from tests.fakes.control_process import ControlWorld, running_control
from tests.fakes.eventually import eventually
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh_contracts.values import timestamp_to_proto
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Node, Site
from wattmesh_kernel.time import TimeRange
from wattmesh_planner.adapters.owners_limits import GrpcOwnersLimits
from wattmesh_planner.domain.owners_limits import OwnersLimit
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_sitemodel.view import SiteModelView

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = "sites/home-1"


class Following:
    """The planner's side, and the sites that it was prompted about."""

    def __init__(self, control: ControlWorld) -> None:
        self.limits = GrpcOwnersLimits(control.channel, SiteModelView(control.clock), control.clock)
        self.prompted: list[SiteId] = []

    async def follow(self) -> None:
        async for site in self.limits.sites():
            self.prompted.append(site)

    def known(self) -> list[OwnersLimit]:
        return list(self.limits.of({HOME}))


@asynccontextmanager
async def following(control: ControlWorld) -> AsyncIterator[Following]:
    planner = Following(control)
    task = asyncio.create_task(planner.follow())
    yield planner
    await cancel_until_ended(task)


async def put(control: ControlWorld, owner: str, subject: str = HOME, **bounds: Any) -> pb.Limit:
    limit = pb.Limit(
        subject=subject,
        owner=owner,
        start_time=timestamp_to_proto(T0 + 2 * HOUR),
        expire_time=timestamp_to_proto(T0 + 4 * HOUR),
        **bounds,
    )
    answer = await control.stub.SetLimit(pb.SetLimitRequest(limit=limit))
    return answer.limit  # type: ignore[no-any-return]


async def test_a_limit_is_known_changed_and_withdrawn(database_url: str) -> None:
    clock, metering = ManualClock(T0), ControlMetering(*home("home-1"))
    async with running_control(database_url, clock, metering) as control:
        first = await put(control, "grid-operator", max_power_w=4_200.0)
        await put(control, "demandresponse", max_power_w=1_000.0)  # planned as its event
        async with following(control) as planner:
            await eventually(lambda: bool(planner.known()))
            (known,) = planner.known()
            assert known.name == first.name
            assert (known.max_import_w, known.max_export_w) == (4_200.0, None)
            assert known.within(TimeRange(T0, T0 + 3 * HOUR)) == TimeRange(
                T0 + 2 * HOUR, T0 + 3 * HOUR
            )

            await put(control, "grid-operator", min_power_w=-500.0)
            await eventually(lambda: [each.max_export_w for each in planner.known()] == [500.0])
            await control.stub.DeleteLimit(pb.DeleteLimitRequest(name=first.name))
            await eventually(lambda: not planner.known())
            await eventually(lambda: planner.prompted == [SiteId("home-1")] * 3)
            assert planner.limits.lost_for() is None


async def test_a_limit_of_a_node_is_known_with_its_conductors_and_prompts_its_site(
    database_url: str,
) -> None:
    site = Site(id=SiteId("home-1"), time_zone="UTC", currency_code="EUR", nodes=(Node(id="fuse"),))
    clock, metering = ManualClock(T0), ControlMetering(site, *home("home-1"))
    async with running_control(database_url, clock, metering) as control:
        await put(control, "grid-operator", f"{HOME}/nodes/fuse", max_phase_power_w=3_000.0)
        await put(control, "somebody", f"{HOME}/devices/battery", max_power_w=1_000.0)
        async with following(control) as planner:
            await eventually(lambda: bool(planner.known()))
            (known,) = planner.known()
            assert (known.subject, known.node) == (HOME, "fuse")
            assert (known.max_phase_import_w, known.max_import_w) == (3_000.0, None)
            await eventually(lambda: planner.prompted == [SiteId("home-1")])
