"""What one device sends is set aside when it makes no sense, and hurts nobody else."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.gateway_hostile import mutated, telegrams_of_a_hostile_device
from tests.fakes.manual_clock import ManualClock
from wattmesh_gateway.adapters.quarantine import (
    MOST_BYTES,
    MOST_OF_A_DEVICE,
    MOST_TELEGRAMS,
    SqliteQuarantine,
)
from wattmesh_gateway.adapters.spool import SqliteSpool
from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.app.device_edge import ask
from wattmesh_gateway.app.ports import Listens
from wattmesh_gateway.app.quarantine import QuarantinedTelegrams
from wattmesh_gateway.app.reachability import Reachability
from wattmesh_gateway.app.receive_telegrams import ReceiveTelegrams
from wattmesh_gateway.domain.errors import DeviceUnavailable
from wattmesh_gateway.domain.intake import Intake, Origin
from wattmesh_gateway.domain.reading import Reading, is_possible
from wattmesh_gateway.domain.telegram import (
    MOST_KEPT_BYTES,
    Delivery,
    QuarantinedTelegram,
    Telegram,
)
from wattmesh_gateway.drivers.mqtt.broker import parse_broker
from wattmesh_gateway.drivers.mqtt.driver import MqttDriver
from wattmesh_gateway.drivers.mqtt.session import Message
from wattmesh_gateway.drivers.registry import SCHEMAS
from wattmesh_gateway.profiles import load_profiles
from wattmesh_kernel.ids import DeviceId, GatewayId, PointId, SiteId
from wattmesh_kernel.sites import Device, MqttConnection

NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
METER = DeviceId(SiteId("home-1"), "meter")
POINTS = frozenset({"import_energy_wh", "export_energy_wh", "active_power_w"})
GOOD = b'{"measure_time": "2026-01-01T00:00:00Z", "active_power_w": 7}'


def meter() -> Device:
    return Device(
        id=METER,
        profile="mqtt-grid-meter",
        gateway=GatewayId("local"),
        connection=MqttConnection(address="home-1/meter"),
        points=POINTS,
        reporting_interval=timedelta(minutes=15),
    )


class Bench:
    """A driver that hears one meter, with the real inbox, spool and quarantine behind it."""

    def __init__(self, spool: SqliteSpool, database: SpoolDatabase) -> None:
        clock = ManualClock(NOW)
        self.spool = spool
        self.quarantine = SqliteQuarantine(database)
        self.inbox = ReceiveTelegrams(spool, Reachability(clock), clock)
        self.driver = MqttDriver(parse_broker("mqtt://127.0.0.1:1"), "test", self.inbox, clock)
        self.listening: list[Listens] = []
        self.set_aside = QuarantinedTelegrams(self.quarantine, spool, lambda _: self.listening)

    async def listen(self) -> None:
        opened = await self.driver.open(meter(), load_profiles(SCHEMAS)["mqtt-grid-meter"])
        assert opened.listens
        opened.listens.begin()
        self.listening.append(opened.listens)

    async def hear(self, *payloads: bytes) -> None:
        messages = [Message(topic="home-1/meter", payload=each) for each in payloads]
        heard = [await self.driver.hear(each) for each in messages]
        await self.inbox.take([each for each in heard if each is not None])

    async def reasons(self) -> list[str]:
        return [each.reason for each in await self.quarantine.page(None, 0, 10_000)]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        SpoolDatabase(tmp_path / "spool.sqlite") as database,
        SqliteSpool(database, 100_000) as spool,
    ):
        yield Bench(spool, database)


@pytest.mark.parametrize("what", telegrams_of_a_hostile_device())
async def test_a_poisonous_telegram_is_set_aside_and_its_neighbours_count(
    bench: Bench, what: str
) -> None:
    await bench.listen()
    poison = telegrams_of_a_hostile_device()[what]
    await bench.hear(GOOD, poison, GOOD.replace(b"00:00:00", b"00:01:00"))
    status = await bench.spool.status()
    assert status.readings_received >= 2
    if what != "a time before time":  # an old time is a time
        assert (status.telegrams_quarantined, status.telegrams_in_quarantine) == (1, 1)
        (reason,) = await bench.reasons()
        assert 0 < len(reason) <= 501


async def test_nothing_a_device_may_send_ends_the_session(bench: Bench) -> None:
    """5,000 mutations of good and poisonous telegrams."""
    await bench.listen()
    chance = random.Random(7)
    seeds = [GOOD, *(each for each in telegrams_of_a_hostile_device().values() if len(each) < 9999)]
    for _ in range(50):
        await bench.hear(*(mutated(chance.choice(seeds), chance) for _ in range(100)))
    assert (await bench.spool.status()).telegrams_received == 5000


async def test_the_quarantine_is_bounded_in_number_for_each_device_and_in_bytes(
    bench: Bench,
) -> None:
    def telegram(index: int, device: str, size: int) -> QuarantinedTelegram:
        return QuarantinedTelegram(
            origin="somewhere",
            device=DeviceId(SiteId("home-1"), device),
            reason=str(index),
            payload=b"x" * size,
            payload_bytes=size,
            arrival=NOW,
        )

    async def add(*telegrams: QuarantinedTelegram) -> list[QuarantinedTelegram]:
        await bench.spool.append(Intake(origin=Origin.TELEGRAM, quarantined=telegrams))
        return list(await bench.quarantine.page(None, 0, 10_000))

    one = await add(*(telegram(index, "one", 1) for index in range(MOST_OF_A_DEVICE + 50)))
    assert [each.reason for each in one] == [str(i) for i in range(50, MOST_OF_A_DEVICE + 50)]
    many = await add(*(telegram(index, f"d{index % 30}", 1) for index in range(3000)))
    assert MOST_TELEGRAMS - 32 <= len(many) <= MOST_TELEGRAMS
    large = await add(*(telegram(i, f"d{i % 30}", MOST_KEPT_BYTES) for i in range(400)))
    assert MOST_BYTES / 2 <= sum(len(each.payload) for each in large) <= MOST_BYTES
    assert large[-1].reason == "399"
    assert (await bench.spool.status()).telegrams_quarantined == MOST_OF_A_DEVICE + 50 + 3000 + 400


async def test_a_replay_after_a_mend_recovers_the_readings_of_then(bench: Bench) -> None:
    await bench.hear(GOOD)  # nobody is known to publish there yet
    await bench.listen()
    await bench.hear(b"nonsense")
    first = await bench.set_aside.replay(None)
    assert (first.telegrams, first.understood, first.readings) == (2, 1, 1)
    (left,) = (await bench.set_aside.page(None, 0, 0)).telegrams
    assert (left.device, left.payload) == (METER, b"nonsense")
    again = await bench.set_aside.replay(METER)
    assert (again.telegrams, again.understood, again.readings) == (1, 0, 0)
    assert (await bench.spool.status()).readings_received == 1


class Stumbles:
    """Listens by a driver that did not think of everything."""

    def begin(self) -> None: ...

    def understand(self, origin: str, payload: bytes, arrival: datetime) -> list[Telegram]:
        if payload == b"nonsense":
            raise IndexError("string index out of range")
        reading = Reading(point=PointId(METER, "active_power_w"), measure_time=NOW, value=7.0)
        return [Telegram(device=METER, readings=[reading])]


async def test_a_telegram_that_a_driver_stumbles_over_again_holds_up_no_replay(
    bench: Bench,
) -> None:
    await bench.hear(b"nonsense", GOOD)
    again = QuarantinedTelegrams(bench.quarantine, bench.spool, lambda device: [Stumbles()])
    replayed = await again.replay(None)
    assert (replayed.telegrams, replayed.understood, replayed.readings) == (2, 1, 1)
    (left,) = (await again.page(None, 0, 0)).telegrams
    assert left.payload == b"nonsense"


async def test_what_was_set_aside_is_listed_page_by_page(bench: Bench) -> None:
    await bench.listen()
    await bench.hear(*(b"nonsense %d" % index for index in range(7)))
    payloads, after = [], 0
    while True:
        page = await bench.set_aside.page(METER, after, 3)
        payloads += [each.payload for each in page.telegrams]
        if page.next_after is None:
            break
        after = page.next_after
    assert payloads == [b"nonsense %d" % index for index in range(7)]


async def test_a_payload_that_was_cut_is_not_replayed(bench: Bench) -> None:
    await bench.listen()
    payload = GOOD[:-1] + b', "text": "' + b"x" * 300_000 + b'"}'
    await bench.hear(payload)
    (kept,) = (await bench.set_aside.page(None, 0, 0)).telegrams
    assert (len(kept.payload), kept.payload_bytes) == (MOST_KEPT_BYTES, len(payload))
    assert (await bench.set_aside.replay(None)).understood == 0


async def test_a_cancellation_that_nobody_asked_for_is_a_loss_of_the_device() -> None:
    async def broken_off() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    with pytest.raises(DeviceUnavailable, match="broken off"):
        await ask(broken_off())


async def test_a_cancellation_that_was_asked_for_ends_the_task() -> None:
    task = asyncio.create_task(ask(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_no_reading_is_infinite_or_no_number() -> None:
    for value in (float("inf"), float("nan")):
        with pytest.raises(ValueError, match="no value"):
            Reading(point=meter().point("active_power_w"), measure_time=NOW, value=value)


def test_a_state_of_charge_of_three_hundred_percent_is_not_possible() -> None:
    reading = Reading(point=meter().point("soc_ratio"), measure_time=NOW, value=3.0)
    assert not is_possible(reading)


async def test_a_message_of_nobody_is_set_aside_with_the_topic(bench: Bench) -> None:
    await bench.driver._inbox.take([Delivery(origin="where", telegrams=(), payload=b"what")])
    (kept,) = (await bench.set_aside.page(None, 0, 0)).telegrams
    assert (kept.origin, kept.device, kept.payload) == ("where", None, b"what")


async def test_a_device_that_floods_is_counted_and_fills_no_disk(bench: Bench) -> None:
    await bench.listen()
    await bench.hear(*(b"nonsense %d" % index for index in range(500)))
    status = await bench.spool.status()
    assert status.readings_rejected == 500
    assert 100 <= status.telegrams_quarantined <= 200  # the minute may change in between
