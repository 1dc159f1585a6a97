"""The gateway as a process, with a real broker, Modbus devices, metering and control."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from tests.fakes.eventually import within
from tests.fakes.gateway_control import State
from tests.fakes.gateway_world import (
    BATTERY,
    GATEWAY,
    METER,
    GatewayWorld,
    gateway_world,
    telegram,
    until,
)
from wattmesh.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.sites import CustomConnection
from wattmesh_runtime.testing import channel_for_test

START = datetime(2026, 1, 1, tzinfo=UTC)
VERIFIED = State.COMMAND_STATE_VERIFIED


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[GatewayWorld]:
    async with gateway_world(tmp_path) as made:
        yield made


def telegrams(first: int, count: int) -> list[bytes]:
    return [telegram(index, START) for index in range(first, first + count)]


def lease_end() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


async def test_readings_of_both_protocols_reach_metering_once(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.serving()
    await world.publish(*telegrams(0, 20))
    await until(lambda: len(world.metering.stored) == 20 * 3 + 4)
    status = await world.forwarded(20 * 3 + 4)
    assert world.meter_values() == [float(index) for index in range(20)]
    assert set(world.metering.sources) == {GATEWAY}
    assert set(world.metering.arrivals.values()) == {1}
    assert (status.telegrams_received, status.readings_received) == (20, 60)
    assert (status.readings_polled, status.readings_forwarded) == (4, 64)
    assert [(device.device, device.online) for device in status.devices] == [
        (BATTERY, True),
        (METER, True),
    ]
    assert await world.gateway.stop() == 0


async def test_a_telegram_that_makes_no_sense_is_counted_and_stops_nothing(
    world: GatewayWorld,
) -> None:
    await world.gateway.start()
    await world.serving()
    await world.publish(b"\x00garbage", b"{}", *telegrams(0, 1), b"[1]", *telegrams(1, 1))
    await until(lambda: world.meter_values() == [0.0, 1.0])
    status = await world.gateway.status()
    assert (status.telegrams_received, status.readings_rejected) == (5, 3)
    assert world.gateway.log.count("rejected") == 1


async def test_it_says_whether_anything_that_devices_publish_is_missed(
    world: GatewayWorld,
) -> None:
    """A meter that speaks once it is said has lost no word, and the broker keeps for nobody."""
    await world.stop_broker()
    await world.gateway.start()
    await world.serving()
    status = await world.gateway.status()
    assert METER in {each.device for each in status.devices}
    assert not status.listening
    await world.start_broker()
    async with within(20):
        while not (await world.gateway.status()).listening:
            await asyncio.sleep(0.05)
    await world.gateway.kill()
    await world.publish(*telegrams(0, 5))
    await world.gateway.start()
    await until(lambda: len(world.meter_values()) == 5)


async def test_metering_away_and_back_loses_nothing(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.serving()
    await world.publish(*telegrams(0, 5))
    await until(lambda: len(world.meter_values()) == 5)
    await world.metering_server.stop()
    await world.publish(*telegrams(5, 300))
    async with within(20):
        while (await world.gateway.status()).readings_spooled < 900:
            await asyncio.sleep(0.05)
    await world.metering_server.start()
    await until(lambda: len(world.meter_values()) == 305)
    await until(lambda: world.gateway.log.count("metering is back") == 1)
    assert world.gateway.log.count("metering lost") == 1


async def test_batches_that_were_not_acknowledged_are_sent_again(world: GatewayWorld) -> None:
    world.metering.mute = True
    await world.gateway.start()
    await world.serving()
    await world.publish(*telegrams(0, 10))
    await until(lambda: sum(map(len, world.metering.sequences)) >= 1)
    assert world.metering.stored == {}
    await world.metering_server.stop()
    world.metering.mute = False
    await world.metering_server.start()
    await until(lambda: len(world.meter_values()) == 10)
    for sequences in world.metering.sequences:
        assert sequences == sorted(set(sequences))


async def test_a_reading_metering_refuses_does_not_hold_up_the_others(
    world: GatewayWorld,
) -> None:
    world.metering.refuse = frozenset({f"{METER}/points/export_energy_wh"})
    await world.gateway.start()
    await world.serving()
    await world.publish(*telegrams(0, 3))
    await until(lambda: len(world.metering.stored) == 3 * 2 + 4)
    assert (await world.forwarded(3 * 3 + 4)).readings_spooled == 0
    assert world.gateway.log.count("metering refused a reading of") == 1


async def test_the_broker_away_and_back_loses_nothing(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.serving()
    await world.publish(*telegrams(0, 3))
    await until(lambda: len(world.meter_values()) == 3)
    await world.stop_broker()
    await asyncio.sleep(0.3)
    await world.start_broker()
    await world.publish(*telegrams(3, 3))  # the gateway may not be back yet
    await until(lambda: len(world.meter_values()) == 6)
    assert world.gateway.log.count("MQTT broker") == 2  # lost once, back once


async def test_what_is_published_while_the_gateway_is_away_arrives(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.serving()
    await world.gateway.kill()
    await world.publish(*telegrams(0, 50))
    await world.gateway.start()
    await until(lambda: len(world.meter_values()) == 50)


@pytest.mark.time_limit(90)
async def test_a_gateway_killed_again_and_again_loses_and_doubles_nothing(
    world: GatewayWorld,
) -> None:
    """Telegrams flow without a pause while the gateway is killed at six odd moments."""
    await world.gateway.start()
    await world.serving()
    count = 900

    async def flow() -> None:
        for first in range(0, count, 10):
            await world.publish(*telegrams(first, 10))
            await asyncio.sleep(0.05)

    flowing = asyncio.create_task(flow())
    for moment in (0.31, 0.87, 0.55, 1.03, 0.72, 0.66):
        await asyncio.sleep(moment)
        await world.gateway.kill()
        await world.gateway.start()
    await flowing
    await until(lambda: len(world.meter_values()) == count, 30)
    await asyncio.sleep(0.5)
    status = await world.gateway.status()
    assert world.meter_values() == [float(index) for index in range(count)]
    # Exact over all kills: each reading was counted when it was put on disk, and only then.
    assert status.readings_received == 3 * count
    assert status.readings_rejected == 0
    assert status.readings_spooled == 0
    assert status.readings_forwarded == status.readings_received + status.readings_polled


async def test_the_gateway_starts_without_metering_with_the_devices_it_knew(
    world: GatewayWorld,
) -> None:
    await world.gateway.start()
    await world.serving()
    await world.gateway.stop()
    await world.metering_server.stop()
    world.metering.stored.clear()
    await world.gateway.start()
    await world.publish(*telegrams(0, 4))
    async with within(10):
        while (await world.gateway.status()).readings_spooled < 4 * 3 + 4:
            await asyncio.sleep(0.05)
    await world.metering_server.start()
    await until(lambda: len(world.meter_values()) == 4)


async def test_a_setpoint_goes_down_and_its_reports_come_up(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    world.control.dispatch("commands/c1", BATTERY, 1234.0, lease_end(), 1)
    applied = await world.control.wait_for("commands/c1", State.COMMAND_STATE_APPLIED)
    verified = await world.control.wait_for("commands/c1", VERIFIED)
    assert world.control.hellos == [GATEWAY]
    assert (applied.value, verified.value) == (1234.0, 1234.0)
    assert world.battery.get((704, "WSet")) == (-1234) & 0xFFFF_FFFF
    assert 3590 < world.battery.get((704, "WSetRvrtTms")) <= 3600


async def test_a_command_repeated_after_a_kill_is_answered_and_not_written_again(
    world: GatewayWorld,
) -> None:
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    end = lease_end()
    world.control.dispatch("commands/c1", BATTERY, 1000.0, end, 1)
    await world.control.wait_for("commands/c1", VERIFIED)
    writes = len(world.battery.writes)
    await world.gateway.kill()
    world.control.reports.clear()
    await world.gateway.start()
    await until(lambda: len(world.control.hellos) == 2)
    # Without being asked: control may have missed the last words before the kill.
    await world.control.wait_for("commands/c1", VERIFIED)
    world.control.reports.clear()
    world.control.dispatch("commands/c1", BATTERY, 1000.0, end, 1)
    await world.control.wait_for("commands/c1", VERIFIED)
    assert len(world.battery.writes) == writes


async def test_a_report_made_while_control_was_away_is_told_when_it_is_back(
    world: GatewayWorld,
) -> None:
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    await world.modbus.stop()
    world.control.dispatch(
        "commands/c1", BATTERY, 1000.0, datetime.now(UTC) + timedelta(seconds=1.5), 1
    )
    await asyncio.sleep(0.3)
    await world.control_server.stop()
    await asyncio.sleep(1.6)
    await world.control_server.start()
    failed = await world.control.wait_for("commands/c1", State.COMMAND_STATE_FAILED)
    assert "no connection to" in failed.message


async def test_a_withdrawn_command_releases_the_battery(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    world.control.dispatch("commands/c1", BATTERY, 1000.0, lease_end(), 1)
    await world.control.wait_for("commands/c1", VERIFIED)
    world.control.cancel("commands/c1", BATTERY)
    await world.control.wait_for("commands/c1", State.COMMAND_STATE_CANCELLED)
    assert world.battery.get((704, "WSetEna")) == 0


async def test_a_device_lost_and_back_is_said_once_each(world: GatewayWorld) -> None:
    world.add_devices(interval=timedelta(seconds=1))
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    await world.modbus.stop()
    await world.control.wait_for_device(BATTERY, online=False)
    await asyncio.sleep(0.5)
    await world.modbus.start()
    await world.control.wait_for_device(BATTERY, online=True)
    lines = [line for line in world.gateway.log.splitlines() if BATTERY in line]
    assert [word for line in lines for word in ("lost", "back") if word in line] == [
        "lost",
        "back",
    ]


async def test_devices_follow_the_site_model_within_seconds(world: GatewayWorld) -> None:
    world.sites.change(deleted=(BATTERY, METER))
    await world.gateway.start()
    await world.serving()
    assert (await world.gateway.status()).devices == []
    world.sites.change(*world.devices())
    await until(lambda: len(world.metering.stored) == 4, 3)
    await asyncio.sleep(0.2)
    await world.publish(*telegrams(0, 1))
    await until(lambda: world.meter_values() == [0.0], 3)
    world.sites.change(deleted=(METER,))
    await asyncio.sleep(1)
    await world.publish(*telegrams(1, 1))
    await asyncio.sleep(0.3)
    assert [device.device for device in (await world.gateway.status()).devices] == [BATTERY]
    assert world.meter_values() == [0.0]


async def test_a_device_without_a_driver_is_offline_with_the_reason(world: GatewayWorld) -> None:
    battery, _ = world.devices()
    charger = replace(
        battery,
        id=DeviceId(SiteId("home-1"), "charger"),
        connection=CustomConnection(protocol="bacnet"),
        functions=(),
    )
    world.sites.change(charger)
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(charger.name, online=False)
    await world.control.wait_for_device(BATTERY, online=True)
    found = {each.device: each for each in (await world.gateway.status()).devices}
    assert not found[charger.name].online
    assert found[charger.name].message == "no driver for 'bacnet'; there are modbus_tcp, mqtt, ocpp"
    assert world.gateway.log.count("is left out") == 1


async def test_a_device_that_only_measures_refuses_setpoints(world: GatewayWorld) -> None:
    battery, _ = world.devices()
    measuring = replace(battery.functions[0], controls=False)
    world.sites.change(replace(battery, functions=(measuring,)))
    await world.gateway.start()
    await world.control.connected()
    await world.control.wait_for_device(BATTERY, online=True)
    world.control.dispatch("commands/c1", BATTERY, 1234.0, lease_end(), 1)
    refused = await world.control.wait_for("commands/c1", State.COMMAND_STATE_REFUSED)
    assert refused.message == "the device controls no asset"
    assert world.battery.writes == []


async def test_the_profiles_are_told_page_by_page(world: GatewayWorld) -> None:
    await world.gateway.start()
    await world.serving()
    async with channel_for_test(f"127.0.0.1:{world.gateway.port}") as channel:
        stub = gateway_pb2_grpc.GatewayServiceStub(channel)
        names, token = [], ""
        while True:
            page = await stub.ListDeviceProfiles(
                gateway_pb2.ListDeviceProfilesRequest(page_size=2, page_token=token)
            )
            names += [each.name for each in page.device_profiles]
            token = page.next_page_token
            if not token:
                break
        one = await stub.GetDeviceProfile(
            gateway_pb2.GetDeviceProfileRequest(name="deviceProfiles/sunspec-battery")
        )
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await stub.GetDeviceProfile(
                gateway_pb2.GetDeviceProfileRequest(name="deviceProfiles/none")
            )
    assert names == sorted(names)
    assert "deviceProfiles/mqtt-grid-meter" in names
    assert one.device_profile.protocol == "modbus_tcp"
    assert one.device_profile.setpoint_kinds == [
        setpoint_pb2.SETPOINT_KIND_ACTIVE_POWER_W,
        setpoint_pb2.SETPOINT_KIND_REACTIVE_POWER_VAR,
    ]
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
