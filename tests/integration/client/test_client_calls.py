"""The client against a real server: pages, errors, tries, watches, in threads and with asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import pytest

from tests.fakes.mesh_services import KeptLimits, PagedSites, StreamedPlans
from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh.status.v1 import status_pb2
from wattmesh_client import (
    AsyncWattmesh,
    Connection,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
    Wattmesh,
    WattmeshError,
)
from wattmesh_runtime.testing import serve_for_test

T = TypeVar("T")
ALL = ["sites/home-0", "sites/home-1", "sites/home-2", "sites/home-3", "sites/home-4"]


class Served:
    """The services, and how to reach them."""

    def __init__(self) -> None:
        self.sites, self.limits = PagedSites(), KeptLimits()
        self.connection = Connection(targets={})

    async def in_a_thread(self, work: Callable[[Wattmesh], T]) -> T:
        def run() -> T:
            with Wattmesh(self.connection) as mesh:
                return work(mesh)

        return await asyncio.to_thread(run)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    world = Served()
    add: Any = site_service_pb2_grpc.add_SiteServiceServicer_to_server
    add_plans: Any = planner_pb2_grpc.add_PlannerServiceServicer_to_server
    add_limits: Any = control_pb2_grpc.add_ControlServiceServicer_to_server
    async with serve_for_test(
        partial(add, world.sites),
        partial(add_plans, StreamedPlans()),
        partial(add_limits, world.limits),
    ) as target:
        targets = dict.fromkeys(("metering", "planner", "control"), target)
        world.connection = Connection(targets=targets, token=lambda: "wm_key", deadline_seconds=5)
        yield world


def site_named(name: str) -> site_service_pb2.GetSiteRequest:
    return site_service_pb2.GetSiteRequest(name=name)


async def test_a_list_is_given_page_by_page(served: Served) -> None:
    request = site_service_pb2.ListSitesRequest()
    found = await served.in_a_thread(
        lambda mesh: [each.name for each in mesh.each(mesh.sites.ListSites, request)]
    )
    async with AsyncWattmesh(served.connection) as mesh:
        again = [
            each.name
            async for each in mesh.each(mesh.sites.ListSites, site_service_pb2.ListSitesRequest())
        ]
    assert found == again == ALL
    assert served.sites.metadata["authorization"] == "Bearer wm_key"
    assert len(served.sites.metadata["x-request-id"]) == 32


async def test_an_error_has_its_class_reason_and_what_helps(served: Served) -> None:
    with pytest.raises(NotFound) as missing:
        await served.in_a_thread(lambda mesh: mesh.sites.GetSite(site_named("sites/nowhere")))
    assert missing.value.reason == "SITE_NOT_FOUND"
    assert missing.value.metadata == {"site": "sites/nowhere"}
    assert len(missing.value.request_id) == 32
    async with AsyncWattmesh(served.connection) as mesh:
        call: Any = mesh.sites.GetSite(site_named("sites/full"))
        with pytest.raises(ResourceExhausted) as busy:
            await call
    assert busy.value.retry_after == timedelta(seconds=2)


async def test_a_fault_is_said_with_its_field(served: Served) -> None:
    request = control_pb2.SetLimitRequest()
    with pytest.raises(InvalidArgument) as wrong:
        await served.in_a_thread(lambda mesh: mesh.control.SetLimit(request))
    assert [each.field for each in wrong.value.faults] == ["limit.max_power_w"]


async def test_what_commands_has_an_id_and_a_given_one_is_kept(served: Served) -> None:
    limit = control_pb2.Limit(max_power_w=1.0)
    for request in (
        control_pb2.SetLimitRequest(limit=limit),
        control_pb2.SetLimitRequest(limit=limit, request_id="mine"),
    ):
        await served.in_a_thread(partial(_set_limit, request))
    first, second = served.limits.request_ids
    assert (len(first), second) == (32, "mine")


def _set_limit(request: control_pb2.SetLimitRequest, mesh: Wattmesh) -> Any:
    return mesh.control.SetLimit(request)


async def test_a_service_that_is_away_for_a_moment_is_called_again(served: Served) -> None:
    found = await served.in_a_thread(lambda mesh: mesh.sites.GetSite(site_named("sites/flaky")))
    assert found.site.name == "sites/flaky"
    served.sites.failures = 0
    async with AsyncWattmesh(served.connection) as mesh:
        call: Any = mesh.sites.GetSite(site_named("sites/flaky"))
        assert (await call).site.name == "sites/flaky"


async def test_a_watch_goes_on_behind_what_was_heard(served: Served) -> None:
    lost: list[WattmeshError] = []

    def three(mesh: Wattmesh) -> list[int]:
        request = site_service_pb2.WatchSiteModelRequest()
        news = mesh.watch(mesh.sites.WatchSiteModel, request, lost=lost.append)
        return [each.revision for each in islice(news, 3)]

    assert await served.in_a_thread(three) == [7, 14, 21]
    assert [(type(each), each.reason) for each in lost] == [(Unavailable, "SERVER_STOPPING")] * 2
    heard = []
    async with AsyncWattmesh(served.connection) as mesh:
        request = site_service_pb2.WatchSiteModelRequest(known_revision=100)
        async for each in mesh.watch(mesh.sites.WatchSiteModel, request):
            heard.append(each.revision)
            if len(heard) == 2:
                break
    assert heard == [107, 114]
    assert served.sites.known_revisions == [0, 7, 14, 100, 107]


async def test_a_watch_that_no_further_try_would_help_ends_with_its_reason(served: Served) -> None:
    async with AsyncWattmesh(served.connection) as mesh:
        news = mesh.watch(mesh.planner.WatchPlans, planner_pb2.WatchPlansRequest())
        assert (await anext(news)).plan.name == "plans/a"
        with pytest.raises(NotFound) as refused:
            await anext(news)
    assert refused.value.reason == "SCOPE_NOT_FOUND"


async def test_the_catalogue_says_time_quantities_and_reasons(served: Served) -> None:
    before = datetime.now(UTC)
    now = await served.in_a_thread(Wattmesh.now)
    async with AsyncWattmesh(served.connection) as mesh:
        again = await mesh.now()
        call: Any = mesh.status("metering").GetCatalogue(status_pb2.GetCatalogueRequest())
        catalogue = await call
    assert before <= now <= again <= datetime.now(UTC)
    units = {each.quantity: each.unit for each in catalogue.quantities}
    assert units["import_energy_wh"] == "Wh"
    assert {"SITE_NOT_FOUND", "ETAG_MISMATCH"} <= set(catalogue.error_reasons)
    assert catalogue.wall_second.ToTimedelta() == timedelta(seconds=1)


def test_targets_are_a_pattern_or_named() -> None:
    assert Connection(targets="{service}.mesh:1").target("planner") == "planner.mesh:1"
    with pytest.raises(KeyError):
        Connection(targets={"metering": "a:1"}).target("planner")
