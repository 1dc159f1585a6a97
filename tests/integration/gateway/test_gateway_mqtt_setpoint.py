"""Devices on MQTT that are set, on the real local broker: told, obeyed, heard, released."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest

from tests.fakes.gateway_hostile import telegrams_of_a_hostile_device
from tests.fakes.gateway_world import free_port
from tests.fakes.mqtt_settable import FakeMqttDevice, mqtt_device
from tests.fakes.ocpp_gateway import CHARGER, Kept
from wattmesh_gateway.app.ports import Sets
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable, ProfileError
from wattmesh_gateway.drivers.mqtt.broker import parse_broker
from wattmesh_gateway.drivers.mqtt.driver import MqttDriver
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_gateway.profiles.parse import parse_profile
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.ids import GatewayId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import Device, MqttConnection
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_runtime.aio.tasks import BackgroundTasks

HOUR = timedelta(hours=1)
POISON = telegrams_of_a_hostile_device()
CURRENT, POWER, SWITCH, TEMPERATURE = (
    SetpointKind.CURRENT_A,
    SetpointKind.ACTIVE_POWER_W,
    SetpointKind.ON_OFF,
    SetpointKind.TEMPERATURE_CELSIUS,
)
MINE = """
title: A charger
protocol: mqtt
source: a test
telegrams:
  - topic: "{address}/state"
    time: {format: arrival}
    points:
      active_power_w: {path: power}
setpoints:
  current_a:
    topic: "{address}/set"
    payload: '{"amps": {setpoint}, "seconds": {lease_seconds}}'
    decimals: 1
    least: 6
    most: 16
    retain: true
    read_back: {topic: "{address}/state", path: amps, within_seconds: 0.3}
    release: {payload: '{"amps": 6}', value: 6}
