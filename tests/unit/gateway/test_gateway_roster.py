"""The gateway follows the site model; one wrong device stops no other."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import eventually
from tests.fakes.gateway_driver import FakeDriver, fake_profile
from tests.fakes.manual_clock import ManualClock
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.app.follow_site_model import FollowSiteModel
from wattmesh_gateway.app.poll_devices import PollDevices
from wattmesh_gateway.app.ports import CannotSet
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.app.receive_telegrams import ReceiveTelegrams
from wattmesh_gateway.app.roster import Roster
from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.telegram import Telegram
from wattmesh_kernel.ids import AssetId, DeviceId, GatewayId, SiteId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.sites import (
    Connection,
    CustomConnection,
    Device,
    DeviceFunction,
    MeterRole,
    ModbusTcpConnection,
    MqttConnection,
    OcppConnection,
    SiteModelChange,
)
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_sitemodel.view import SiteModelView

START = datetime(2016, 9, 5, 7, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SITE = SiteId("home-1")
GATEWAY = GatewayId("local")
POWER = SetpointKind.ACTIVE_POWER_W


def device(name: str, profile: str, connection: Connection, **more: object) -> Device:
    made = Device(
        id=DeviceId(SITE, name),
        profile=profile,
        gateway=GATEWAY,
        connection=connection,
        points=frozenset({"soc_ratio"}),
        reporting_interval=QUARTER,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def controls(asset: str, **more: object) -> tuple[DeviceFunction, ...]:
    function = DeviceFunction(asset=AssetId(SITE, asset), controls=True)
    return (replace(function, **more),)  # type: ignore[arg-type]


METER = device("meter", "speaker", MqttConnection(address="home-1/meter"))
BATTERY = device(
    "battery", "answerer", ModbusTcpConnection(host="here"), functions=controls("battery")
)


class Bench:
    def __init__(self, spool: SqliteSpool, background: BackgroundTasks) -> None:
        self.clock = ManualClock(START)
        self.spool = spool
        self.background = background
        self.reachability = Reachability(self.clock)
        self.telegrams = ReceiveTelegrams(spool, self.reachability, self.clock)
        self.speaking = FakeDriver(self.telegrams, reads=False, sets=False)
        self.answering = FakeDriver()
        self.own = FakeDriver()
        self.roster = Roster(
            {"mqtt": self.speaking, "modbus_tcp": self.answering, "my-bus": self.own},
            {
                "speaker": fake_profile("speaker", "mqtt"),
                "answerer": fake_profile("answerer", "modbus_tcp"),
                "own": fake_profile("own", "my-bus"),
            },
            PollDevices(spool, self.reachability, self.clock, background),
            self.telegrams,
            self.reachability,
            self.clock,
        )
        self.view = SiteModelView(self.clock)
        self.revision = 0

    def message_of(self, name: str) -> str:
        return self.reachability.all[DeviceId(SITE, name)].message

    def why_not(self, of: Device, kind: SetpointKind = POWER) -> str | None:
        found = self.roster.may_set(of.id, kind)
        return found.why if isinstance(found, CannotSet) else None

    async def change_model(self, *devices: Device, deleted: str = "") -> None:
        self.revision += 1
        gone = frozenset({deleted} if deleted else ())
        await self.view.take(SiteModelChange(revision=self.revision, changed=devices, deleted=gone))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        SpoolDatabase(tmp_path / "spool.sqlite") as database,
        SqliteSpool(database, 1000) as spool,
        BackgroundTasks() as background,
    ):
        yield Bench(spool, background)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            device("heater", "heat", MqttConnection(address="heater")),
            "no profile 'heat'; there are answerer, own, speaker",
        ),
        (
            device("heater", "answerer", MqttConnection(address="heater")),
            "the profile 'answerer' is for 'modbus_tcp', not 'mqtt'",
        ),
        (
            device("heater", "own", OcppConnection(charge_point_id="c1")),
            "no driver for 'ocpp'; there are modbus_tcp, mqtt, my-bus",
        ),
        (
            device("heater", "own", CustomConnection(protocol="your-bus")),
            "no driver for 'your-bus'; there are modbus_tcp, mqtt, my-bus",
        ),
    ],
)
async def test_a_device_that_cannot_be_talked_to_stops_no_other_and_is_named_once(
    bench: Bench, wrong: Device, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    for devices in ([METER, wrong], [wrong, METER], [METER, wrong]):
        await bench.roster.change(devices)
    assert bench.speaking.heard == {METER.id}
    assert bench.message_of("heater") == message
    assert not bench.reachability.all[wrong.id].online
    assert [record.message for record in caplog.records] == [f"{wrong.id} is left out: {message}"]


async def test_a_device_that_has_yet_to_answer_is_told_to_nobody_as_lost(bench: Bench) -> None:
    told: list[tuple[DeviceId, bool]] = []
    bench.reachability.on_change(lambda status: told.append((status.device, status.online)))
    await bench.roster.change([METER, BATTERY, replace(METER, id=DeviceId(SITE, "x"), profile="x")])
    await eventually(lambda: (BATTERY.id, True) in told)
    assert METER.id not in {device for device, _ in told}
    assert {status.device.segment for status in bench.reachability.settled} == {"battery", "x"}
    assert bench.message_of("meter") == "not heard of yet"


async def test_a_driver_that_fails_to_open_a_device_leaves_that_one_out(bench: Bench) -> None:
    bench.answering.trouble = RuntimeError("unable to perform operation")
    await bench.roster.change([BATTERY, METER])
    assert bench.message_of("battery") == "RuntimeError: unable to perform operation"
    assert bench.speaking.heard == {METER.id}


async def test_a_device_left_out_is_talked_to_once_its_mistake_is_mended(bench: Bench) -> None:
    await bench.roster.change([replace(BATTERY, profile="typo")])
    await bench.roster.change([BATTERY])
    await eventually(lambda: bench.reachability.all[BATTERY.id].online)
    assert bench.why_not(BATTERY) is None


async def test_a_protocol_of_ones_own_is_found_by_its_name(bench: Bench) -> None:
    own = device("own", "own", CustomConnection(protocol="my-bus"), functions=controls("battery"))
    await bench.roster.change([own])
    await eventually(lambda: bench.own.devices[own.id].polls == 1)
    assert bench.why_not(own) is None


@pytest.mark.parametrize(
    ("functions", "why"),
    [
        ((), "the device controls no asset"),
        (
            controls("battery", controls=False, meter_role=MeterRole.MAIN),
            "the device controls no asset",
        ),
        (controls("battery", end=START), "the device controls no asset"),
        (
            controls("battery", setpoint_kinds=frozenset({SetpointKind.ON_OFF})),
            "the device is not to be told active_power_w",
        ),
        (controls("battery", setpoint_kinds=frozenset({POWER})), None),
        (controls("battery", start=START), None),
    ],
)
async def test_a_device_is_told_only_what_one_of_its_functions_lets_it_be_told(
    bench: Bench, functions: tuple[DeviceFunction, ...], why: str | None
) -> None:
    await bench.roster.change([replace(BATTERY, functions=functions)])
    assert bench.why_not(BATTERY) == why


async def test_a_device_that_cannot_be_told_says_why(bench: Bench) -> None:
    meter = replace(METER, functions=controls("battery"))
    await bench.roster.change([meter, replace(BATTERY, profile="typo")])
    assert bench.why_not(meter) == "the device takes no setpoints"
    assert "the device is left out: no profile 'typo'" in (bench.why_not(BATTERY) or "")
    stranger = DeviceId(SITE, "stranger")
    assert bench.roster.may_set(stranger, POWER) == CannotSet(
        why="this gateway does not talk to the device"
    )


async def test_a_change_of_functions_alone_leaves_the_line_to_the_device(bench: Bench) -> None:
    await bench.roster.change([BATTERY])
    await eventually(lambda: bench.answering.devices[BATTERY.id].polls == 1)
    await bench.roster.change([replace(BATTERY, functions=())])
    assert bench.why_not(BATTERY) == "the device controls no asset"
    assert bench.roster.released_by(BATTERY.id) is not None
    assert (bench.answering.opened, bench.answering.closed) == ([BATTERY.id], [])
    assert bench.answering.devices[BATTERY.id].polls == 1


async def test_a_device_that_moved_is_talked_to_at_its_new_address(bench: Bench) -> None:
    await bench.roster.change([BATTERY, METER])
    there = replace(BATTERY, connection=ModbusTcpConnection(host="there"))
    await bench.roster.change([there, METER])
    assert bench.answering.opened == [BATTERY.id, BATTERY.id]
    assert bench.answering.closed == [BATTERY.id]
    assert bench.speaking.closed == []


async def test_a_device_that_is_gone_is_let_go_and_forgotten(bench: Bench) -> None:
    await bench.roster.change([METER, BATTERY])
    await bench.roster.change([])
    assert bench.reachability.all == {}
    assert bench.speaking.closed == [METER.id]
    assert bench.answering.closed == [BATTERY.id]


async def test_the_devices_of_this_gateway_follow_the_site_model(bench: Bench) -> None:
    await bench.change_model(METER, replace(BATTERY, gateway=GatewayId("other")))
    follow = FollowSiteModel(bench.view, GATEWAY, bench.roster)
    await follow.start()
    assert list(bench.reachability.all) == [METER.id]
    bench.background.start(follow.run())
    await bench.change_model(BATTERY)
    await eventually(lambda: set(bench.reachability.all) == {METER.id, BATTERY.id})
    await bench.change_model(deleted=METER.name)
    await eventually(lambda: list(bench.reachability.all) == [BATTERY.id])


async def test_the_start_does_not_wait_for_a_site_model_for_ever(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(5):
        await FollowSiteModel(bench.view, GATEWAY, bench.roster).start()
    assert "the site model is not known yet" in caplog.text


async def test_what_nobody_published_is_counted(bench: Bench) -> None:
    await bench.speaking.say(origin="who/knows")
    status = await bench.spool.status()
    assert (status.telegrams_received, status.readings_rejected) == (1, 1)


async def test_what_was_not_understood_is_counted_and_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.roster.change([METER])
    garbled = Telegram(device=METER.id, problems=["it is no JSON"], understood=False)
    for _ in range(2):
        await bench.speaking.say(garbled, origin="home-1/meter")
    status = await bench.spool.status()
    assert (status.telegrams_received, status.readings_rejected) == (2, 2)
    assert not bench.reachability.all[METER.id].online
    assert caplog.text.count("telegram on home-1/meter rejected: it is no JSON") == 1


async def test_a_meter_that_falls_silent_is_lost_and_a_telegram_brings_it_back(
    bench: Bench,
) -> None:
    await bench.roster.change([METER])
    bench.background.start(bench.telegrams.watch_silence())
    reading = Reading(point=METER.point("soc_ratio"), measure_time=START, value=0.5)
    telegram = Telegram(device=METER.id, readings=[reading])
    await bench.speaking.say(telegram)
    assert bench.reachability.all[METER.id].online
    await bench.clock.run_for(2 * 3 * QUARTER)
    assert bench.message_of("meter") == "no telegram since 2016-09-05T07:00:00+00:00"
    await bench.speaking.say(telegram)
    assert bench.reachability.all[METER.id].online
