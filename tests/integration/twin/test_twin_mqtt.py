"""Telegrams on a real MQTT broker."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiomqtt

from tests.fakes.eventually import within
from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_sites import HOUR, QUARTER, START, battery, home
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId
from wattmesh_local.mqtt_broker import DurableBroker
from wattmesh_twin.adapters.ledger.journal import (
    BatteryLedger,
    ChargePointLedger,
    FileJournal,
    HourLedger,
    IslandLedger,
)
from wattmesh_twin.adapters.ledger.outbox import Outbox
from wattmesh_twin.adapters.mqtt import MqttBroker
from wattmesh_twin.app.deliver_telegrams import FirstWord, TelegramDelivery
from wattmesh_twin.app.run_site import SiteTwin


@asynccontextmanager
async def delivering(
    outbox: Outbox, port: int, first_word: FirstWord | None = None
) -> AsyncIterator[None]:
    broker = MqttBroker(f"mqtt://127.0.0.1:{port}", "twin-test")
    delivery = TelegramDelivery(queue=outbox, broker=broker, first_word=first_word)
    task = asyncio.create_task(delivery.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def broker_on(folder: Path, port: int = 0) -> AsyncIterator[int]:
    async with DurableBroker(f"127.0.0.1:{port}", folder / "broker.sqlite") as broker:
        yield broker.port


def home_with_outbox(folder: Path, clock: ManualClock) -> tuple[SiteTwin, Outbox]:
    physics = home(clock, loads={"b1": [900] * 24, "b2": [100] * 24}, battery=battery(0.5))
    outbox = Outbox(folder)
    journal = FileJournal(
        site=physics.spec.id,
        folder=folder,
        outbox=outbox,
        batteries=BatteryLedger(folder),
        charge_points=ChargePointLedger(folder),
        rooms=HourLedger(folder / "rooms.jsonl"),
        machines=HourLedger(folder / "machines.jsonl"),
        islands=IslandLedger(folder),
    )
    twin = SiteTwin(
        physics=physics,
        state=physics.spec.initial(START),
        clock=clock,
        journal=journal,
        interval=QUARTER,
    )
    return twin, outbox


async def until(reached: Any) -> None:
    async with within(20):
        while not reached():
            await asyncio.sleep(0.02)


def published(folder: Path) -> list[dict[str, Any]]:
    path = folder / "published.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_each_meter_publishes_on_its_topic_and_the_ledger_counts_what_was_confirmed(
    tmp_path: Path,
) -> None:
    clock = ManualClock(START)
    twin, outbox = home_with_outbox(tmp_path, clock)
    async with (
        broker_on(tmp_path) as port,
        aiomqtt.Client("127.0.0.1", port) as listener,
        delivering(outbox, port),
    ):
        await listener.subscribe("meters/#", qos=1)
        clock.advance(QUARTER)
        twin.now()
        got = {}
        async with within(10):
            async for message in listener.messages:
                assert isinstance(message.payload, bytes)
                assert message.qos == 1
                got[message.topic.value] = json.loads(message.payload)
                if len(got) == 3:
                    break
        await until(lambda: len(published(tmp_path)) == 3)
    assert set(got) == {
        "meters/home-1/telegram",
        "meters/home-1/meter-b1/telegram",
        "meters/home-1/meter-b2/telegram",
    }
    assert got["meters/home-1/telegram"] == {
        "device": "home-1/meter",
        "seq": 1,
        "measure_time": "2024-06-01T00:15:00Z",
        "import_energy_wh": 250.0,
        "export_energy_wh": 0.0,
        "active_power_w": 1000.0,
    }


async def test_telegrams_wait_for_a_broker_that_is_away_and_then_come_in_order(
    tmp_path: Path,
) -> None:
    clock = ManualClock(START)
    twin, outbox = home_with_outbox(tmp_path, clock)
    async with broker_on(tmp_path) as port:
        pass
    async with delivering(outbox, port):
        clock.advance(2 * HOUR)
        twin.now()
        await asyncio.sleep(0.3)
        assert published(tmp_path) == []
        assert len(outbox.pending()) == 24
        async with broker_on(tmp_path, port):
            await until(lambda: len(published(tmp_path)) == 24)
    main = [line for line in published(tmp_path) if line["device"].endswith("/meter")]
    assert [line["sequence"] for line in main] == list(range(1, 9))


async def test_a_broker_that_dies_in_between_costs_no_telegram(tmp_path: Path) -> None:
    clock = ManualClock(START)
    twin, outbox = home_with_outbox(tmp_path, clock)
    async with broker_on(tmp_path) as port, delivering(outbox, port):
        clock.advance(QUARTER)
        twin.now()
        await until(lambda: len(published(tmp_path)) == 3)
    async with delivering(outbox, port):
        clock.advance(QUARTER)
        twin.now()
        await asyncio.sleep(0.1)
        async with broker_on(tmp_path, port):
            await until(lambda: len(published(tmp_path)) == 6)
            clock.advance(timedelta(minutes=15))
            twin.now()
            await until(lambda: len(published(tmp_path)) == 9)
    assert len({(line["device"], line["sequence"]) for line in published(tmp_path)}) == 9


class Ear:
    """A gateway that does not listen yet."""

    def __init__(self) -> None:
        self.listening = False
        self.asked = 0

    async def heard(self, devices: Collection[DeviceId]) -> None:
        self.asked += 1
        if not self.listening:
            raise Unavailable("NOT_LISTENING", "not yet")


async def test_no_meter_speaks_before_it_is_heard_and_none_waits_again(tmp_path: Path) -> None:
    """A broker confirms what nobody subscribed to, and keeps none of it."""
    clock = ManualClock(START)
    twin, outbox = home_with_outbox(tmp_path, clock)
    ear = Ear()
    async with broker_on(tmp_path) as port:
        async with delivering(outbox, port, FirstWord(ear, ())):
            clock.advance(QUARTER)
            twin.now()
            await until(lambda: ear.asked > 2)
            assert published(tmp_path) == []
            ear.listening = True
            await until(lambda: len(published(tmp_path)) == 3)
        outbox.close()
        ear.listening = False
        twin, after = home_with_outbox(tmp_path, clock)
        async with delivering(after, port, FirstWord(ear, ())):
            clock.advance(QUARTER)
            twin.now()
            await until(lambda: len(published(tmp_path)) == 6)
