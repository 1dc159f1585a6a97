"""A device on MQTT that says how it stands and takes orders: what all of them share."""

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta

import aiomqtt

from wattmesh_kernel.clock import Clock
from wattmesh_twin.adapters.mqtt_address import parse_mqtt_address

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0

Said = tuple[str, object]
"""A topic and what is said there, as JSON."""


class MqttDevice(ABC):
    """Speaks at an `MqttAddress` under a name, by its interval and after orders."""

    def __init__(self, url: str, address: str, clock: Clock, every: timedelta) -> None:
        self._broker = parse_mqtt_address(url)
        self.address = address
        self._clock = clock
        self._every = every

    @property
    @abstractmethod
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""

    @abstractmethod
    def state(self) -> Sequence[Said]:
        """Return what it says of itself now."""

    @abstractmethod
    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Take an order; return what it answers. ValueError, TypeError, KeyError: nonsense."""

    async def run(self) -> None:
        """Speak and listen for ever; while the broker is away, try again."""
        while True:
            try:
                await self._connected()
            except* aiomqtt.MqttError as errors:
                log.info("no broker: %s", errors.exceptions[0])
                await asyncio.sleep(_RETRY_SECONDS)

    async def _connected(self) -> None:
        name = self.address.replace("/", "-")
        async with self._broker.client(f"twin-{name}") as client:
            for topic in self.topics:
                await client.subscribe(topic, qos=1)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._report(client))
                group.create_task(self._listen(client))

    async def _report(self, client: aiomqtt.Client) -> None:
        while True:
            await self._say(client, self.state())
            await self._clock.sleep(self._every)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            try:
                answers = self.obey(str(message.topic), message.payload.decode())
            except (ValueError, TypeError, KeyError, AttributeError):
                log.warning("not understood: %.80r", message.payload)
                continue
            await self._say(client, answers)

    async def _say(self, client: aiomqtt.Client, what: Sequence[Said]) -> None:
        for topic, body in what:
            await client.publish(topic, json.dumps(body, separators=(",", ":")), qos=1)


def document(payload: str) -> Mapping[str, object]:
    """Return a JSON object; ValueError when it is none."""
    said = json.loads(payload)
    if not isinstance(said, dict):
        raise ValueError(payload)
    return said
