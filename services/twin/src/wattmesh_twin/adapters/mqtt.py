"""Meters on MQTT: telegrams as JSON, QoS 1."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt

from wattmesh_twin.adapters.mqtt_address import parse_mqtt_address
from wattmesh_twin.app.ports import BrokerLost
from wattmesh_twin.domain.telegram import Telegram
from wattmesh_twin.domain.topology import topic

CONFIRM_SECONDS = 10.0
"""How long the broker may take to confirm a telegram, wall time."""


def payload(telegram: Telegram) -> bytes:
    """Return a telegram as the meter writes it: names with units, power positive when importing."""
    body = {
        "device": f"{telegram.device.site.segment}/{telegram.device.segment}",
        "seq": telegram.sequence,
        "measure_time": telegram.measure_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "import_energy_wh": telegram.import_wh,
        "export_energy_wh": telegram.export_wh,
        "active_power_w": telegram.active_power_w,
    }
    return json.dumps(body, separators=(",", ":")).encode()


class MqttLine:
    """An open connection to the broker."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def send(self, telegram: Telegram) -> None:
        """Publish with QoS 1 and return when the broker's PUBACK is here."""
        await self._client.publish(
            topic(telegram.device), payload(telegram), qos=1, timeout=CONFIRM_SECONDS
        )


class MqttBroker:
    """The way to the broker at `mqtt[s]://[user:password@]host[:port]`."""

    def __init__(self, url: str, client_id: str) -> None:
        self._address = parse_mqtt_address(url)
        self._client_id = client_id

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[MqttLine]:
        """Open a connection; BrokerLost when there is no broker, now or later."""
        try:
            async with self._address.client(self._client_id) as client:
                yield MqttLine(client)
        except aiomqtt.MqttError as error:
            raise BrokerLost(str(error)) from error
