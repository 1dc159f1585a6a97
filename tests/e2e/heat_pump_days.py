"""Days of two heat pumps through the whole mesh: from a stranger's zone to one that is known.

Run by `make e2e-heat`; it takes about ten minutes. One heat pump is on MQTT, one on Modbus; nobody
tells how their zones answer. A rule runs them until that is identified; then the plan does. At last
one falls silent, and the other goes on.
"""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import grpc
import pytest

from tests.e2e.wattmesh_command import COMMAND, Run, Wattmesh
from tests.fakes.gateway_world import free_port
from wattmesh.control.v1 import control_pb2, control_pb2_grpc
from wattmesh.metering.v1 import metering_pb2, metering_pb2_grpc
from wattmesh.planner.v1 import planner_pb2, planner_pb2_grpc
from wattmesh_client import Connection

FIRST, DAY = datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RATE = 1200
LAYOUT = """
title: A house with a load
time_zone: UTC
currency: EUR
group: yard
files:
  load: {path: load.csv, clock: utc, time_column: start}
sites:
  - id: yard
    loads: [{id: load, file: load, column: kw, unit: kW}]
    battery: {capacity_kwh: 5, power_kw: 2, round_trip_efficiency: 0.9}
price:
  import_per_kwh: {file: load, column: price}
"""
NIGHT = {"clock_ranges": [{"start_minute": 0, "end_minute": 360}]}
ZONE = {
    "hvac_zone": {
        "occupied_band": {"min_temperature_celsius": 20, "max_temperature_celsius": 23},
        "heating": {
            "max_power_w": 2500,
            "min_power_w": 500,
            "cop_points": [
                {"outdoor_temperature_celsius": -7, "cop_ratio": 2.4},
                {"outdoor_temperature_celsius": 7, "cop_ratio": 3.6},
            ],
        },
    }
}
POINTS = [
    "active_power_w",
    "import_energy_wh",
    "temperature_celsius",
    "outdoor_temperature_celsius",
]


def site(modbus_port: int) -> dict[str, Any]:
    """A home with both, and cheap nights."""

    def device(profile: str, zone: str, connection: dict[str, Any]) -> dict[str, Any]:
        return {
            "profile": profile,
            "gateway": "local",
            "connection": connection,
            "reporting_interval": "10min",
            "points": POINTS,
            "functions": [
                {
                    "asset": zone,
                    "meter_role": "main",
                    "controls": True,
                    "setpoint_kinds": ["temperature_celsius"],
                }
            ],
        }

    modbus = {"modbus_tcp": {"host": "127.0.0.1", "port": modbus_port, "unit_id": 1}}
    return {
        "site": {"id": "home-1", "time_zone": "UTC", "currency_code": "EUR", "tariff": "nights"},
        "tariffs": {
            "nights": {
                "currency_code": "EUR",
                "import_rates": {
                    "tou_periods": [
                        {"display_name": "night", "window": NIGHT, "price_per_kwh": 0.1},
                        {"display_name": "day", "price_per_kwh": 0.4},
                    ]
                },
            }
        },
        "assets": {
            "grid": {"grid_connection": {"max_import_power_w": 11000}},
            "zone-1": ZONE,
            "zone-2": ZONE,
        },
        "devices": {
            "pump-1": device("mqtt-heat-pump", "zone-1", {"mqtt": {"address": "devices/pump-1"}}),
            "pump-2": device("nibe-s-series", "zone-2", modbus),
        },
    }


class Home:
    """A running mesh with the two heat pumps, and what it says of them."""

    def __init__(self, run: Run, pumps: dict[str, subprocess.Popen[bytes]]) -> None:
        self.run = run
        self.pumps = pumps
        run.state()
        connection = Connection.local(run.state_folder)
        credentials = connection.credentials()

        def channel(name: str) -> grpc.Channel:
            options = (("grpc.enable_http_proxy", 0),)
            if credentials is None:
                return grpc.insecure_channel(connection.target(name), options=options)
            return grpc.secure_channel(connection.target(name), credentials, options=options)

        self.planner = planner_pb2_grpc.PlannerServiceStub(channel("planner"))
        self.control = control_pb2_grpc.ControlServiceStub(channel("control"))
        self.metering = metering_pb2_grpc.MeteringServiceStub(channel("metering"))

    def reasons(self, zone: str) -> list[int] | None:
        """Return why the newest plan did not know a zone; None: there is no plan yet."""
        found = self._said_of(zone)
        return None if found is None else [each.reason for each in found]

    def remedies(self, zone: str) -> list[int] | None:
        """Return what the newest plan did about it; None: there is no plan yet."""
        found = self._said_of(zone)
        return None if found is None else [each.remedy for each in found]

    def _said_of(self, zone: str) -> list[planner_pb2.Degradation] | None:
        request = planner_pb2.ListPlansRequest(parent="sites/home-1", page_size=1)
        plans = self.planner.ListPlans(request).plans
        if not plans or plans[0].state == planner_pb2.PLAN_STATE_FAILED:
            return None
        name = f"sites/home-1/assets/{zone}"
        return [each for each in plans[0].degradations if each.subject == name]

    def told(self, pump: str) -> list[control_pb2.Command]:
        """Return the newest commands of a heat pump, newest first."""
        parent = f"sites/home-1/devices/{pump}"
        request = control_pb2.ListCommandsRequest(parent=parent, page_size=24)
        return list(self.control.ListCommands(request).commands)

    def metered(self, pump: str, quantity: str) -> float:
        name = f"sites/home-1/devices/{pump}/points/{quantity}"
        request = metering_pb2.GetLatestReadingsRequest(points=[name])
        return float(self.metering.GetLatestReadings(request).readings[0].value)

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.run.process.poll() is None, self.run.output
            assert time.monotonic() < deadline, self.run.output
            time.sleep(2.0)


