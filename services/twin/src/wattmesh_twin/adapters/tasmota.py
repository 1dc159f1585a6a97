"""Relays with Tasmota on MQTT: a metered plug with something behind it, and contacts for SG Ready.

Source: Tasmota documentation (tasmota.github.io/docs/MQTT, /Commands): `cmnd/<topic>/POWER` takes
ON and OFF and answers on `stat/<topic>/RESULT`; `Backlog` takes several commands, each of which
answers by itself; `tele/<topic>/SENSOR` comes by the telemetry period. Relays keep what they were
told: they have no timer.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.app.run_tank import TankTwin
from wattmesh_twin.domain.order import Order

_WORDS = {"ON": True, "OFF": False}


def _sensor(time: str, power_w: float, import_wh: float) -> dict[str, object]:
    return {
        "Time": time,
        "ENERGY": {"Total": round(import_wh / 1000.0, 4), "Power": round(power_w)},
    }


class TasmotaPlug(MqttDevice):
    """A plug with an appliance behind it."""

    def __init__(self, twin: ApplianceTwin, url: str, address: str, every: timedelta) -> None:
        super().__init__(url, address, twin.clock, every)
        self._twin = twin

    @property
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""
        return (f"cmnd/{self.address}/POWER",)

    def state(self) -> Sequence[Said]:
        """Return its telemetry."""
        state = self._twin.look()
        time = state.time.strftime("%Y-%m-%dT%H:%M:%S")
        said = _sensor(time, self._twin.power_w, state.import_wh)
        return ((f"tele/{self.address}/SENSOR", said),)

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Switch, and say so."""
        self._twin.order(Order(value=float(_WORDS[payload])))
        return ((f"stat/{self.address}/RESULT", {"POWER": payload}), *self.state())


class TasmotaSgReady(MqttDevice):
    """Two contacts at the SG Ready input of a heat pump that heats water, and a probe in its tank.

    Source: Bundesverband Wärmepumpe, SG Ready 1.1, contacts 1:0 it is blocked, 0:0 normal, 0:1 it
    is recommended to run. Recommended, its thermostat keeps `raised_k` more than people have set.
    """

    def __init__(
        self, twin: TankTwin, raised_k: float, url: str, address: str, every: timedelta
    ) -> None:
        super().__init__(url, address, twin.clock, every)
        self._twin = twin
        self._raised_k = raised_k
        self._contacts = {"POWER1": False, "POWER2": False}

    @property
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""
        return (f"cmnd/{self.address}/Backlog",)

    def state(self) -> Sequence[Said]:
        """Return its telemetry."""
        state = self._twin.look().state
        said = _sensor(state.time.strftime("%Y-%m-%dT%H:%M:%S"), state.power_w, state.import_wh)
        said["DS18B20"] = {"Temperature": round(state.celsius, 1)}
        return ((f"tele/{self.address}/SENSOR", said),)

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Switch contact by contact, and say so of each."""
        answers: list[Said] = []
        for command in payload.split(";"):
            contact, word = command.split()
            if contact not in self._contacts:
                raise ValueError(command)
            self._contacts[contact] = _WORDS[word]
            answers.append((f"stat/{self.address}/RESULT", {contact: word}))
        blocked, recommended = self._contacts.values()
        orders = self._twin.orders
        raised = Order(value=orders.own_celsius + self._raised_k)
        self._twin.order(
            replace(
                orders,
                on=Order(value=0.0) if blocked else None,
                setpoint=raised if recommended and not blocked else None,
            )
        )
        return (*answers, *self.state())
