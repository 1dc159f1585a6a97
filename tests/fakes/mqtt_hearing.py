"""What somebody hears at a broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt


@asynccontextmanager
async def hearing(client: aiomqtt.Client, topic: str) -> AsyncIterator["asyncio.Queue[str]"]:
    """What somebody hears who subscribes to a topic, as `topic payload`."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def listen() -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            heard.put_nowait(f"{message.topic} {message.payload.decode()}")

    async with client:
        await client.subscribe(topic, qos=1)
        listening = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            listening.cancel()
