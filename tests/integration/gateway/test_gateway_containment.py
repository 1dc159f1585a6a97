"""Hostile devices beside healthy ones, on real sockets and a real broker: nothing spreads."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import aiomqtt
import grpc
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.fakes.eventually import within
from tests.fakes.gateway_control import State
from tests.fakes.gateway_hostile import ANSWERS, HostileModbus, telegrams_of_a_hostile_device
from tests.fakes.gateway_world import (
    BATTERY,
    METER,
    GatewayWorld,
    gateway_world,
    telegram,
    until,
)
from tests.fakes.sunspec_device import FakeUnit, ModbusServer, battery_unit
from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh_gateway.drivers.mqtt.profile import MqttProfile
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.sites import (
    Connection,
    Device,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
)
from wattmesh_runtime.testing import channel_for_test

START = datetime(2026, 1, 1, tzinfo=UTC)
VERIFIED = State.COMMAND_STATE_VERIFIED
KINDS = (*ANSWERS, "closes", "silent", "banner", "anything")
POISON = telegrams_of_a_hostile_device()
PROFILES = load_profiles(SCHEMAS)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path) as made:
        yield made


def scaled_by(exponent: int) -> FakeUnit:
    unit = battery_unit()
    for point in ("W_SF", "TotWh_SF"):
        unit.put((701, point), exponent)
    unit.put((702, "W_SF"), exponent)
    unit.put((713, "Pct_SF"), exponent)
    return unit


def model_of_length(length: int) -> FakeUnit:
    unit = battery_unit()
    unit.registers[unit.address((701, "L")) - unit.base] = length
    return unit


def device_at(world: GatewayWorld, name: str, host: str, port: int) -> Device:
    battery, _ = world.devices(timedelta(seconds=1))
    return replace(
        battery,
        id=DeviceId(SiteId("home-1"), name),
        connection=ModbusTcpConnection(host=host, port=port, unit_id=2),
    )


POLLED = ("keba-p30", "amperfied-energy-control", "askoma-askoheat", "sunspec-generator")
SPEAKING = ("go-e-charger", "mqtt-hot-water", "tasmota-sg-ready", "zigbee2mqtt-plug")
CHARGE_POINT_SAYS = (
    "\x00garbage",
    '[2,"1","StopTransaction",{"transactionId":%s,"meterStop":1,"timestamp":"2026-01-01T00:00:00Z"}]'
    % (10**40),
    '[2,"1","StartTransaction",{"connectorId":%s,"idTag":"a","meterStart":1,'
    '"timestamp":"2026-01-01T00:00:00Z"}]' % (10**40),
    '[2,"1","StartTransaction",{"connectorId":1,"idTag":"\\ud800","meterStart":1,'
    '"timestamp":"2026-01-01T00:00:00Z"}]',
    '[3,"wattmesh-1",{"status":[1],"chargingSchedule":{"chargingSchedulePeriod":[{"limit":1e400}]}}]',
    '[2,"1","MeterValues"',
)


def of_kind(world: GatewayWorld, name: str, profile: str, connection: Connection) -> Device:
    battery, _ = world.devices(timedelta(seconds=1))
    points = PROFILES[profile].quantities
    id_ = DeviceId(SiteId("home-1"), name)
    return replace(battery, id=id_, profile=profile, connection=connection, points=points)


async def hostile_of_other_kinds(world: GatewayWorld, stack: AsyncExitStack) -> Sequence[Device]:
    """Devices of other protocols and profiles that answer, or are said to say, anything."""
    devices = [
        of_kind(world, name, name, MqttConnection(address=f"bad/{name}")) for name in SPEAKING
    ]
    point = OcppConnection(charge_point_id="bad", connector_id=1)
    devices.append(of_kind(world, "bad-charge-point", "ocpp-charge-point", point))
    for number, name in enumerate(POLLED):
        server = await stack.enter_async_context(HostileModbus("anything", seed=100 + number))
        modbus = ModbusTcpConnection(host="127.0.0.1", port=server.port, unit_id=2)
        devices.append(of_kind(world, name, name, modbus))
    return devices


def topics_of(profile: str) -> Sequence[str]:
    found = PROFILES[profile]
    assert isinstance(found, MqttProfile)
    address = f"bad/{profile}"
    said = [each.topic_of(address) for each in found.telegrams]
    return [*said, *(each.topic_of(address) for each in found.session)]


async def spread_poison(world: GatewayWorld) -> None:
    """Say nonsense on every topic of the devices of other kinds, and as the charge point."""
    async with aiomqtt.Client("127.0.0.1", world.broker_port, identifier="poison") as client:
        for topic in (each for name in SPEAKING for each in topics_of(name)):
            for payload in POISON.values():
                if len(payload) < 10_000:
                    await client.publish(topic, payload, qos=1)
    url = f"ws://127.0.0.1:{world.ocpp_port}/bad"
    for said in CHARGE_POINT_SAYS:  # each breaks off without a goodbye
        async with connect(url, subprotocols=[Subprotocol("ocpp1.6")]) as socket:
            await socket.send(said)
            await socket.send('[2,"next","Heartbeat",{}]')
            await socket.recv()
            socket.transport.abort()


async def hostile_devices(world: GatewayWorld, stack: AsyncExitStack) -> Sequence[Device]:
    devices = [device_at(world, "no-host", "a..b", 502)]
    for number, kind in enumerate(KINDS):
        server = await stack.enter_async_context(HostileModbus(kind, seed=number))
        devices.append(device_at(world, f"hostile-{number}", "127.0.0.1", server.port))
    for number, unit in enumerate(
        (scaled_by(400), scaled_by(-400), model_of_length(30_000), model_of_length(0xFFFF))
    ):
        sunspec = await stack.enter_async_context(ModbusServer(unit))
        devices.append(device_at(world, f"sunspec-{number}", "127.0.0.1", sunspec.port))
    return devices


@pytest.mark.time_limit(120)
async def test_hostile_devices_hurt_only_themselves_also_over_a_restart(
    world: GatewayWorld,
) -> None:
    async with AsyncExitStack() as stack:
        hostile = [
            *await hostile_devices(world, stack),
            *await hostile_of_other_kinds(world, stack),
        ]
        world.sites.change(*world.devices(timedelta(seconds=1)), *hostile)
        await world.gateway.start()
        await world.serving()
        await world.control.connected()
        await world.publish(*POISON.values(), telegram(0, START))
        await spread_poison(world)
        await command_and_verify(world, 1)
        # Poison that the broker kept while the gateway was away comes with the next start.
        assert await world.gateway.stop() == 0
        await world.publish(*POISON.values(), telegram(1, START))
        world.control.statuses.clear()
        await world.gateway.start()
        await world.control.wait_for_device(BATTERY, online=True)
        await until(lambda: world.meter_values() == [0.0, 1.0])
        await command_and_verify(world, 2)
        polled = (await world.gateway.status()).readings_polled
        # Something that an MQTT device says makes sense by chance, as a number or a time.
        by_chance = {f"sites/home-1/devices/{name}" for name in SPEAKING}
        async with within(20):
            for spoken in count(2):  # the meter, too, is lost when it is silent for three seconds
                await world.publish(telegram(spoken, START))
                await asyncio.sleep(0.5)
                status = await world.gateway.status()
                online = {each.device for each in status.devices if each.online} - by_chance
                assert online <= {BATTERY, METER}
                if online == {BATTERY, METER} and status.readings_polled >= polled + 2 * 4:
                    break
        assert status.telegrams_quarantined >= 2 * (len(POISON) - 1)
        assert await world.gateway.stop() == 0
        assert "Traceback" not in world.gateway.log


async def command_and_verify(world: GatewayWorld, sequence: int) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    world.control.dispatch(f"commands/c{sequence}", BATTERY, 1000.0 + sequence, end, sequence)
    async with within(20):
        verified = await world.control.wait_for(f"commands/c{sequence}", VERIFIED)
    assert verified.value == 1000.0 + sequence


async def test_what_was_set_aside_is_told_and_replayed(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.serving()
    await world.publish(b"no json", POISON["400 digits"], telegram(0, START))
    await until(lambda: world.meter_values() == [0.0])
    async with channel_for_test(f"127.0.0.1:{world.gateway.port}") as channel:
        stub = gateway_pb2_grpc.GatewayServiceStub(channel)
        listed = await stub.ListQuarantinedTelegrams(
            gateway_pb2.ListQuarantinedTelegramsRequest(parent=METER)
        )
        replayed = await stub.ReplayQuarantinedTelegrams(
            gateway_pb2.ReplayQuarantinedTelegramsRequest()
        )
        one = await stub.GetQuarantinedTelegram(
            gateway_pb2.GetQuarantinedTelegramRequest(name=listed.quarantined_telegrams[1].name)
        )
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await stub.GetQuarantinedTelegram(
                gateway_pb2.GetQuarantinedTelegramRequest(name="quarantinedTelegrams/99")
            )
    assert one.quarantined_telegram == listed.quarantined_telegrams[1]
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    assert [each.payload for each in listed.quarantined_telegrams] == [
        b"no json",
        POISON["400 digits"],
    ]
    assert {each.device for each in listed.quarantined_telegrams} == {METER}
    assert (replayed.telegrams_replayed, replayed.telegrams_understood) == (2, 0)


async def test_a_rebooted_device_gets_its_setpoint_again_and_control_is_told(
    world: GatewayWorld,
) -> None:
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    await command_and_verify(world, 1)
    world.battery.put((704, "WSet"), 0)
    world.battery.put((704, "WSetEna"), 0)
    async with within(20):
        drifted = await world.control.wait_for_event("DRIFTED")
        again = await world.control.wait_for_event("REAPPLIED")
    assert (drifted.command, drifted.device, drifted.value) == ("commands/c1", BATTERY, 0.0)
    assert again.value == 1001.0
    assert world.battery.get((704, "WSetEna")) == 1


async def test_a_command_withdrawn_while_the_link_to_the_device_is_dead_is_released_later(
    world: GatewayWorld,
) -> None:
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    await command_and_verify(world, 1)
    await world.modbus.stop()
    world.control.cancel("commands/c1", BATTERY)
    async with within(20):
        pending = await world.control.wait_for_event("RELEASE_PENDING")
    assert "withdrawn" in pending.message
    assert world.battery.get((704, "WSetEna")) == 1
    await world.modbus.start()
    async with within(20):
        await world.control.wait_for("commands/c1", State.COMMAND_STATE_CANCELLED)
    assert world.battery.get((704, "WSetEna")) == 0


@pytest.mark.time_limit(90)
async def test_a_stop_ends_within_its_grace_while_fifty_devices_hang(world: GatewayWorld) -> None:
    async with AsyncExitStack() as stack:
        hanging = [
            device_at(
                world,
                f"hanging-{number}",
                "127.0.0.1",
                (await stack.enter_async_context(HostileModbus("silent"))).port,
            )
            for number in range(50)
        ]
        world.sites.change(*world.devices(timedelta(seconds=1)), *hanging)
        for turn in range(3):
            await world.gateway.start()
            await world.control.wait_for_device(BATTERY, online=True)
            world.control.statuses.clear()
            end = datetime.now(UTC) + timedelta(hours=1)
            for number, device in enumerate(hanging):
                command = f"commands/t{turn}-{number}"
                world.control.dispatch(command, device.name, 1.0, end, turn + 1)
            await asyncio.sleep(0.3 + 0.4 * turn)
            async with within(10):
                assert await world.gateway.stop() == 0
        assert "left behind" not in world.gateway.log
