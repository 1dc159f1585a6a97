"""A heat pump on MQTT: it says every minute how it stands, and takes orders that end.

On `{address}/set` it takes `{"setpoint_celsius": 21.5, "lease_seconds": 900}`, the same with `on`
(true or false), and `{"release": "setpoint"}` or `"on"`. On `{address}/state` it says what
`gateway/.../profiles/mqtt-heat-pump.yaml` reads: at once after an order, and by its clock.
"""

import asyncio
import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import aiomqtt

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_twin.app.run_zone import ZoneLook, ZoneTwin
from wattmesh_twin.domain.zone import as_shown
from wattmesh_twin.domain.zone_orders import ZoneOrders

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class MqttHeatPump:
    """Speaks for one zone at the broker `mqtt://host:port`, under an address."""

    def __init__(self, twin: ZoneTwin, url: str, address: str, every: timedelta) -> None:
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise InvalidArgument("INVALID_URL", "expected mqtt://host:port", field="mqtt_url")
        self._host, self._port = parts.hostname, parts.port or 1883
        self._twin = twin
        self._address = address
        self._every = every

    async def run(self) -> None:
        """Speak and listen for ever; while the broker is away, try again."""
        while True:
            try:
                await self._connected()
            except aiomqtt.MqttError as error:
                log.info("no broker: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _connected(self) -> None:
        name = self._address.replace("/", "-")
        async with aiomqtt.Client(self._host, self._port, identifier=f"twin-{name}") as client:
            await client.subscribe(f"{self._address}/set", qos=1)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._report(client))
                group.create_task(self._listen(client))

    async def _report(self, client: aiomqtt.Client) -> None:
        while True:
            await self._say(client)
            await self._twin.clock.sleep(self._every)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            try:
                said = json.loads(message.payload)
                orders = ordered(self._twin.orders, said, self._twin.clock.now())
            except (ValueError, TypeError, KeyError, AttributeError):
                log.warning("not understood: %.80r", message.payload)
                continue
            self._twin.order(orders)
            await self._say(client)

    async def _say(self, client: aiomqtt.Client) -> None:
        body = json.dumps(state_of(self._twin.look()), separators=(",", ":"))
        await client.publish(f"{self._address}/state", body, qos=1)


def ordered(orders: ZoneOrders, said: dict[str, object], now: datetime) -> ZoneOrders:
    """Return the orders after a message; ValueError, TypeError or KeyError for nonsense."""
    match said.get("release"):
        case "setpoint":
            return replace(orders, setpoint_celsius=None, setpoint_end=None)
        case "on":
            return replace(orders, on=None, on_end=None)
    end = now + timedelta(seconds=float(str(said["lease_seconds"])))
    if "setpoint_celsius" in said:
        celsius = float(str(said["setpoint_celsius"]))
        return replace(orders, setpoint_celsius=celsius, setpoint_end=end)
    return replace(orders, on=bool(said["on"]), on_end=end)


def state_of(look: ZoneLook) -> dict[str, object]:
    """Return what it says of itself."""
    state = look.state
    return {
        "measure_time": state.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "room_celsius": as_shown(state.interior_celsius),
        "outdoor_celsius": as_shown(look.outdoor_celsius),
        "setpoint_celsius": look.thermostat.setpoint_celsius,
        "on": "true" if look.thermostat.on else "false",
        "mode": look.thermostat.mode.value,
        "active_power_w": round(state.power_w),
        "import_energy_wh": round(state.import_wh, 1),
    }
