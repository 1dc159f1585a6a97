"""Work, water and a vehicle that gives, by schedule, as a plan hands it over, on real processes.

Real control, real gateway, real protocol: schedule → command → device → read-back → effect at its
meter, on a clock that runs sixty times as
fast. One appliance is permitted to start and is empty: its command is carried out, and its meter
cannot tell. Run by `make check-devices`.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes.control_metering import ControlMetering
from tests.fakes.control_process import ControlWorld, eventually, running_control
from tests.fakes.eventually import eventually as becomes
from tests.fakes.gateway_world import GATEWAY, gateway_world
from wattmesh.control.v1 import control_pb2 as pb
from wattmesh.control.v1 import effect_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_contracts.values import time_range_to_proto
from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import (
    Asset,
    DeferrableRating,
    Device,
    DeviceFunction,
    EvChargerRating,
    MeterRole,
    MqttConnection,
    Rating,
)
from wattmesh_kernel.sites.thermal import CopPoint, HeatPumpRating, TankRating
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_twin.adapters.appliance_mqtt import MqttAppliance
from wattmesh_twin.adapters.tank_mqtt import MqttTank
from wattmesh_twin.adapters.v2g_charger import SAFE_POWER_W, V2gChargerTwin
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.appliance import Programme
from wattmesh_twin.domain.charger import Charger, FixedOffer, Visit
from wattmesh_twin.domain.vehicle import VehicleSpec
from wattmesh_twin.hot_water import HotWaterSettings, tank_twin

SITE = SiteId("home-1")
MINUTE = timedelta(minutes=1)
RANGE = 10 * MINUTE
RATE = 60.0
HEATER = HeatPumpRating(
    max_power_w=2000.0, cop_points=(CopPoint(outdoor_temperature_celsius=0.0, cop_ratio=3.0),)
)
TANK = TankRating(
    capacity_wh_per_k=290.0,
    min_temperature_celsius=45.0,
    max_temperature_celsius=65.0,
    heater=HEATER,
)
WORK = DeferrableRating(max_power_w=2000.0)
PORT = EvChargerRating(max_current_a=16.0, max_discharge_power_w=7000.0)
CAR = VehicleSpec(capacity_wh=60_000.0, max_discharge_power_w=7000.0, least_soc_ratio=0.3)


@dataclass
class Meter:
    """What a device drew, as it was looked at: means over intervals, NaN where nobody looked."""

    power_w: Callable[[], float]
    seen: list[tuple[datetime, float]] = field(default_factory=list)

    def __call__(self, span: TimeRange, count: int) -> NDArray[np.float64]:
        dt = span.duration / count
        found = np.full(count, np.nan)
        for index in range(count):
            start = span.start + index * dt
            inside = [w for at, w in self.seen if start <= at < start + dt]
            if inside:
                found[index] = np.mean(inside) + 0.5 * (index % 2)
        return found


def thing(name: str, profile: str, rating: Rating) -> tuple[Asset, Device]:
    device = Device(
        id=DeviceId(SITE, name),
        profile=profile,
        gateway=GatewayId.parse(GATEWAY),
        connection=MqttConnection(address=name),
        reporting_interval=MINUTE,
        points=frozenset({"active_power_w", "import_energy_wh"}),
        functions=(
            DeviceFunction(asset=AssetId(SITE, name), controls=True, meter_role=MeterRole.MAIN),
        ),
    )
    return Asset(id=AssetId(SITE, name), rating=rating), device


def schedule(name: str, kind: setpoint_pb2.SetpointKind.ValueType, value: float, span: TimeRange):  # type: ignore[no-untyped-def]
    setpoint = pb.Setpoint(range=time_range_to_proto(span), value=value)
    device = f"{SITE.name}/devices/{name}"
    return pb.DeviceSchedule(device=device, kind=kind, setpoints=[setpoint])


@pytest.mark.time_limit(240)
async def test_what_a_plan_hands_over_reaches_devices_and_its_effect_is_judged(
    database_url: str, tmp_path: Path
) -> None:
    clock = ScaledClock(
        sim_start=datetime(2026, 1, 5, 9, tzinfo=UTC), wall_start=datetime.now(UTC), rate=RATE
    )
    washer, empty = ApplianceTwin(clock, own=False), ApplianceTwin(clock, own=False)
    washer.load(Programme(powers_w=(2000.0,) * 600))
    water = tank_twin(
        HotWaterSettings(listen_address="127.0.0.1:0", mqtt_url="mqtt://-", setpoint_celsius=60.0),
        clock,
    )
    water.order(replace(water.orders, own_celsius=70.0))
    now = clock.now()
    visit = Visit(
        arrival=now - MINUTE, departure=now + 600 * MINUTE, vehicle=CAR, arrival_soc_ratio=0.6
    )
    vehicle = ChargerTwin(Charger(visits=(visit,)), FixedOffer(offered_a=0.0), clock)
    pairs = {
        "port": thing("port", "mqtt-v2g-charger", PORT),
        "washer": thing("washer", "mqtt-appliance", WORK),
        "empty": thing("empty", "mqtt-appliance", WORK),
        "water": thing("water", "mqtt-hot-water", TANK),
    }
    meters = {
        "port": Meter(lambda: vehicle.look().power_w),
        "washer": Meter(lambda: washer.power_w),
        "empty": Meter(lambda: empty.power_w),
        "water": Meter(lambda: water.look().state.power_w),
    }
    metering = ControlMetering(*(each for pair in pairs.values() for each in pair))
    metering.powers = {
        f"{SITE.name}/devices/{name}/points/active_power_w": each for name, each in meters.items()
    }
    async with AsyncExitStack() as stack:
        control = await stack.enter_async_context(
            running_control(
                database_url,
                clock,  # type: ignore[arg-type]
                metering,
                effect_interval_seconds=60.0,
                effect_look_seconds=30.0,
            )
        )
        world = await stack.enter_async_context(gateway_world(tmp_path))
        world.gateway._environment |= {
            "WATTMESH_CLOCK": format_clock_spec(clock),
            "WATTMESH_CONTROL_TARGET": control.target,
        }
        world.sites.change(
            *(device for _, device in pairs.values()),
            deleted=tuple(each.name for each in world.devices()),
        )
        background = await stack.enter_async_context(BackgroundTasks())
        url = f"mqtt://127.0.0.1:{world.broker_port}"
        for twin, name in ((washer, "washer"), (empty, "empty")):
            background.start(MqttAppliance(twin, url, name, MINUTE).run())
        background.start(V2gChargerTwin(vehicle, 11_040.0, url, "port", MINUTE).run())
        background.start(MqttTank(water, url, "water", MINUTE).run())

        async def look() -> None:
            while True:
                for each in meters.values():
                    each.seen.append((clock.now(), each.power_w()))
                await asyncio.sleep(0.05)

        background.start(look())
        await world.gateway.start()
        await eventually(lambda: _serves(world.gateway.log), 90)
        span = TimeRange.of(clock.now() + MINUTE, RANGE)
        on, power = (
            setpoint_pb2.SETPOINT_KIND_ON_OFF,
            setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
        )
        request = pb.SubmitScheduleRequest(
            request_id="r1",
            source="plans/p1",
            owner="planner",
            priority=10,
            schedules=[
                schedule("washer", on, 1.0, span),
                schedule("empty", on, 1.0, span),
                schedule("water", power, 700.0, span),
                schedule("port", power, -3000.0, span),
            ],
        )
        await control.stub.SubmitSchedule(request)
        await eventually(lambda: _all(control, pb.COMMAND_STATE_VERIFIED), 60)
        assert (washer.power_w, empty.power_w) == (2000.0, 0.0)
        assert water.look().most_w == 700.0
        assert vehicle.look().power_w == -3000.0
        verdicts = await eventually(lambda: _judged(control), 90)
    assert verdicts["washer"] == effect_pb2.EFFECT_CONFIRMED
    assert verdicts["port"] == effect_pb2.EFFECT_CONFIRMED, "its meter saw it give"
    assert verdicts["water"] == effect_pb2.EFFECT_CONFIRMED
    assert verdicts["empty"] == effect_pb2.EFFECT_UNKNOWN, "it was permitted, and had nothing to do"
    # Everything is gone: a vehicle gives for as long as its lease is, and then is charged.
    await becomes(lambda: vehicle.look().power_w == SAFE_POWER_W, 90)
    # The lease of its permission ends by itself, and it goes on to its end.
    await becomes(lambda: not washer.permitted, 90)
    assert washer.power_w == 2000.0


async def _serves(log: str) -> bool | None:
    return "serving on" in log or None


async def _all(control: ControlWorld, state: pb.CommandState.ValueType) -> bool | None:
    commands = await control.commands()
    return (len(commands) == 4 and all(each.state == state for each in commands)) or None


async def _judged(control: ControlWorld) -> dict[str, int] | None:
    """Return the final verdict of each command, once all have one."""
    commands = await control.commands()
    found = {
        each.device.rpartition("/")[2]: each.effect_verdict
        for each in commands
        if each.HasField("effect_verdict")
    }
    if len(found) < 4 or not all(each.final for each in found.values()):
        return None
    return {name: each.effect for name, each in found.items()}
