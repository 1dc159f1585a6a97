"""How long it takes from an accepted command to the register and to the read-back."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from tests.fakes.control_gateway import obey
from tests.fakes.control_metering import homes
from tests.fakes.control_process import ControlWorld, running_control
from tests.fakes.manual_clock import ManualClock
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.gateway.v1 import gateway_link_pb2

_WARM_UP = 20


async def measure_latency(database_url: str, commands: int) -> dict[str, dict[str, float]]:
    """Return p50 and p99 [ms], both from the moment in which the request is sent.

    The gateway is one that writes nothing and acknowledges at once: its receipt of a command
    stands for the register.
    """
    written: dict[str, float] = {}

    def write(dispatch: gateway_link_pb2.CommandDispatch) -> list[gateway_link_pb2.CommandReport]:
        written[dispatch.command] = time.perf_counter()
        return obey(dispatch)

    register_ms, verified_ms = list[float](), list[float]()
    async with (
        running_control(database_url, ManualClock(), homes(1)) as control,
        control.gateway(write),
    ):
        watch = control.stub.WatchCommands(pb.WatchCommandsRequest(parent="sites/-/devices/-"))
        await watch.initial_metadata()
        for index in range(commands + _WARM_UP):
            began = time.perf_counter()
            name = await _command(control, float(index % 1000 + 1))
            verified = await _verified(watch, name)
            if index >= _WARM_UP:
                register_ms.append((written[name] - began) * 1000)
                verified_ms.append((verified - began) * 1000)
    return {
        "accepted_to_register_ms": _percentiles(register_ms),
        "accepted_to_verified_ms": _percentiles(verified_ms),
    }


async def _command(control: ControlWorld, value_w: float) -> str:
    return (await control.override(value_w, timedelta(hours=1))).command.name


async def _verified(watch: object, name: str) -> float:
    async with asyncio.timeout(30):
        async for news in watch:  # type: ignore[attr-defined]
            if news.command.name == name and news.command.state == pb.COMMAND_STATE_VERIFIED:
                return time.perf_counter()
    raise AssertionError("the watch ended")


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(ordered[len(ordered) // 2], 2),
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 2),
    }
