"""The MQTT session against the real local broker: nothing is acknowledged before it is kept."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from tests.fakes.blunt_broker import BluntBroker
from tests.fakes.eventually import within
from tests.fakes.gateway_world import until
from wattmesh_gateway.domain.telegram import Delivery
from wattmesh_gateway.drivers.mqtt.broker import Broker, parse_broker
from wattmesh_gateway.drivers.mqtt.session import Message, MqttSession
from wattmesh_gateway.drivers.mqtt.waiting import MOST_OF_A_TOPIC
from wattmesh_local.mqtt_broker import DurableBroker

TOPIC = "home-1/meter"


class Keeper:
    """Keeps messages; while `stuck`, it takes them in and does not come back until released."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.seen: list[str] = []
        self.stuck = False
        self.changed = asyncio.Condition()
        self.released = asyncio.Event()

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        self.seen.extend(each.payload.decode() for each in deliveries)
        async with self.changed:
            self.changed.notify_all()
        if self.stuck:
            await self.released.wait()
        self.kept.extend(each.payload.decode() for each in deliveries)

    async def wait_until_seen(self, *payloads: str) -> None:
        async with within(10), self.changed:
            await self.changed.wait_for(lambda: set(payloads) <= set(self.seen))


async def hear(message: Message) -> Delivery:
    return Delivery(origin=message.topic, telegrams=[], payload=message.payload)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[DurableBroker]:
    async with DurableBroker("127.0.0.1:0", tmp_path / "broker.sqlite") as running:
        yield running


def address_of(broker: DurableBroker) -> Broker:
    return parse_broker(f"mqtt://127.0.0.1:{broker.port}")


@asynccontextmanager
async def listening(
    broker: DurableBroker, keeper: Keeper, *topics: str
) -> AsyncIterator[tuple[MqttSession, set[str]]]:
    wanted = set(topics)
    session = MqttSession(address_of(broker), "wattmesh-test", wanted, hear, keeper.take)
    running = asyncio.create_task(session.run())
    session.topics_changed()
    await session.wait_until_listening(5.0)
    try:
        yield session, wanted
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def publish(broker: DurableBroker, topic: str, *payloads: str) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="meter") as client:
        for payload in payloads:
            await client.publish(topic, payload, qos=1)


async def test_messages_come_in_the_order_of_publication(broker: DurableBroker) -> None:
    keeper = Keeper()
    async with listening(broker, keeper, TOPIC):
        await publish(broker, TOPIC, *map(str, range(50)))
        await keeper.wait_until_seen("49")
    assert keeper.kept == [str(index) for index in range(50)]


async def test_what_was_received_but_not_kept_comes_again(broker: DurableBroker) -> None:
    before = Keeper()
    before.stuck = True
    async with listening(broker, before, TOPIC):
        await publish(broker, TOPIC, "1", "2")
        await before.wait_until_seen("1")
    after = Keeper()
    async with listening(broker, after, TOPIC):
        await after.wait_until_seen("1", "2")
    assert (before.kept, after.kept) == ([], ["1", "2"])


async def test_what_was_kept_does_not_come_again(broker: DurableBroker) -> None:
    before = Keeper()
    async with listening(broker, before, TOPIC):
        await publish(broker, TOPIC, "1")
        await before.wait_until_seen("1")
        await asyncio.sleep(0.1)
    after = Keeper()
    async with listening(broker, after, TOPIC):
        await publish(broker, TOPIC, "2")
        await after.wait_until_seen("2")
    assert after.seen == ["2"]


async def test_a_disk_that_fails_ends_the_session_and_the_message_stays_with_the_broker(
    broker: DurableBroker,
) -> None:
    async def fail(deliveries: Sequence[Delivery]) -> None:
        raise OSError("no space left on device")

    session = MqttSession(address_of(broker), "wattmesh-test", {TOPIC}, hear, fail)
    session.topics_changed()
    running = asyncio.create_task(session.run())
    await session.wait_until_listening(5.0)
    await publish(broker, TOPIC, "1")
    with pytest.raises(OSError, match="no space left"):
        await running
    keeper = Keeper()
    async with listening(broker, keeper, TOPIC):
        await keeper.wait_until_seen("1")


async def test_nothing_is_fetched_before_the_devices_are_known(broker: DurableBroker) -> None:
    async with listening(broker, Keeper(), TOPIC):
        pass
    await publish(broker, TOPIC, "1")
    keeper = Keeper()
    topics: set[str] = set()
    session = MqttSession(address_of(broker), "wattmesh-test", topics, hear, keeper.take)
    running = asyncio.create_task(session.run())
    session.topics_changed()
    await asyncio.sleep(0.3)
    assert keeper.seen == []
    topics.add(TOPIC)
    session.topics_changed()
    await keeper.wait_until_seen("1")
    running.cancel()


