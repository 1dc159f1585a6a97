"""The local broker keeps QoS 1 messages of persistent sessions, whoever is killed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt

from tests.fakes.eventually import within
from wattmesh_local.mqtt_broker import DurableBroker

TOPIC = "a/b"


@asynccontextmanager
async def session(
    port: int, *, acknowledge: bool = True, clean: bool = False
) -> AsyncIterator["asyncio.Queue[str]"]:
    """A client with a session that subscribes to `a/+`, and what it receives."""
    received: asyncio.Queue[str] = asyncio.Queue()
    async with aiomqtt.Client(
        "127.0.0.1", port, identifier="reader", clean_session=clean
    ) as client:
        client._client.manual_ack_set(True)

        async def receive() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                received.put_nowait(message.payload.decode())
                if acknowledge:
                    client._client.ack(message.mid, message.qos)

        receiving = asyncio.create_task(receive())
        await client.subscribe("a/+", qos=1)
        try:
            yield received
            await asyncio.sleep(0.1)
        finally:
            receiving.cancel()


async def publish(port: int, *payloads: str) -> None:
    async with aiomqtt.Client("127.0.0.1", port, identifier="writer") as client:
        for payload in payloads:
            await client.publish(TOPIC, payload, qos=1)


async def take(received: "asyncio.Queue[str]", count: int) -> Sequence[str]:
    async with within(10):
        return [await received.get() for _ in range(count)]


async def test_messages_for_a_client_that_is_away_wait_in_order(tmp_path: Path) -> None:
    async with DurableBroker("127.0.0.1:0", tmp_path / "state") as broker:
        async with session(broker.port):
            pass
        await publish(broker.port, "1", "2", "3")
        async with session(broker.port) as received:
            assert await take(received, 3) == ["1", "2", "3"]
        async with session(broker.port) as received:
            await publish(broker.port, "4")
            assert await take(received, 1) == ["4"]


async def test_what_was_not_acknowledged_comes_again_before_what_is_new(tmp_path: Path) -> None:
    async with DurableBroker("127.0.0.1:0", tmp_path / "state") as broker:
        async with session(broker.port, acknowledge=False) as received:
            await publish(broker.port, "1", "2")
            await take(received, 2)
        await publish(broker.port, "3")
        async with session(broker.port) as received:
            assert await take(received, 3) == ["1", "2", "3"]


async def test_more_than_fits_in_flight_is_sent_as_it_is_acknowledged(tmp_path: Path) -> None:
    payloads = [str(index) for index in range(700)]
    async with DurableBroker("127.0.0.1:0", tmp_path / "state") as broker:
        async with session(broker.port):
            pass
        await publish(broker.port, *payloads)
        async with session(broker.port, acknowledge=False) as received:
            assert await take(received, 200) == payloads[:200]
            await asyncio.sleep(0.1)
            assert received.empty()
        async with session(broker.port) as received:
            assert await take(received, 700) == payloads


async def test_a_connection_taken_over_keeps_receiving(tmp_path: Path) -> None:
    async with DurableBroker("127.0.0.1:0", tmp_path / "state") as broker:
        old = session(broker.port)
        await old.__aenter__()
        async with session(broker.port) as received:
            await publish(broker.port, "1")
            assert await take(received, 1) == ["1"]
            await publish(broker.port, "2")
            assert await take(received, 1) == ["2"]


async def test_a_clean_session_forgets_what_waited(tmp_path: Path) -> None:
    async with DurableBroker("127.0.0.1:0", tmp_path / "state") as broker:
        async with session(broker.port):
            pass
        await publish(broker.port, "old")
        async with session(broker.port, clean=True):
            pass
        async with session(broker.port) as received:
            await publish(broker.port, "new")
            assert await take(received, 1) == ["new"]


async def test_a_broker_that_is_killed_knows_sessions_and_messages_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    one = await _start(state)
    async with session(one.port):
        pass
    await publish(one.port, "1", "2")
    await one.kill()
    two = await _start(state)
    await publish(two.port, "3")  # before the reader is back: its subscription is known
    async with session(two.port) as received:
        assert await take(received, 3) == ["1", "2", "3"]
    await two.kill()


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()


async def _start(state: Path) -> _Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wattmesh_local.mqtt_broker"),
        *("--listen", "127.0.0.1:0", "--state", str(state)),
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    return _Process(process, int(line.rpartition(":")[2]))
