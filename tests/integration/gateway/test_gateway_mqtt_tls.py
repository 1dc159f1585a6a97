"""TLS with a broker of one's own: each side shows what the other's authority has issued."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from pydantic import ValidationError

from tests.fakes.eventually import eventually
from tests.fakes.identities import Identities
from tests.fakes.tls_front import with_tls
from wattmesh_gateway.domain.telegram import Delivery
from wattmesh_gateway.drivers.mqtt.session import Message, MqttSession
from wattmesh_gateway.drivers.mqtt.settings import MqttSettings
from wattmesh_local.identities.authority import CERTIFICATE, KEY, ROOTS
from wattmesh_local.mqtt_broker import DurableBroker

GATEWAY = "spiffe://mesh/ns/wattmesh/sa/gateway"
TOPIC = "home-1/meter"


def settings(port: int, authority: Path, shown: Path | None) -> MqttSettings:
    files: dict[str, Any] = {"mqtt_ca_file": authority / ROOTS}
    if shown is not None:
        files |= {"mqtt_certificate_file": shown / CERTIFICATE, "mqtt_key_file": shown / KEY}
    return MqttSettings(mqtt_url=f"mqtts://127.0.0.1:{port}", **files)


@asynccontextmanager
async def listening(told: MqttSettings) -> AsyncIterator[tuple[MqttSession, list[bytes]]]:
    kept = list[bytes]()

    async def hear(message: Message) -> Delivery:
        return Delivery(origin=message.topic, telegrams=[], payload=message.payload)

    async def take(deliveries: Sequence[Delivery]) -> None:
        kept.extend(each.payload for each in deliveries)

    session = MqttSession(told.broker, "wattmesh-test", {TOPIC}, hear, take)
    running = asyncio.create_task(session.run())
    session.topics_changed()
    try:
        yield session, kept
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_meters_are_heard_over_tls_and_a_broker_of_another_authority_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = (Identities(tmp_path / name) for name in ("ours", "theirs"))
    shown = ours.issue(GATEWAY)
    async with (
        DurableBroker("127.0.0.1:0", tmp_path / "broker.sqlite") as broker,
        with_tls(broker.port, ours) as port,
    ):
        async with listening(settings(port, ours.issue(GATEWAY), shown)) as (session, kept):
            assert await session.wait_until_listening(10.0)
            async with aiomqtt.Client("127.0.0.1", broker.port) as meter:
                await meter.publish(TOPIC, b"1", qos=1)
            await eventually(lambda: kept == [b"1"])
        wrong_authority = settings(port, theirs.issue(GATEWAY), shown)
        nothing_shown = settings(port, ours.issue(GATEWAY), None)
        async with listening(wrong_authority) as (session, kept):
            await eventually(lambda: "certificate verify failed" in caplog.text)
        for told in (wrong_authority, nothing_shown):
            async with listening(told) as (session, kept):
                assert not await session.wait_until_listening(0.5)
                assert kept == []


def test_files_that_cannot_be_used_are_said_at_the_start(tmp_path: Path) -> None:
    folder = Identities(tmp_path / "ours").issue(GATEWAY)
    broken = tmp_path / "broken.crt"
    broken.write_text("none")
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"mqtt_ca_file": tmp_path / "absent"}, "cannot be used"),
        ({"mqtt_ca_file": broken}, "cannot be used"),
        ({"mqtt_certificate_file": folder / CERTIFICATE}, "come together"),
        ({"mqtt_url": "mqtt://broker", "mqtt_ca_file": folder / ROOTS}, "has none"),
    )
    for files, complaint in cases:
        with pytest.raises(ValidationError, match=complaint):
            MqttSettings(**{"mqtt_url": "mqtts://broker", **files})
