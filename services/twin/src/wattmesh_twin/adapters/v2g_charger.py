"""A charger on MQTT that takes power out of a vehicle as well: vehicle to grid.

On `{address}/set` it takes `{"power_w": -3000, "lease_seconds": 900}`, into the vehicle positive,
and `{"release": "power"}`. On `{address}/state` it says what
`gateway/.../profiles/mqtt-v2g-charger.yaml` reads. Without an order, or once its lease has ended,
it takes nothing out: it charges with `SAFE_POWER_W`, so that whoever comes back to the vehicle
finds it charged even if nobody leads it any more.
"""

from collections.abc import Sequence
from datetime import timedelta

from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said, document
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.leased_power import LeasedPower
from wattmesh_twin.domain.order import Order

SAFE_POWER_W = 4140.0
"""6 A on three phases at 230 V, as charge points offer while nobody leases them."""


class V2gChargerTwin(MqttDevice):
    """Speaks for one charger of `max_power_w` either way."""

    def __init__(
        self, twin: ChargerTwin, max_power_w: float, url: str, address: str, every: timedelta
    ) -> None:
        super().__init__(url, address, twin.clock, every)
        self._twin = twin
        self._most_w = max_power_w
        self._power = LeasedPower(safe_w=min(SAFE_POWER_W, max_power_w))
        twin.offer(self._power)

    @property
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""
        return (f"{self.address}/set",)

    def state(self) -> Sequence[Said]:
        """Return what it says of itself now."""
        look = self._twin.look()
        state = look.state
        setpoint_w = self._power.setpoint_w(state.time)
        said = {
            "measure_time": state.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "plug": _plug(state.visit is not None, setpoint_w, look.power_w),
            "active_power_w": round(look.power_w),
            "import_energy_wh": round(state.import_wh, 1),
            "export_energy_wh": round(state.export_wh, 1),
            "soc_ratio": round(state.soc_ratio, 4) if state.visit else None,
            "setpoint_w": round(setpoint_w),
        }
        return ((f"{self.address}/state", said),)

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Take an order, and say how it stands; ValueError for more than it can do."""
        said = document(payload)
        if said.get("release") == "power":
            return self._follow(None)
        value = float(str(said["power_w"]))
        if not -self._most_w <= value <= self._most_w:
            raise ValueError(payload)
        end = self._twin.clock.now() + timedelta(seconds=float(str(said["lease_seconds"])))
        return self._follow(Order(value=value, end=end))

    def _follow(self, order: Order | None) -> Sequence[Said]:
        self._power = LeasedPower(safe_w=self._power.safe_w, order=order)
        self._twin.offer(self._power)
        return self.state()


def _plug(plugged_in: bool, setpoint_w: float, power_w: float) -> str:
    """Return what goes on at its plug; empty to its bound a vehicle that is to give waits."""
    if not plugged_in:
        return "free"
    if power_w:
        return "charging" if power_w > 0 else "discharging"
    if setpoint_w < 0:
        return "waiting"
    return "held_back" if setpoint_w == 0 else "takes_nothing"
