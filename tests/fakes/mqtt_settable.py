"""A device on a real broker that obeys what is published to it, and says what it holds."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiomqtt


class FakeMqttDevice:
    """Listens on a topic. `obeys`: it does; `speaks`: it says so on the read-back topic."""

    def __init__(self, heard_on: str, says_on: str, say: Callable[[str], object]) -> None:
        self.heard_on = heard_on
        self.says_on = says_on
        self.obeys = True
        self.speaks = True
        self.held = "nothing"
        self.told: list[str] = []
        self._say = say

    async def run(self, port: int, ready: asyncio.Event) -> None:
        async with aiomqtt.Client("127.0.0.1", port, identifier="device") as client:
            await client.subscribe(self.heard_on, qos=1)
            ready.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                self.told.append(message.payload.decode())
                if self.obeys:
                    self.held = self.told[-1]
                if self.speaks:
                    await client.publish(self.says_on, json.dumps(self._say(self.held)), qos=1)


@asynccontextmanager
async def mqtt_device(
    port: int, heard_on: str, says_on: str, say: Callable[[str], object]
) -> AsyncIterator[FakeMqttDevice]:
    """A device that listens, until the context ends."""
    device = FakeMqttDevice(heard_on, says_on, say)
    ready = asyncio.Event()
    running = asyncio.create_task(device.run(port, ready))
    await ready.wait()
    try:
        yield device
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
