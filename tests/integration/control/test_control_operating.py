"""What the `wattmesh` command says to people at the controls, against a running control."""

import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from tests.fakes.control_process import BATTERY, HOUR, ControlWorld
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import hold_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.spans import parse_span
from wattmesh_local.operating import Operator, Person, operator, setpoint_kind
from wattmesh_local.running.processes import SERVICES

T0 = datetime(2024, 5, 1, 10, tzinfo=UTC)
ADA = Person(owner="ada", reason="smoke in the cellar")
STOP = hold_pb2.HOLD_KIND_STOP


async def run(
    control: ControlWorld, folder: Path, work: Callable[[Operator], Awaitable[int]]
) -> tuple[int, str]:
    """Return the exit status and the words that are printed."""
    (folder / "run").mkdir(exist_ok=True)
    clock = ScaledClock(control.clock.now(), datetime.max.replace(tzinfo=UTC), 1.0)
    state = {
        "targets": {**dict.fromkeys(SERVICES, "127.0.0.1:1"), "control": control.target},
        "clock": format_clock_spec(clock),
    }
    (folder / "run" / "mesh.json").write_text(json.dumps(state))
    console = Console(width=250, file=io.StringIO(), record=True)
    async with operator(folder, console) as someone:
        status = await work(someone)
    return status, " ".join(console.export_text().split())


async def test_a_stop_says_of_every_device_whether_it_is_safe_and_fails_while_one_is_not(
    control: ControlWorld, tmp_path: Path
) -> None:
    async with control.gateway():
        await control.submit(T0, [1000.0])
        await control.command_in(pb.COMMAND_STATE_VERIFIED)
    status, said = await run(
        control, tmp_path, lambda someone: someone.place("sites/home-1", STOP, ADA)
    )
    assert status == 1
    assert "sites/home-1/devices/battery not reached gateways/local is not connected" in said
    assert "0 of 2 in their safe states; 2 are NOT" in said
    _, said = await run(control, tmp_path, lambda someone: someone.holds(ended=False))
    assert "stop sites/home-1 ada smoke in the cellar 2024-05-01 10:00:00 UTC" in said
    name = said.split("holds/")[1].split()[0]
    bert = Person(owner="bert", reason="it was toast")
    status, said = await run(
        control, tmp_path, lambda someone: someone.release(f"holds/{name}", bert)
    )
    assert (status, said) == (0, f"holds/{name} is over: stop of sites/home-1")
    _, said = await run(control, tmp_path, lambda someone: someone.holds(ended=True))
    assert "released by bert: it was toast" in said


async def test_a_stop_whose_devices_are_all_safe_says_so(
    control: ControlWorld, tmp_path: Path
) -> None:
    async with control.gateway():
        status, said = await run(
            control, tmp_path, lambda someone: someone.place("sites/home-1", STOP, ADA)
        )
    assert status == 0
    assert "2 of 2 in their safe states" in said


async def test_a_value_is_held_and_shown_beforehand(control: ControlWorld, tmp_path: Path) -> None:
    setpoint = (setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W, 3000.0)
    limit = await control.limit(None, 2000.0, HOUR / 2)
    status, said = await run(
        control, tmp_path, lambda someone: someone.dry_run_value(BATTERY, setpoint, HOUR, "ada")
    )
    assert status == 0
    assert f"3000 limited 2000 {limit.name}" in said
    assert "3000 as asked 3000" in said
    kind = hold_pb2.HOLD_KIND_SETPOINT
    status, said = await run(
        control, tmp_path, lambda someone: someone.place(BATTERY, kind, ADA, HOUR, setpoint)
    )
    assert "setpoint of sites/home-1/devices/battery, until 2024-05-01 11:00:00 UTC" in said
    _, said = await run(control, tmp_path, lambda someone: someone.holds(ended=False))
    assert "3000 (active_power_w)" in said


async def test_what_is_left_of_a_plan_is_shown(control: ControlWorld, tmp_path: Path) -> None:
    await control.submit(T0, [1000.0, 9000.0])
    status, said = await run(control, tmp_path, lambda someone: someone.dry_run_plan("plans/p1"))
    assert status == 0
    assert "9000 limited 5000 rating" in said


async def test_without_a_mesh_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no mesh is running here"):
        async with operator(tmp_path, Console()):
            pass


def test_times_and_kinds_are_read_as_people_write_them() -> None:
    assert parse_span("90s") == timedelta(seconds=90)
    assert parse_span("1.5h") == timedelta(minutes=90)
    assert setpoint_kind("current_a") == setpoint_pb2.SETPOINT_KIND_CURRENT_A
    for wrong in ("", "2", "h", "2 h"):
        with pytest.raises(InvalidArgument):
            parse_span(wrong)
    with pytest.raises(InvalidArgument):
        setpoint_kind("colour")
