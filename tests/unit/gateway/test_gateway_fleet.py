"""The gateway follows the site model; one wrong device stops no other."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_gateway.adapters.device_cache import SqliteDeviceCache
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.app.fleet import Fleet
from wattmesh_gateway.app.keep_devices import KeepDevices
from wattmesh_gateway.app.poll_devices import PollDevices
from wattmesh_gateway.app.presence import Presences
from wattmesh_gateway.app.receive_telegrams import Message, ReceiveTelegrams
from wattmesh_gateway.domain.device import Device, ModbusAddress, ModbusEndpoint, MqttAddress
from wattmesh_gateway.drivers.drivers import ProfiledDrivers
from wattmesh_gateway.drivers.modbus import ModbusDriver
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_runtime.aio.tasks import BackgroundTasks

START = datetime(2016, 9, 5, 7, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
NOWHERE = ModbusAddress(endpoint=ModbusEndpoint(host="127.0.0.1", port=1), unit_id=1)


def device(
    name: str, profile: str, connection: MqttAddress | ModbusAddress | None = None
) -> Device:
    return Device(
        id=DeviceId(SiteId("home-1"), name),
        profile=profile,
        connection=connection or MqttAddress(address=f"home-1/{name}"),
        points=frozenset({"active_power_w"}),
        reporting_interval=QUARTER,
    )


METER = device("meter", "mqtt-grid-meter")


class FakeTopics:
    """Remembers what was to be listened to."""

    def __init__(self) -> None:
        self.topics: frozenset[str] = frozenset()

    async def listen(self, topics: frozenset[str]) -> None:
        self.topics = topics


class FakeDirectory:
    """A site model that may be away."""

    def __init__(self) -> None:
        self.devices: Sequence[Device] | None = None

    async def list_devices(self) -> Sequence[Device]:
        if self.devices is None:
            raise Unavailable("AWAY", "metering is away")
        return self.devices


class Bench:
    def __init__(
        self, database: SpoolDatabase, spool: SqliteSpool, background: BackgroundTasks
    ) -> None:
        self.clock = ManualClock(START)
        self.spool = spool
        self.presences = Presences(self.clock)
        self.topics = FakeTopics()
        self.telegrams = ReceiveTelegrams(spool, self.presences, self.clock)
        self.fleet = Fleet(
            ProfiledDrivers(load_profiles(), ModbusDriver(self.clock, 0.2)),
            self.topics,
            PollDevices(spool, self.presences, self.clock, background),
            self.telegrams,
            self.presences,
        )
        self.directory = FakeDirectory()
        self.cache = SqliteDeviceCache(database)

    def keep_devices(self) -> KeepDevices:
        return KeepDevices(self.directory, self.cache, self.fleet, timedelta(seconds=10))

    def message_of(self, name: str) -> str:
        return self.presences.all[DeviceId(SiteId("home-1"), name)].message


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        SpoolDatabase(tmp_path / "spool.sqlite") as database,
        SqliteSpool(database, 1000) as spool,
        BackgroundTasks() as background,
    ):
        yield Bench(database, spool, background)


async def test_a_device_with_an_unknown_profile_stops_no_other(bench: Bench) -> None:
    await bench.fleet.change([METER, device("heater", "sunspec-heater")])
    assert bench.topics.topics == {"home-1/meter"}
    assert "no profile 'sunspec-heater'; there are " in bench.message_of("heater")


async def test_a_profile_for_another_connection_is_said(bench: Bench) -> None:
    await bench.fleet.change(
        [device("battery", "sunspec-battery"), device("odd", "mqtt-grid-meter", NOWHERE)]
    )
    assert "is for another connection" in bench.message_of("battery")
    assert "is for another connection" in bench.message_of("odd")


async def test_only_devices_on_modbus_take_setpoints(bench: Bench) -> None:
    battery = device("battery", "sunspec-battery", NOWHERE)
    await bench.fleet.change([METER, battery])
    assert bench.fleet.settable(battery.id) is not None
    assert bench.fleet.settable(METER.id) is None


async def test_a_device_that_is_gone_is_forgotten(bench: Bench) -> None:
    await bench.fleet.change([METER])
    await bench.fleet.change([])
    assert bench.presences.all == {}
    assert bench.topics.topics == frozenset()


async def test_devices_are_known_without_metering_once_they_were_told(bench: Bench) -> None:
    bench.directory.devices = [METER]
    await bench.keep_devices().start()
    bench.directory.devices = None
    await bench.fleet.change([])
    await bench.keep_devices().start()
    assert bench.topics.topics == {"home-1/meter"}


async def test_a_directory_that_is_away_changes_nothing(bench: Bench) -> None:
    bench.directory.devices = [METER]
    keep = bench.keep_devices()
    await keep.start()
    bench.directory.devices = None
    await keep.refresh()
    assert bench.topics.topics == {"home-1/meter"}


async def test_a_telegram_on_a_topic_of_nobody_is_counted(bench: Bench) -> None:
    await bench.telegrams.take([Message(topic="who/knows", payload=b"{}")])
    status = await bench.spool.status()
    assert (status.telegrams_received, status.readings_rejected) == (1, 1)


async def test_a_meter_that_falls_silent_is_lost_and_a_telegram_brings_it_back(
    bench: Bench,
) -> None:
    await bench.fleet.change([METER])
    async with BackgroundTasks() as background:
        background.start(bench.telegrams.watch_silence())
        payload = b'{"measure_time": "2016-09-05T07:00:00Z", "active_power_w": 1}'
        await bench.telegrams.take([Message(topic="home-1/meter", payload=payload)])
        assert bench.presences.all[METER.id].online
        await bench.clock.run_for(2 * 3 * QUARTER)
        assert bench.message_of("meter") == "no telegram since 2016-09-05T07:00:00+00:00"
        await bench.telegrams.take([Message(topic="home-1/meter", payload=payload)])
        assert bench.presences.all[METER.id].online
