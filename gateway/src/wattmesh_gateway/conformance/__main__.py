"""Checks one device, or a trace of one. Exit status: 0 passed, 1 failed, 2 not asked rightly."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from wattmesh_gateway.conformance.checks import judge
from wattmesh_gateway.conformance.outcome import Verdict, worst
from wattmesh_gateway.conformance.procedure import Mailbox, Procedure, Wanted
from wattmesh_gateway.conformance.report import as_json, as_text
from wattmesh_gateway.conformance.trace import TRACES, Trace
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.session import ChargingSession
from wattmesh_gateway.drivers.kind import Surroundings
from wattmesh_gateway.drivers.registry import DRIVER_KINDS, SCHEMAS, DriverSettings
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import DeviceId, GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Connection,
    Device,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
)
from wattmesh_runtime.aio.tasks import BackgroundTasks

_DEVICE = DeviceId.parse("sites/check/devices/device")


class _NoSessions:
    async def take(self, sessions: Sequence[ChargingSession]) -> None:
        """Keep none: what is checked is what the device measures and does."""


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="wattmesh device check", description="Does a device do what its profile says?"
    )
    parser.add_argument("profile", help="name of a device profile")
    where = parser.add_argument_group("where the device is")
    where.add_argument("--host", help="of a device on Modbus TCP")
    where.add_argument("--port", type=int, default=502)
    where.add_argument("--unit", type=int, default=1, help="its Modbus unit")
    where.add_argument(
        "--broker",
        default=os.environ.get("WATTMESH_MQTT_URL"),
        help="mqtt://[user:password@]host:port of a device on MQTT; else WATTMESH_MQTT_URL",
    )
    where.add_argument("--address", help="its address in the profile's topics")
    where.add_argument("--listen", help="host:port on which a charge point dials in")
    where.add_argument("--charge-point", help="the id with which it does")
    where.add_argument("--connector", type=int, default=1)
    what = parser.add_argument_group("what is done")
    what.add_argument("--seconds", type=float, default=60, help="how long it is watched")
    what.add_argument("--interval", type=int, default=5, help="how often it is read [s]")
    what.add_argument("--patience", type=float, default=20, help="how long it may be silent [s]")
    what.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KIND=VALUE",
        help="tell it a setpoint, e.g. active_power_w=2000: the device obeys",
    )
    what.add_argument("--lease", type=float, default=30, help="how long it holds a setpoint [s]")
    what.add_argument("--profile-folder", type=Path, help="folder of further profiles")
    files = parser.add_argument_group("files")
    files.add_argument("--report", type=Path, help="write the report as JSON")
    files.add_argument("--record", type=Path, help="write what was seen")
    files.add_argument("--replay", type=Path, help="judge what was seen before; no device")
    return parser.parse_args(given)


def _connection(asked: argparse.Namespace, profile: DeviceProfile) -> Connection:
    """Return where the device is; ValueError when that was not said."""
    match profile.protocol:
        case "modbus_tcp" if asked.host:
            return ModbusTcpConnection(host=asked.host, port=asked.port, unit_id=asked.unit)
        case "mqtt" if asked.broker and asked.address:
            return MqttConnection(address=asked.address)
        case "ocpp" if asked.listen and asked.charge_point:
            return OcppConnection(charge_point_id=asked.charge_point, connector_id=asked.connector)
    needed = {
        "modbus_tcp": "--host",
        "mqtt": "--broker and --address",
        "ocpp": "--listen and --charge-point",
    }
    raise ValueError(f"{profile.name} is on {profile.protocol}: say {needed[profile.protocol]}")


def _setpoints(asked: Sequence[str]) -> Mapping[SetpointKind, float]:
    """Return what is to be told; ValueError when it makes no sense."""
    pairs = [each.partition("=") for each in asked]
    return {SetpointKind(kind): float(value) for kind, _, value in pairs}


async def _see(asked: argparse.Namespace, profile: DeviceProfile) -> Trace:
    """Run the driver of a profile against a device; several may run at once at one broker."""
    gateway = GatewayId(f"check-{uuid4().hex[:8]}")
    device = Device(
        id=_DEVICE,
        profile=profile.name,
        gateway=gateway,
        connection=_connection(asked, profile),
        reporting_interval=timedelta(seconds=asked.interval),
        points=profile.quantities,
    )
    wanted = Wanted(
        watch=timedelta(seconds=asked.seconds),
        lease=timedelta(seconds=asked.lease),
        patience=timedelta(seconds=asked.patience),
        setpoints=_setpoints(asked.set),
    )
    settings = DriverSettings(
        mqtt_url=asked.broker or "mqtt://127.0.0.1",
        ocpp_listen_address=asked.listen or "",
    )
    mailbox, clock = Mailbox(), SystemClock()
    kind = next(each for each in DRIVER_KINDS if each.protocol == profile.protocol)
    with tempfile.TemporaryDirectory() as folder:
        async with BackgroundTasks() as background:
            surroundings = Surroundings(
                gateway=gateway,
                passing=True,
                clock=clock,
                inbox=mailbox,
                background=background,
                sessions=_NoSessions(),
                spool_file=Path(folder) / "check.sqlite",
            )
            async with kind.start(settings, surroundings) as driver:
                return await Procedure(driver, mailbox, device, profile, clock).run(wanted)


def main(given: Sequence[str]) -> int:
    """Check, report, and return the exit status."""
    asked = _arguments(given)
    try:
        if asked.replay is not None:
            trace = TRACES.from_json(asked.replay.read_bytes())
        else:
            profiles = load_profiles(SCHEMAS, asked.profile_folder)
            if asked.profile not in profiles:
                known = ", ".join(sorted(profiles))
                raise ValueError(f"no profile {asked.profile!r}; there are {known}")
            trace = asyncio.run(_see(asked, profiles[asked.profile]))
    except (ValueError, OSError, WattmeshError) as error:
        print(error, file=sys.stderr)
        return 2
    outcomes = judge(trace)
    print(as_text(trace, outcomes))
    if asked.record is not None:
        asked.record.write_bytes(TRACES.to_json(trace))
    if asked.report is not None:
        asked.report.write_text(as_json(trace, outcomes), encoding="utf-8")
    return 1 if worst(outcomes) is Verdict.FAILED else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
