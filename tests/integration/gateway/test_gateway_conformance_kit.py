"""The conformance kit as a command, against devices on real sockets, and against what it wrote."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.fakes.gateway_world import free_port
from tests.fakes.sunspec_device import ModbusServer, SunSpecUnit, battery_unit
from wattmesh_gateway.conformance.__main__ import main


def obedient_battery() -> SunSpecUnit:
    """A battery whose power follows its setpoint, until the timer in it runs out."""
    unit = battery_unit()
    loop = asyncio.get_running_loop()
    idle = 0

    def end() -> None:
        unit.put((704, "WSetEna"), 0)
        unit.put((701, "W"), idle)

    def obey() -> None:
        if not unit.get((704, "WSetEna")):
            unit.put((701, "W"), idle)
        elif unit.writes[-1][0] == unit.address((704, "WSetEna")):
            unit.put((701, "W"), unit.get((704, "WSet")))
            loop.call_later(unit.get((704, "WSetRvrtTms")), end)

    unit.on_write = obey
    return unit


async def check(*arguments: str) -> tuple[int | None, str]:
    """Run the kit; return its exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wattmesh_gateway.conformance", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


async def test_a_device_is_checked_and_its_trace_judged_again_without_it(tmp_path: Path) -> None:
    report, trace = tmp_path / "report.json", tmp_path / "trace.json"
    async with ModbusServer(obedient_battery()) as server:
        where = ("--host", "127.0.0.1", "--port", str(server.port), "--unit", "2")
        how = ("--seconds", "1", "--interval", "1", "--set", "active_power_w=2000", "--lease", "2")
        files = ("--report", str(report), "--record", str(trace))
        status, printed = await check("sunspec-battery", *where, *how, *files)
    assert status == 0, printed
    found = {each["check"]: each["verdict"] for each in json.loads(report.read_text())["checks"]}
    decided = ("identification", "write and read-back", "effect", "lease expiry", "disconnect")
    assert {found[check] for check in decided} == {"passed"}, printed
    again, replayed = await check("sunspec-battery", "--replay", str(trace))
    assert (again, replayed) == (0, printed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keba-p30",), "say --host"),
        (("no-such-profile", "--host", "a"), "no profile 'no-such-profile'"),
    ],
)
def test_what_was_not_said_is_asked_for(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_device_that_is_not_there_fails(capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--host", "127.0.0.1", "--port", str(free_port()), "--patience", "0.5")
    assert main(("sunspec-battery", *where)) == 1
    assert "FAIL identification" in capsys.readouterr().out
