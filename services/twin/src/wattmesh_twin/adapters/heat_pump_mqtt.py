"""A heat pump on MQTT: it says every minute how it stands, and takes orders that end.

On `{address}/set` it takes `{"setpoint_celsius": 21.5, "lease_seconds": 900}`, the same with `on`
(true or false), and `{"release": "setpoint"}` or `"on"`. On `{address}/state` it says what
`gateway/.../profiles/mqtt-heat-pump.yaml` reads: at once after an order, and by its clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said, document
from wattmesh_twin.app.run_zone import ZoneLook, ZoneTwin
from wattmesh_twin.domain.zone import as_shown
from wattmesh_twin.domain.zone_orders import ZoneOrders


class MqttHeatPump(MqttDevice):
    """Speaks for one zone."""

    def __init__(self, twin: ZoneTwin, url: str, address: str, every: timedelta) -> None:
        super().__init__(url, address, twin.clock, every)
        self._twin = twin

    @property
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""
        return (f"{self.address}/set",)

    def state(self) -> Sequence[Said]:
        """Return what it says of itself now."""
        return ((f"{self.address}/state", state_of(self._twin.look())),)

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Take an order, and say how it stands."""
        self._twin.order(ordered(self._twin.orders, document(payload), self._twin.clock.now()))
        return self.state()


def ordered(orders: ZoneOrders, said: Mapping[str, object], now: datetime) -> ZoneOrders:
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
