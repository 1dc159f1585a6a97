"""Heat pumps, tanks and machines of a site on MQTT: they write down what the broker has confirmed.

As `heat_pump_mqtt.py`, `tank_mqtt.py` and `appliance_mqtt.py`, but each speaks by the raster of its
clock and not before that moves, and what is on its way to the broker when the process ends is
waited for: the ledger has what was said.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import aiomqtt

from wattmesh_kernel.time import floor_time
from wattmesh_twin.adapters.appliance_mqtt import MqttAppliance
from wattmesh_twin.adapters.heat_pump_mqtt import MqttHeatPump
from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said
from wattmesh_twin.adapters.tank_mqtt import MqttTank
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.app.run_zone import ZoneTwin

_LAST_SECONDS = 2.0
"""How long what is on its way is waited for when the process ends [s of the wall]."""

Told = Callable[[datetime], None]


class Written(MqttDevice):
    """Speaks by the raster; `told` hears of each state that the broker has, by its time."""

    told: Told

    async def _report(self, client: aiomqtt.Client) -> None:
        while True:
            now = self._clock.now()
            await self._clock.sleep_until(floor_time(now, self._every) + self._every)
            await self._say(client, self.state())

    async def _say(self, client: aiomqtt.Client, what: Sequence[Said]) -> None:
        for topic, body in what:
            assert isinstance(body, dict)
            saying = asyncio.ensure_future(self._said(client, topic, body))
            try:
                await asyncio.shield(saying)
            except asyncio.CancelledError:
                await asyncio.wait({saying}, timeout=_LAST_SECONDS)
                raise

    async def _said(self, client: aiomqtt.Client, topic: str, body: dict[str, object]) -> None:
        await client.publish(topic, json.dumps(body, separators=(",", ":")), qos=1)
        self.told(datetime.fromisoformat(str(body["measure_time"])))


class MqttRoom(Written, MqttHeatPump):
    """The heat pump of a room."""

    def __init__(
        self, twin: ZoneTwin, url: str, address: str, every: timedelta, told: Told
    ) -> None:
        super().__init__(twin, url, address, every)
        self.told = told


class MqttHotWater(Written, MqttTank):
    """A tank of hot water."""

    def __init__(
        self, twin: TankTwin, url: str, address: str, every: timedelta, told: Told
    ) -> None:
        super().__init__(twin, url, address, every)
        self.told = told


class MqttMachine(Written, MqttAppliance):
    """A machine that somebody loads."""

    def __init__(
        self, twin: ApplianceTwin, url: str, address: str, every: timedelta, told: Told
    ) -> None:
        super().__init__(twin, url, address, every)
        self.told = told
