"""What the command says of plans and scopes, asked of a real server."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from tests.fakes.local_planner import FakePlanner
from wattmesh.planner.v1 import planner_pb2
from wattmesh_kernel.time import TimeRange
from wattmesh_local.running.processes import SERVICES
from wattmesh_local.status import print_status
from wattmesh_local.watching.clients import MeshClients
from wattmesh_local.watching.plans import count_degradations, plans_in
from wattmesh_runtime.testing import serve_for_test

NEVER = planner_pb2.Degradation(
    subject="sites/home-1/assets/battery",
    topic=planner_pb2.FACT_TOPIC_STATE,
    reason=planner_pb2.DEGRADATION_REASON_NEVER_REPORTED,
    message="the battery has not reported yet",
)
AWAY = planner_pb2.Degradation(
    topic=planner_pb2.FACT_TOPIC_CARBON,
    reason=planner_pb2.DEGRADATION_REASON_SERVICE_UNAVAILABLE,
)
PLANS = [
    planner_pb2.Plan(name="plans/1", degradations=[NEVER, AWAY]),
    planner_pb2.Plan(name="plans/2"),
    planner_pb2.Plan(name="plans/3", degradations=[AWAY]),
]
SCOPES = [
    planner_pb2.Scope(
        name="groups/street",
        state=planner_pb2.SCOPE_STATE_PLANNED,
        holder="planner-1",
        degradations=[NEVER],
    ),
    planner_pb2.Scope(
        name="sites/barn",
        state=planner_pb2.SCOPE_STATE_NOTHING_TO_STEER,
        message="no asset can be steered",
    ),
    planner_pb2.Scope(name="sites/mill", state=planner_pb2.SCOPE_STATE_INCOMPLETE),
]


async def test_degradations_of_all_plans_are_counted_by_topic_and_reason() -> None:
    span = TimeRange.of(datetime(2016, 9, 5, tzinfo=UTC), timedelta(days=1))
    fake = FakePlanner(PLANS)  # type: ignore[abstract]
    async with (
        serve_for_test(fake.register) as target,
        MeshClients(dict.fromkeys(SERVICES, target), None) as clients,
    ):
        plans = [plan async for plan in plans_in(clients, span)]

    assert len(plans) == 3
    assert count_degradations(plans) == {
        "carbon/service_unavailable": 2,
        "state/never_reported": 1,
    }


@pytest.mark.parametrize("as_json", [False, True])
async def test_the_status_says_what_is_planned_and_what_is_not_and_why(
    tmp_path: Path, as_json: bool
) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    fake = FakePlanner(scopes=SCOPES)  # type: ignore[abstract]
    async with serve_for_test(fake.register) as target:
        state = {"targets": dict.fromkeys(SERVICES, target), "processes": {"planner": target}}
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "mesh.json").write_text(json.dumps(state))

        code = await print_status(tmp_path, console, as_json=as_json)

    text = console.export_text()
    assert code == 0
    for words in ("groups/street", "planned", "nothing to steer", "no asset can be steered"):
        assert words in text
    assert ("state/never_reported" if as_json else "the battery has not reported yet") in text
    assert "sites/mill" in text


async def test_a_planner_that_is_away_takes_nothing_from_the_status(tmp_path: Path) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    state = {
        "targets": dict.fromkeys(SERVICES, "127.0.0.1:1"),
        "processes": {"planner": "127.0.0.1:1"},
    }
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mesh.json").write_text(json.dumps(state))

    code = await print_status(tmp_path, console, as_json=False)

    text = console.export_text()
    assert code == 1
    assert "unreachable" in text
    assert "the planner does not answer" in text
