"""Polling on the raster, and saying a loss once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.eventually import within
from tests.fakes.manual_clock import ManualClock
from tests.fakes.settable_devices import FakeDevice
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.app.poll_devices import PollDevices, next_poll, rest_after
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.domain.errors import DeviceUnavailable
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import DeviceId, GatewayId, SiteId
from wattmesh_kernel.sites import Device, MqttConnection
from wattmesh_runtime.aio.tasks import BackgroundTasks

START = datetime(2016, 9, 5, 7, 7, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
BATTERY = DeviceId(SiteId("home-1"), "battery")
DEVICE = Device(
    id=BATTERY,
    profile="any",
    gateway=GatewayId("local"),
    connection=MqttConnection(address="any"),
    points=frozenset({"soc_ratio"}),
    reporting_interval=QUARTER,
)


class Bench:
    def __init__(self, spool: SqliteSpool, clock: ManualClock, background: BackgroundTasks) -> None:
        self.spool = spool
        self.clock = clock
        self.reachability = Reachability(clock)
        self.heard: list[Reading] = []
        hear = self.heard.extend
        self.polls = PollDevices(spool, self.reachability, clock, background, hear)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        SpoolDatabase(tmp_path / "spool.sqlite") as database,
        SqliteSpool(database, 1000) as spool,
        BackgroundTasks() as background,
    ):
        yield Bench(spool, ManualClock(START), background)


class TimedDevice(FakeDevice):
    """Reads its state of charge at the clock's time."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock

    async def read(self) -> list[Reading]:
        await super().read()
        return [Reading(point=DEVICE.point("soc_ratio"), measure_time=self.clock.now(), value=0.5)]


async def until(condition: Callable[[], bool]) -> None:
    async with within(5):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("now", "then"), [("07:07", "07:15"), ("07:15", "07:30"), ("07:59", "08:00")]
)
def test_the_next_poll_is_on_the_utc_raster_after_now(now: str, then: str) -> None:
    day = "2016-09-05T{}:00+00:00"
    assert next_poll(datetime.fromisoformat(day.format(now)), QUARTER) == (
        datetime.fromisoformat(day.format(then))
    )


async def test_a_device_is_polled_at_once_and_then_on_the_raster(bench: Bench) -> None:
    device = TimedDevice(bench.clock)
    await bench.polls.poll({BATTERY: (DEVICE, device)})
    for minute, polls in ((7, 1), (14, 1), (15, 2), (29, 2), (30, 3)):
        bench.clock.set(START.replace(minute=minute))
        # Once it sleeps again, what it has read is kept.
        await until(lambda polls=polls: (device.polls, bench.clock.sleeping) == (polls, 1))  # type: ignore[misc]
    assert (await bench.spool.status()).readings_polled == 3


async def test_a_lost_device_is_tried_again_and_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    device = FakeDevice(trouble=DeviceUnavailable("no connection"))
    told: list[bool] = []
    bench.reachability.on_change(lambda status: told.append(status.online))
    await bench.polls.poll({BATTERY: (DEVICE, device)})
    await until(lambda: device.polls >= 3)
    device.trouble = None
    await until(lambda: told == [False, True])
    messages = [record.message for record in caplog.records]
    assert messages == [
        "sites/home-1/devices/battery lost: no connection",
        "sites/home-1/devices/battery is back",
    ]


async def test_a_device_that_stays_keeps_its_loop_when_others_change(bench: Bench) -> None:
    device = FakeDevice()
    await bench.polls.poll({BATTERY: (DEVICE, device)})
    await until(lambda: device.polls == 1)
    other = DeviceId(SiteId("home-1"), "inverter")
    await bench.polls.poll({BATTERY: (DEVICE, device), other: (DEVICE, FakeDevice())})
    await asyncio.sleep(0.02)
    assert device.polls == 1


