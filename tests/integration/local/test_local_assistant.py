"""An assistant at a mesh: reads by itself, and does nothing that was not tried before."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from mcp import Client

from tests.fakes.mesh_services import KeptHolds, PagedSites, StreamedPlans
from wattmesh.control.v1 import hold_pb2, operator_pb2_grpc
from wattmesh.planner.v1 import planner_pb2_grpc
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh_client import AsyncWattmesh, Connection
from wattmesh_local.assistant.server import mcp_server
from wattmesh_runtime.testing import serve_for_test

BATTERY = "sites/home-1/devices/battery"
ASKED = {"device": BATTERY, "kind": "active_power_w", "value": 5000, "minutes": 60}


@pytest.fixture
def holds() -> KeptHolds:
    return KeptHolds()


@pytest.fixture
async def mesh(holds: KeptHolds) -> AsyncIterator[AsyncWattmesh]:
    add: Any = site_service_pb2_grpc.add_SiteServiceServicer_to_server
    add_operator: Any = operator_pb2_grpc.add_OperatorServiceServicer_to_server
    add_plans: Any = planner_pb2_grpc.add_PlannerServiceServicer_to_server
    served = (
        *(partial(add, PagedSites()), partial(add_operator, holds)),
        partial(add_plans, StreamedPlans()),
    )
    async with serve_for_test(*served) as target:
        targets = dict.fromkeys(("metering", "control", "planner"), target)
        async with AsyncWattmesh(Connection(targets=targets)) as mesh:
            yield mesh


async def answer(assistant: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await assistant.call_tool(tool, arguments)
    assert not result.is_error, result.content
    content: dict[str, Any] = result.structured_content or {}
    return content


async def test_without_a_person_it_reads_and_has_no_tool_that_acts(mesh: AsyncWattmesh) -> None:
    async with Client(mcp_server(mesh, None)) as assistant:
        tools = (await assistant.list_tools()).tools
        sites = await answer(assistant, "list_sites")
    assert len(sites["sites"]) == 5
    assert {"query_energy", "prove", "list_alerts"} <= {each.name for each in tools}
    assert all(each.annotations and each.annotations.read_only_hint for each in tools)


async def test_what_was_tried_is_held_once_in_the_persons_name(
    mesh: AsyncWattmesh, holds: KeptHolds
) -> None:
    async with Client(mcp_server(mesh, "ada")) as assistant:
        tried = await answer(assistant, "try_hold", **ASKED)
        assert holds.held == []
        confirmation = tried["confirmation"]
        await answer(assistant, "hold", confirmation=confirmation, reason="the fuse is warm")
        again = await assistant.call_tool("hold", {"confirmation": confirmation, "reason": "again"})
    assert tried["intervals"][0]["limited_by"] == ["limits/fuse"]
    (held,) = holds.held
    assert (held.subject, held.value, held.owner) == (BATTERY, 5000.0, "ada")
    assert (held.kind, held.reason) == (hold_pb2.HOLD_KIND_SETPOINT, "the fuse is warm")
    assert held.HasField("expire_time")
    assert again.is_error


async def test_nothing_is_held_that_was_not_tried(mesh: AsyncWattmesh, holds: KeptHolds) -> None:
    async with Client(mcp_server(mesh, "ada")) as assistant:
        made_up = await assistant.call_tool("hold", {"confirmation": "00ff", "reason": "no"})
        for_ever = await assistant.call_tool("try_hold", {**ASKED, "minutes": 100_000})
    assert made_up.is_error
    assert "try it again" in str(made_up.content)
    assert "1440 minutes" in str(for_ever.content)
    assert holds.held == holds.tried == []


async def test_what_a_service_refuses_is_said_with_its_reason(mesh: AsyncWattmesh) -> None:
    async with Client(mcp_server(mesh, None)) as assistant:
        refused = await assistant.call_tool("list_plans", {})
    assert refused.is_error
    assert "METHOD_NOT_SERVED" in str(refused.content)


async def test_a_hold_is_released_with_a_reason(mesh: AsyncWattmesh, holds: KeptHolds) -> None:
    async with Client(mcp_server(mesh, "ada")) as assistant:
        await answer(assistant, "release", hold="holds/1", reason="done")
    (released,) = holds.released
    assert (released.name, released.owner, released.reason) == ("holds/1", "ada", "done")
