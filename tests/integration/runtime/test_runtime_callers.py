"""Who counts as one caller: a principal, by however many connections; of the mesh, a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.fakes.eventually import eventually, within
from tests.fakes.identities import Identities
from wattmesh.site.v1 import site_service_pb2, site_service_pb2_grpc
from wattmesh_runtime.errors import error_from_rpc
from wattmesh_runtime.testing import channel_for_test, serve_for_test

ALICE, BOB = ("spiffe://mesh/roles/viewer/alice", "spiffe://mesh/roles/viewer/bob")
PLANNER = "spiffe://mesh/ns/wattmesh/sa/planner"
FEW: dict[str, Any] = {
    "calls_at_once": 10,
    "calls_at_once_per_caller": 1,
    "calls_waiting": 10,
    "calls_waiting_per_caller": 1,
}


class SlowSites(site_service_pb2_grpc.SiteServiceServicer):
    """Answers about `sites/slow` once it may, about others at once."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = 0

    async def GetSite(  # noqa: N802
        self, request: site_service_pb2.GetSiteRequest, context: Any
    ) -> site_service_pb2.GetSiteResponse:
        self.asked += 1
        if request.name == "sites/slow":
            await self.open.wait()
        return site_service_pb2.GetSiteResponse()

    def register(self, server: grpc.aio.Server) -> None:
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(self, server)


@asynccontextmanager
async def connections(tmp_path: Path, *uris: str) -> AsyncIterator[tuple[SlowSites, list[Any]]]:
    """Serve with few places, and give a stub for each URI, over a connection of its own."""
    identities, sites = Identities(tmp_path), SlowSites()  # type: ignore[abstract]
    async with AsyncExitStack() as stack:
        served = serve_for_test(sites.register, settings=identities.server(**FEW))
        target = await stack.enter_async_context(served)
        channels = [
            await stack.enter_async_context(channel_for_test(target, identities.of(uri)))
            for uri in uris
        ]
        yield sites, [site_service_pb2_grpc.SiteServiceStub(each) for each in channels]


def ask(stub: Any, site: str) -> "asyncio.Future[Any]":
    request = site_service_pb2.GetSiteRequest(name=f"sites/{site}")
    asked: asyncio.Future[Any] = asyncio.ensure_future(stub.GetSite(request))
    return asked


async def test_who_opens_many_connections_has_no_more_places_than_over_one(tmp_path: Path) -> None:
    async with connections(tmp_path, ALICE, ALICE, ALICE, BOB) as (sites, stubs):
        one, two, three, other = stubs
        held = ask(one, "slow")
        await eventually(lambda: sites.asked == 1)
        waiting = ask(two, "slow")
        await asyncio.sleep(0.5)
        assert sites.asked == 1, "a second connection is no second place"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(three, "quick")
        assert error_from_rpc(caught.value).reason == "TOO_BUSY"
        async with within(5):
            await ask(other, "quick")
        sites.open.set()
        await asyncio.gather(held, waiting)


async def test_processes_of_one_service_have_places_of_their_own(tmp_path: Path) -> None:
    async with connections(tmp_path, PLANNER, PLANNER) as (sites, (one, two)):
        held = ask(one, "slow")
        await eventually(lambda: sites.asked == 1)
        async with within(5):
            await ask(two, "quick")
        sites.open.set()
        await held