async def test_a_device_that_is_gone_is_polled_no_more(bench: Bench) -> None:
    device = FakeDevice()
    await bench.polls.poll({BATTERY: (DEVICE, device)})
    await until(lambda: device.polls == 1)
    await bench.polls.poll({})
    bench.clock.advance(timedelta(hours=1))
    await asyncio.sleep(0.02)
    assert device.polls == 1


def test_a_unit_that_stays_dead_takes_ever_less_of_its_line() -> None:
    second = timedelta(seconds=1)
    rests = [rest_after(second, failures) // second for failures in range(1, 9)]
    assert rests == [1, 2, 4, 8, 16, 31, 31, 31]
    assert rest_after(timedelta(0), 100) == timedelta(0)
    assert rest_after(10 * second, 100) == timedelta(minutes=1)


async def test_ten_dead_units_leave_a_line_to_the_one_that_lives(bench: Bench) -> None:
    line = asyncio.Lock()
    waited = 0.02
    asked = dict.fromkeys(range(11), 0)

    class Unit:
        def __init__(self, name: int) -> None:
            self.name = name

        async def read(self) -> list[Reading]:
            async with line:
                asked[self.name] += 1
                if self.name:
                    await asyncio.sleep(waited)
                    raise DeviceUnavailable("no answer")
            return []

    devices = {
        id_: (replace(DEVICE, id=id_, reporting_interval=timedelta(seconds=1)), Unit(name))
        for name in range(11)
        for id_ in [DeviceId(SiteId("home-1"), f"unit-{name}")]
    }
    began = asyncio.get_running_loop().time()
    await bench.polls.poll(devices)

    async def live() -> None:
        while asked[0] < 150:
            bench.clock.advance(timedelta(seconds=1))
            await asyncio.sleep(0.01)

    async with asyncio.timeout(30):
        await live()
    taken = waited * sum(asked[name] for name in range(1, 11))
    assert taken < 0.9 * (asyncio.get_running_loop().time() - began)
    assert all(asked[name] >= 2 for name in range(11))


async def test_an_error_that_nobody_foresaw_is_one_devices_loss(bench: Bench) -> None:
    device, other = FakeDevice(trouble=RuntimeError("handler is closed")), FakeDevice()
    inverter = DeviceId(SiteId("home-1"), "inverter")
    await bench.polls.poll(
        {BATTERY: (DEVICE, device), inverter: (replace(DEVICE, id=inverter), other)}
    )
    await until(lambda: device.polls >= 2 and other.polls == 1)
    assert bench.reachability.all[BATTERY].message == "RuntimeError: handler is closed"
    device.trouble = None
    await until(lambda: bench.reachability.all[BATTERY].online)


async def test_what_no_device_can_measure_is_heard_by_no_loop(bench: Bench) -> None:
    device, soc = FakeDevice(), DEVICE.point("soc_ratio")
    device.readings = [
        Reading(point=soc, measure_time=START, value=value) for value in (0.5, 300.0, 3.4e38)
    ]
    await bench.polls.poll({BATTERY: (DEVICE, device)})
    await until(lambda: bench.clock.sleeping == 1)
    assert [each.value for each in bench.heard] == [0.5]
    status = await bench.spool.status()
    assert (status.readings_polled, status.readings_rejected) == (1, 2)


class NoMoment(FakeDevice):
    """Says when it measured in a way that names no moment."""

    async def read(self) -> list[Reading]:
        await super().read()
        there = START.replace(tzinfo=None)
        return [Reading(point=DEVICE.point("soc_ratio"), measure_time=there, value=0.5)]


class NoList(FakeDevice):
    """Answers with something else than readings."""

    async def read(self) -> list[Reading]:
        await super().read()
        return None  # type: ignore[return-value]


@pytest.mark.parametrize("device", [NoMoment(), NoList()])
async def test_an_answer_that_holds_no_readings_is_one_devices_loss(
    bench: Bench, device: FakeDevice
) -> None:
    await bench.polls.poll({BATTERY: (DEVICE, device)})
    await until(lambda: device.polls >= 2)
    assert not bench.reachability.all[BATTERY].online
    assert bench.heard == []