"""


@dataclass(slots=True)
class World:
    stack: AsyncExitStack
    broker: DurableBroker
    driver: MqttDriver
    kept: Kept

    async def open(self, profile_name: str, address: str, *, ready: bool = True) -> Sets:
        profile = (
            parse_profile("mine", "mine.yaml", MINE, SCHEMAS)
            if profile_name == "mine"
            else load_profiles(SCHEMAS)[profile_name]
        )
        device = Device(
            id=CHARGER,
            profile=profile_name,
            gateway=GatewayId("test"),
            connection=MqttConnection(address=address),
            reporting_interval=timedelta(minutes=1),
            points=frozenset({"active_power_w"}),
        )
        opened = await self.driver.open(device, profile)
        assert opened.listens is not None
        assert opened.sets is not None
        opened.listens.begin()
        assert await self.driver.wait_ready(10.0 if ready else 0.0) is ready
        return opened.sets

    async def device(self, heard_on: str, says_on: str, key: str = "") -> FakeMqttDevice:
        def say(held: str) -> object:
            return {key: held} if key else float(held)

        return await self.stack.enter_async_context(
            mqtt_device(self.broker.port, heard_on, says_on, say)
        )

    async def mine(self) -> FakeMqttDevice:
        def say(held: str) -> object:
            return {"power": 1.0, "amps": float(held.split(":")[1].split(",")[0].strip("} "))}

        return await self.stack.enter_async_context(
            mqtt_device(self.broker.port, "car/set", "car/state", say)
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(
            DurableBroker("127.0.0.1:0", tmp_path / "broker.sqlite")
        )
        background = await stack.enter_async_context(BackgroundTasks())
        kept = Kept()
        address = parse_broker(f"mqtt://127.0.0.1:{broker.port}")
        driver = MqttDriver(address, "wattmesh-test", kept, SystemClock())
        background.start(driver.run())
        yield World(stack=stack, broker=broker, driver=driver, kept=kept)


async def test_a_setpoint_is_published_obeyed_and_read_back(world: World) -> None:
    sets = await world.open("go-e-charger", "123456")
    device = await world.device("go-eCharger/123456/amp/set", "go-eCharger/123456/amp")
    applied = await sets.apply(POWER, 11_040.0, HOUR)
    assert (await applied.read_back()).mismatch == ""
    assert device.told == ["16"]
    assert (await sets.holds(POWER, 11_040.0)).mismatch == ""
    assert (await sets.release(POWER)).mismatch == ""
    assert device.told == ["16", "6"]


async def test_a_charger_that_takes_nothing_out_of_a_vehicle_is_not_told_to(world: World) -> None:
    sets = await world.open("go-e-charger", "123456")
    device = await world.device("go-eCharger/123456/amp/set", "go-eCharger/123456/amp")
    for kind, value in ((POWER, -4140.0), (CURRENT, -6.0)):
        with pytest.raises(DeviceRefused, match="below the lowest"):
            await sets.apply(kind, value, HOUR)
    assert device.told == []


async def test_what_only_says_what_is_held_is_no_telegram(world: World) -> None:
    sets = await world.open("go-e-charger", "123456")
    await world.device("go-eCharger/123456/amp/set", "go-eCharger/123456/amp")
    await (await sets.apply(CURRENT, 10.0, HOUR)).read_back()
    assert [each for each in world.kept.deliveries if not each.telegrams] == []


async def test_the_lease_goes_to_the_device_that_has_a_timer(world: World) -> None:
    sets = await world.open("mine", "car")
    device = await world.mine()
    applied = await sets.apply(CURRENT, 7.25, HOUR)
    assert applied.value == pytest.approx(7.2)
    assert device.told == [] or device.told == ['{"amps": 7.2, "seconds": 3600}']
    assert (await applied.read_back()).mismatch == ""
    assert device.told == ['{"amps": 7.2, "seconds": 3600}']
    assert sets.ends_by_itself(CURRENT)


async def test_a_device_that_does_not_obey_is_a_mismatch(world: World) -> None:
    sets = await world.open("mine", "car")
    device = await world.mine()
    await (await sets.apply(CURRENT, 8.0, HOUR)).read_back()
    device.obeys = False
    found = await (await sets.apply(CURRENT, 16.0, HOUR)).read_back()
    assert found.mismatch == "it holds 8.0, not 16"


async def test_what_was_said_before_does_not_count_as_an_answer(world: World) -> None:
    sets = await world.open("mine", "car")
    device = await world.mine()
    await (await sets.apply(CURRENT, 8.0, HOUR)).read_back()
    device.speaks = False
    again = await sets.apply(CURRENT, 8.0, HOUR)
    with pytest.raises(DeviceUnavailable, match="did not say"):
        await again.read_back()


async def test_what_the_device_cannot_do_is_refused_unpublished(world: World) -> None:
    sets = await world.open("mine", "car")
    device = await world.mine()
    for value in (4.0, 17.0):
        with pytest.raises(DeviceRefused):
            await sets.apply(CURRENT, value, HOUR)
    with pytest.raises(DeviceRefused):
        await sets.apply(POWER, 5000.0, HOUR)
    assert device.told == []


async def test_a_switch_is_told_in_its_own_words(world: World) -> None:
    sets = await world.open("tasmota-switch", "plug")
    device = await world.device("cmnd/plug/POWER", "stat/plug/RESULT", key="POWER")
    assert (await (await sets.apply(SWITCH, 0.0, HOUR)).read_back()).mismatch == ""
    assert (await sets.release(SWITCH)).mismatch == ""
    assert device.told == ["OFF", "ON"]


async def test_a_thermostat_is_told_the_nearest_half_degree_and_its_mode(world: World) -> None:
    sets = await world.open("zigbee2mqtt-thermostat", "bath")
    told = "zigbee2mqtt/bath/set", "zigbee2mqtt/bath"

    def say(held: str) -> object:
        return {"local_temperature": 19.8, **json.loads(held)}

    device = await world.stack.enter_async_context(mqtt_device(world.broker.port, *told, say))
    applied = await sets.apply(TEMPERATURE, 20.8, HOUR)
    assert applied.value == 21.0
    assert (await applied.read_back()).mismatch == ""
    assert (await (await sets.apply(SWITCH, 0.0, HOUR)).read_back()).mismatch == ""
    assert (await sets.release(TEMPERATURE)).mismatch == ""
    assert [json.loads(each) for each in device.told] == [
        {"occupied_heating_setpoint": 21.0},
        {"system_mode": "off"},
        {"occupied_heating_setpoint": 20},
    ]


async def test_a_device_behind_a_broker_that_is_away_is_unavailable(world: World) -> None:
    away = parse_broker(f"mqtt://127.0.0.1:{free_port()}")
    nobody = replace(world, driver=MqttDriver(away, "wattmesh-test", world.kept, SystemClock()))
    sets = await nobody.open("mine", "car", ready=False)
    with pytest.raises(DeviceUnavailable, match="away"):
        await sets.apply(CURRENT, 8.0, HOUR)


@pytest.mark.parametrize("said", POISON.values(), ids=POISON)
async def test_whatever_a_device_says_of_its_setpoint_is_its_own_trouble(
    world: World, said: bytes
) -> None:
    sets = await world.open("mine", "car")
    await world.mine()
    async with aiomqtt.Client("127.0.0.1", world.broker.port, identifier="hostile") as client:
        await client.publish("car/state", said, qos=1)
    assert (await (await sets.apply(CURRENT, 8.0, HOUR)).read_back()).mismatch == ""


def test_a_setpoint_without_a_read_back_says_so() -> None:
    text = MINE.replace(
        'read_back: {topic: "{address}/state", path: amps, within_seconds: 0.3}', ""
    )
    with pytest.raises(ProfileError, match="needs a 'read_back', or 'verify: false'"):
        parse_profile("mine", "mine.yaml", text, SCHEMAS)