async def test_topics_follow_the_devices(broker: DurableBroker) -> None:
    keeper = Keeper()
    async with listening(broker, keeper, TOPIC) as (session, topics):
        topics.remove(TOPIC)
        topics.add("other")
        session.topics_changed()
        await session.wait_until_listening(5.0)
        await asyncio.sleep(0.1)
        await publish(broker, TOPIC, "old")
        await publish(broker, "other", "new")
        await keeper.wait_until_seen("new")
    assert keeper.seen == ["new"]


async def test_a_subscription_left_from_before_is_given_up(broker: DurableBroker) -> None:
    async with listening(broker, Keeper(), TOPIC):
        pass
    keeper = Keeper()
    async with listening(broker, keeper, "other"):
        await publish(broker, TOPIC, "stale")
        await keeper.wait_until_seen("stale")
        await asyncio.sleep(0.1)
        await publish(broker, TOPIC, "more")
        await publish(broker, "other", "new")
        await keeper.wait_until_seen("new")
    assert keeper.seen == ["stale", "new"]


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtt://host", ("host", 1883, False, None, None)),
        ("mqtts://host", ("host", 8883, True, None, None)),
        ("mqtt://me:p%40ss@host:99", ("host", 99, False, "me", "p@ss")),
    ],
)
def test_a_broker_is_read_from_its_url(
    url: str, broker: tuple[str, int, bool, str | None, str | None]
) -> None:
    found = parse_broker(url)
    assert (found.host, found.port, found.tls, found.username, found.password) == broker
    assert "p@ss" not in str(found)


@pytest.mark.parametrize("url", ["host:1883", "http://host", "mqtt://"])
def test_an_url_that_names_no_broker_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="mqtt://"):
        parse_broker(url)


async def test_a_session_whose_broker_is_gone_does_not_say_that_it_listens(tmp_path: Path) -> None:
    keeper, file = Keeper(), tmp_path / "broker.sqlite"
    async with AsyncExitStack() as brokers:
        first = await brokers.enter_async_context(DurableBroker("127.0.0.1:0", file))
        port = first.port
        async with listening(first, keeper, TOPIC) as (session, _):
            assert await session.wait_until_listening(0.1)
            await brokers.aclose()
            async with within(10):
                while await session.wait_until_listening(0.1):
                    await asyncio.sleep(0.05)

            async with DurableBroker(f"127.0.0.1:{port}", file):
                assert await session.wait_until_listening(10)


async def test_a_message_is_understood_while_the_one_before_is_still_being_kept(
    broker: DurableBroker,
) -> None:
    """A meter's word to a loop must not wait for the disk."""
    keeper, understood = Keeper(), list[bytes]()
    keeper.stuck = True

    async def note(message: Message) -> Delivery:
        understood.append(message.payload)
        return await hear(message)

    session = MqttSession(address_of(broker), "wattmesh-test", {TOPIC}, note, keeper.take)
    running = asyncio.create_task(session.run())
    session.topics_changed()
    await session.wait_until_listening(5.0)
    await publish(broker, TOPIC, "1")
    await keeper.wait_until_seen("1")
    await publish(broker, TOPIC, "2")
    await until(lambda: understood == [b"1", b"2"])
    assert keeper.seen == ["1"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_floods_loses_his_own_oldest_words_and_nobody_elses() -> None:
    """Nothing of it is acknowledged by the way: QoS 0 has no acknowledgement."""
    keeper, dropped = Keeper(), list[str]()
    keeper.stuck = True
    async with BluntBroker() as broker:
        session = MqttSession(
            parse_broker(f"mqtt://127.0.0.1:{broker.port}"),
            *("wattmesh-test", {TOPIC, "flood"}, hear, keeper.take),
            dropped=dropped.append,
        )
        running = asyncio.create_task(session.run())
        session.topics_changed()
        assert await session.wait_until_listening(20)
        await broker.publish(TOPIC, "first", packet=1)
        await keeper.wait_until_seen("first")
        for number in range(3 * MOST_OF_A_TOPIC):
            await broker.publish("flood", f"f{number}")
        await broker.publish(TOPIC, "healthy", packet=2)
        await until(lambda: len(dropped) == 2 * MOST_OF_A_TOPIC)
        assert broker.acknowledged == []
        keeper.stuck = False
        keeper.released.set()
        newest = [f"f{number}" for number in range(2 * MOST_OF_A_TOPIC, 3 * MOST_OF_A_TOPIC)]
        await until(lambda: keeper.kept == ["first", *newest, "healthy"])
        await until(lambda: broker.acknowledged == [1, 2])
        assert set(dropped) == {"flood"}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