@pytest.fixture(scope="module")
def home(wattmesh: Wattmesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    (folder / "wattmesh-data.yaml").write_text(LAYOUT)
    with (folder / "load.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("start", "kw", "price"))
        rows.writerows(((FIRST + i * HOUR).isoformat(), 1.0, 0.2) for i in range(24 * 60))
    start = ("--data", str(folder), "--start", f"{DAY:%Y-%m-%d}", "--rate", str(RATE))
    run = wattmesh.start("up", "--plain", *start)
    state, port = run.state(), free_port()
    common = {**os.environ, "WATTMESH_CLOCK": state["clock"]}
    common["WATTMESH_LISTEN_ADDRESS"] = "127.0.0.1:0"
    told = {
        "pump-1": {
            "WATTMESH_MQTT_URL": run.broker_url("pump-1"),
            "WATTMESH_MQTT_ADDRESS": "devices/pump-1",
        },
        "pump-2": {"WATTMESH_MODBUS_ADDRESS": f"127.0.0.1:{port}"},
    }
    told["pump-1"]["WATTMESH_MQTT_INTERVAL"] = "PT10M"
    file_ = folder / "home.yaml"
    file_.write_text(json.dumps(site(port)))
    command = (sys.executable, "-m", "wattmesh_twin.heat_pump")
    pumps = {name: subprocess.Popen(command, env=common | own) for name, own in told.items()}
    try:
        environment = {**os.environ, "WATTMESH_STATE": str(run.state_folder)}
        applied = [*COMMAND, "site", "apply", str(file_)]
        subprocess.run(applied, env=environment, check=True, timeout=60)
        yield Home(run, pumps)
    finally:
        for pump in pumps.values():
            pump.kill()


@pytest.mark.time_limit(900)
def test_a_rule_runs_what_nobody_knows_and_it_is_obeyed(home: Home) -> None:
    unknown = planner_pb2.DEGRADATION_REASON_NOT_IDENTIFIED
    for zone, pump in (("zone-1", "pump-1"), ("zone-2", "pump-2")):
        home.wait(partial(_is, home.reasons, zone, [unknown]), 120)
        home.wait(partial(_verified, home, pump), 120)
        assert home.metered(pump, "temperature_celsius") == pytest.approx(20.5, abs=1.5)


@pytest.mark.time_limit(900)
def test_within_days_the_plan_knows_how_the_zones_answer(home: Home) -> None:
    home.wait(lambda: home.reasons("zone-1") == [] and home.reasons("zone-2") == [], 850)


@pytest.mark.time_limit(400)
def test_then_they_are_heated_while_energy_is_cheap(home: Home) -> None:
    """A day later: warmest told by night, and never below comfort."""
    time.sleep(26 * 3600 / RATE)
    for pump in ("pump-1", "pump-2"):
        commands = home.told(pump)
        at_night = [each.value for each in commands if _hour(each) < 6]
        by_day = [each.value for each in commands if 8 <= _hour(each) < 22]
        assert max(at_night) > max(by_day)
        assert min(each.value for each in commands) >= 20.0
        assert 19.5 < home.metered(pump, "temperature_celsius") < 23.5


@pytest.mark.time_limit(400)
def test_one_that_falls_silent_costs_itself_alone(home: Home) -> None:
    home.pumps["pump-2"].kill()
    home.wait(lambda: home.remedies("zone-2") == [planner_pb2.REMEDY_LEFT_OUT], 300)
    assert home.reasons("zone-2") == [planner_pb2.DEGRADATION_REASON_STALE]
    assert home.reasons("zone-1") == []


def _hour(command: control_pb2.Command) -> int:
    return command.range.start_time.ToDatetime(tzinfo=UTC).hour


def _is(ask: Callable[[str], object], of: str, wanted: object) -> bool:
    return ask(of) == wanted


def _verified(home: Home, pump: str) -> bool:
    verified = control_pb2.COMMAND_STATE_VERIFIED
    return any(each.state == verified for each in home.told(pump))
