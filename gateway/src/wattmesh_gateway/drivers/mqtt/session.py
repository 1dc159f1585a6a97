"""The session with the broker: every message, acknowledged only once it is kept.

QoS 1 and a persistent session under a fixed client id: the broker keeps what is published while
the gateway is away, and sends again what the gateway did not acknowledge.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import cast

import aiomqtt

from wattmesh_gateway.app.spans import MQTT_PUBLISH
from wattmesh_gateway.domain.errors import DeviceUnavailable
from wattmesh_gateway.domain.telegram import Delivery
from wattmesh_gateway.drivers.mqtt.broker import Broker
from wattmesh_gateway.drivers.mqtt.waiting import WaitingMessages
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.losses import LossLog
from wattmesh_runtime.aio.spans import traced
from wattmesh_runtime.aio.tasks import race

log = logging.getLogger(__name__)

_QOS_1 = 1
_LARGEST_GROUP = 500
_KEEPALIVE_SECONDS = 15
_ANSWER_SECONDS = 10.0
_REFUSED = 0x80
_TOPICS_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message of the broker."""

    topic: str
    payload: bytes


class NotAcknowledged(Exception):
    """What had no room is with the broker, which sends it again once it is asked anew."""


class NotKept(Exception):
    """What came could not be kept: the disk's trouble, not the broker's."""


Hear = Callable[[Message], Awaitable[Delivery | None]]
"""Says what is to be kept of a message; lets those know who cannot wait until it is."""
Take = Callable[[Sequence[Delivery]], Awaitable[None]]
"""Keeps deliveries; returns when they are kept."""
Dropped = Callable[[str], None]
"""Is told the topic of a message that nobody will keep."""


@dataclass(frozen=True, slots=True)
class _Came:
    """A message that came, and once it was heard, what is to be kept of it."""

    message: aiomqtt.Message
    delivery: Delivery | None = None

    @property
    def topic_name(self) -> str:
        return str(self.message.topic)

    @property
    def again(self) -> bool:
        return self.message.qos > 0

    @property
    def size(self) -> int:
        payload = self.message.payload
        return len(payload) if isinstance(payload, bytes | str) else 8


class _Incoming(WaitingMessages[_Came]):
    """What the client's library puts its messages into."""

    def _put(self, item: object) -> None:
        super()._put(_Came(cast("aiomqtt.Message", item)))

    def _get(self) -> aiomqtt.Message:  # type: ignore[override]
        return super()._get().message


