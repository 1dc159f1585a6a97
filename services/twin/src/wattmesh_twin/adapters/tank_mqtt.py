"""A tank of hot water on MQTT: it says how it stands, and takes orders that end.

On `{address}/set` it takes `{"setpoint_celsius": 55, "lease_seconds": 900}`, the same with
`power_w` (most of its heater) or `on` (true or false), and `{"release": "setpoint"}`, `"power"` or
`"on"`. On `{address}/state` it says what `gateway/.../profiles/mqtt-hot-water.yaml` reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said, document
from wattmesh_twin.app.run_tank import TankLook, TankTwin
from wattmesh_twin.domain.order import Order
from wattmesh_twin.domain.tank_orders import TankOrders

_KEYS = {"setpoint_celsius": "setpoint", "power_w": "power", "on": "on"}


class MqttTank(MqttDevice):
    """Speaks for one tank."""

    def __init__(self, twin: TankTwin, url: str, address: str, every: timedelta) -> None:
        super().__init__(url, address, twin.clock, every)
        self._twin = twin

    @property
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""
        return (f"{self.address}/set",)

    def state(self) -> Sequence[Said]:
        """Return what it says of itself now."""
        return ((f"{self.address}/state", tank_state(self._twin.look())),)

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Take an order, and say how it stands."""
        said, now = document(payload), self._twin.clock.now()
        self._twin.order(tank_ordered(self._twin.orders, said, now))
        return self.state()


def tank_ordered(orders: TankOrders, said: Mapping[str, object], now: datetime) -> TankOrders:
    """Return the orders after a message; ValueError, TypeError or KeyError for nonsense."""
    released = said.get("release")
    if released is not None:
        return _with(orders, str(released), None)
    end = now + timedelta(seconds=float(str(said["lease_seconds"])))
    key = next((each for each in _KEYS if each in said), "an order")
    value = said[key]
    number = float(value) if isinstance(value, bool) else float(str(value))
    return _with(orders, _KEYS[key], Order(value=number, end=end))


def _with(orders: TankOrders, what: str, order: Order | None) -> TankOrders:
    """Return the orders with another one; ValueError when there is no such thing."""
    match what:
        case "setpoint":
            return replace(orders, setpoint=order)
        case "power":
            return replace(orders, power=order)
        case "on":
            return replace(orders, on=order)
    raise ValueError(what)


def tank_state(look: TankLook) -> dict[str, object]:
    """Return what it says of itself."""
    state = look.state
    return {
        "measure_time": state.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "water_celsius": round(state.celsius, 1),
        "setpoint_celsius": look.setpoint_celsius,
        "most_w": round(look.most_w),
        "on": "true" if look.most_w > 0 else "false",
        "active_power_w": round(state.power_w),
        "import_energy_wh": round(state.import_wh, 1),
    }
