"""What one owner wants is not another's to withdraw: who calls is known by an API key."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.fakes.control_metering import ControlMetering
from tests.fakes.control_process import BATTERY, HOUR, ControlWorld, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import hold_pb2, operator_pb2_grpc
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto, timestamp_to_proto
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.access.principals import digest

WHO = {
    "network": ("tenants/default", 100),
    "market": ("tenants/default", 50),
    "janitor": ("tenants/default", 100),
    "admin": ("tenants/default", 1000),
    "zeta": ("tenants/zeta", 1000),
}
"""By name: the tenant, and the highest priority."""


@pytest.fixture
async def control(
    database_url: str,
    control_clock: ManualClock,
    control_metering: ControlMetering,
    tmp_path: Path,
) -> AsyncIterator[ControlWorld]:
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    file = tmp_path / "principals.json"
    file.write_text(
        json.dumps(
            {
                "tenants": [{"name": "tenants/zeta", "sites": ["sites/elsewhere"]}],
                "principals": [
                    {
                        "name": f"{tenant}/principals/{name}",
                        "kind": "PRINCIPAL_KIND_PROGRAM",
                        "roleBindings": [{"role": "ROLE_KIND_OPERATOR"}],
                        "maxPriority": ceiling,
                        "owners": ["-"] if name == "zeta" else [],
                    }
                    for name, (tenant, ceiling) in WHO.items()
                ],
                "api_keys": [
                    {
                        "principal": f"{tenant}/principals/{name}",
                        "sha256": digest(f"wm_{name}"),
                        "expire_time": ends,
                    }
                    for name, (tenant, _) in WHO.items()
                ],
            }
        )
    )
    async with running_control(
        database_url,
        control_clock,
        control_metering,
        principals_file=file,
        shutdown_notice_seconds=0,
        grace_seconds=0.2,
    ) as world:
        yield world


def shown(name: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer wm_{name}"),)


async def refused(
    call: Any, request: Any, name: str, code: grpc.StatusCode = grpc.StatusCode.PERMISSION_DENIED
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(request, metadata=shown(name))
    assert caught.value.code() is code


async def test_a_limit_goes_by_its_owners_word_alone(control: ControlWorld) -> None:
    limit = pb.Limit(
        subject=BATTERY,
        max_power_w=1000,
        owner="network",
        reason="works on the line",
        expire_time=timestamp_to_proto(control.clock.now() + HOUR),
    )
    put = pb.SetLimitRequest(limit=limit)
    await refused(control.stub.SetLimit, put, "janitor")
    answer = await control.stub.SetLimit(put, metadata=shown("network"))
    delete = pb.DeleteLimitRequest(name=answer.limit.name)
    for name in ("janitor", "market"):
        await refused(control.stub.DeleteLimit, delete, name)
    listed = await control.stub.ListLimits(
        pb.ListLimitsRequest(parent="sites/-/devices/-"), metadata=shown("janitor")
    )
    assert [each.name for each in listed.limits] == [answer.limit.name], "it still binds"
    await control.stub.DeleteLimit(delete, metadata=shown("network"))
    again = await control.stub.SetLimit(put, metadata=shown("network"))
    await control.stub.DeleteLimit(
        pb.DeleteLimitRequest(name=again.limit.name), metadata=shown("admin")
    )


async def test_a_command_goes_by_its_owners_word_or_by_one_that_goes_before_it(
    control: ControlWorld,
) -> None:
    async def command(owner: str, priority: int) -> pb.CancelCommandRequest:
        answer = await control.stub.IssueCommand(
            pb.IssueCommandRequest(
                request_id=f"of {owner}",
                device=BATTERY,
                kind=setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
                value=500,
                range=time_range_to_proto(TimeRange.of(control.clock.now(), HOUR)),
                owner=owner,
                priority=priority,
            ),
            metadata=shown(owner),
        )
        return pb.CancelCommandRequest(name=answer.command.name)

    of_network = await command("network", 100)
    for name in ("market", "janitor"):
        await refused(control.stub.CancelCommand, of_network, name)
    await refused(control.stub.CancelCommand, of_network, "zeta", grpc.StatusCode.NOT_FOUND)
    assert await control.stub.CancelCommand(of_network, metadata=shown("network"))
    of_market = await command("market", 40)
    over = await control.stub.CancelCommand(of_market, metadata=shown("janitor"))
    assert over.command.state == pb.COMMAND_STATE_CANCELLED


async def test_another_tenant_finds_nothing_to_end_whatever_it_may_act_for(
    control: ControlWorld,
) -> None:
    """By names that do not say whose they are; with the highest priority, in any owner's name."""
    ends = timestamp_to_proto(control.clock.now() + HOUR)
    limit = pb.Limit(
        subject=BATTERY, max_power_w=1000, owner="network", reason="works", expire_time=ends
    )
    put = await control.stub.SetLimit(pb.SetLimitRequest(limit=limit), metadata=shown("network"))
    hold = hold_pb2.Hold(
        subject=BATTERY, kind=hold_pb2.HOLD_KIND_STOP, owner="network", reason="smoke"
    )
    operator: Any = operator_pb2_grpc.OperatorServiceStub(control.channel)
    placed = await operator.PlaceHold(
        hold_pb2.PlaceHoldRequest(request_id="stop", hold=hold), metadata=shown("network")
    )
    name, words = placed.hold.name, {"owner": "network", "reason": "none of ours"}
    for call, request in (
        (control.stub.DeleteLimit, pb.DeleteLimitRequest(name=put.limit.name)),
        (control.stub.GetLimit, pb.GetLimitRequest(name=put.limit.name)),
        (operator.ReleaseHold, hold_pb2.ReleaseHoldRequest(name=name, **words)),
        (operator.GetHold, hold_pb2.GetHoldRequest(name=name)),
    ):
        await refused(call, request, "zeta", grpc.StatusCode.NOT_FOUND)
    stands = await operator.GetHold(hold_pb2.GetHoldRequest(name=name), metadata=shown("network"))
    assert stands.hold.in_force
    assert await control.stub.GetLimit(
        pb.GetLimitRequest(name=put.limit.name), metadata=shown("network")
    )