class MqttSession:
    """Listens to topics and hands what comes to `take`, in the order in which it came.

    It is understood as soon as it is here: a meter's word to a loop does not wait for the disk.

    `topics` is what is listened to; whoever changes it says so by `topics_changed`. `passing`: the
    broker keeps nothing for it while it is away. What waits is bounded (`waiting.py`): `dropped` is
    told of what had no room.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        topics: Set[str],
        hear: Hear,
        take: Take,
        *,
        passing: bool = False,
        dropped: Dropped = lambda topic: None,
    ) -> None:
        self._passing = passing
        self._dropped = dropped
        self._broker = broker
        self._client_id = client_id
        self._topics = topics
        self._hear = hear
        self._take = take
        self._changed = asyncio.Event()
        self._listening = asyncio.Event()
        self._listening.set()
        self._loss = LossLog(log, str(broker))
        self._connected: aiomqtt.Client | None = None

    def topics_changed(self) -> None:
        """Listen to what is in `topics` from now on."""
        self._changed.set()
        self._listening.clear()

    async def wait_until_listening(self, seconds: float) -> bool:
        """Wait until the broker has taken the subscriptions, but no longer; say if it has."""
        try:
            async with asyncio.timeout(seconds):
                while self._topics and not self._listening.is_set():
                    await self._listening.wait()
        except TimeoutError:
            return False
        return True

    async def publish(self, topic: str, payload: str, qos: int, retain: bool) -> None:
        """Publish; return when the broker has it; DeviceUnavailable when it has not."""
        client = self._connected
        if client is None:
            raise DeviceUnavailable(f"{self._broker} is away")
        try:
            with traced(MQTT_PUBLISH, topic=topic):
                await client.publish(
                    topic, payload, qos=qos, retain=retain, timeout=_ANSWER_SECONDS
                )
        except aiomqtt.MqttError as error:
            raise DeviceUnavailable(f"{self._broker}: {error}") from error

    async def run(self) -> None:
        """Stay connected, for ever; connect first when there is something to listen to.

        Raises what `take` raises: then the telegrams stay with the broker. Whatever else goes
        wrong is the broker's loss: what libraries raise for a broken connection differs.
        """
        await self._something_wanted()
        backoff = Backoff(most_seconds=2.0)
        while True:
            incoming = _Incoming(self._dropped)
            try:
                async with self._client(incoming) as client:
                    self._loss.back()
                    backoff.reset()
                    self._connected = client
                    # Side by side: a broker may send what it kept before it answers SUBSCRIBE.
                    await race(self._receive(client, incoming), self._subscribe(client))
            except NotKept as error:
                raise error.__cause__ or error from None
            except Exception as error:
                self._loss.lost(f"{type(error).__name__}: {error}")
            finally:
                self._connected = None
            self._listening.clear()
            await backoff.wait()

    async def _something_wanted(self) -> None:
        # Before the devices are known, the telegrams that the broker kept make no sense.
        while not self._topics:
            self._changed.clear()
            await self._changed.wait()

    def _client(self, incoming: _Incoming) -> aiomqtt.Client:
        client = aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.username,
            password=self._broker.password,
            identifier=self._client_id,
            clean_session=self._passing,
            keepalive=_KEEPALIVE_SECONDS,
            timeout=_ANSWER_SECONDS,
            tls_context=self._broker.trust.context() if self._broker.tls else None,
            queue_type=cast("type[asyncio.Queue[aiomqtt.Message]]", lambda maxsize: incoming),
        )
        # aiomqtt has no setting for it: paho acknowledges on receipt unless it is told not to.
        client._client.manual_ack_set(True)
        return client

    async def _receive(self, client: aiomqtt.Client, incoming: _Incoming) -> None:
        heard: WaitingMessages[_Came] = WaitingMessages(self._dropped)
        await race(self._hear_all(client, heard), self._keep_all(client, incoming, heard))

    async def _hear_all(self, client: aiomqtt.Client, heard: WaitingMessages[_Came]) -> None:
        async for message in client.messages:
            heard.put_nowait(_Came(message, await self._hear(_message(message))))
            await asyncio.sleep(0)  # a burst leaves commands their turn

    async def _keep_all(
        self, client: aiomqtt.Client, incoming: _Incoming, heard: WaitingMessages[_Came]
    ) -> None:
        while True:
            group = [await heard.get()]
            while not heard.empty() and len(group) < _LARGEST_GROUP:
                group.append(heard.get_nowait())
            await self._keep([each.delivery for each in group if each.delivery is not None])
            for each in group:
                # On this connection only: its packet ids mean nothing on the next one.
                client._client.ack(each.message.mid, each.message.qos)
            for topic in sorted({each.topic_name for each in group} - self._topics):
                # The session still has the subscription of a device that is gone.
                await client.unsubscribe(topic)
            if (incoming.refused or heard.refused) and heard.empty() and incoming.empty():
                raise NotAcknowledged("there is room again for what was left with the broker")

    async def _keep(self, deliveries: Sequence[Delivery]) -> None:
        try:
            if deliveries:
                await self._take(deliveries)
        except Exception as error:
            raise NotKept from error

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        subscribed: frozenset[str] = frozenset()
        while True:
            self._changed.clear()
            wanted = frozenset(self._topics)
            for topics in batched(sorted(wanted - subscribed)):
                # All at once: a slow broker, asked topic by topic, is never through in time.
                answers = await client.subscribe([(topic, _QOS_1) for topic in topics])
                for topic, answer in zip(topics, answers, strict=False):
                    if answer == _REFUSED:
                        log.error("%s refused the subscription of %s", self._broker, topic)
            for topics in batched(sorted(subscribed - wanted)):
                await client.unsubscribe(topics)
            subscribed = wanted
            if wanted == self._topics:
                self._listening.set()
            await self._changed.wait()


def batched(topics: Sequence[str]) -> Iterator[list[str]]:
    """Yield topics in parts that a broker takes at once."""
    for first in range(0, len(topics), _TOPICS_AT_ONCE):
        yield list(topics[first : first + _TOPICS_AT_ONCE])


def _message(message: aiomqtt.Message) -> Message:
    payload = message.payload
    data = payload if isinstance(payload, bytes) else str(payload or "").encode()
    return Message(topic=str(message.topic), payload=data)
