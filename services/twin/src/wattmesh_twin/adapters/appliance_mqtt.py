"""An appliance with remote start on MQTT: it waits for its permission, and says where it is.

On `{address}/set` it takes `{"start": true, "lease_seconds": 900}` and `{"release": "start"}`. On
`{address}/state` it says what `gateway/.../profiles/mqtt-appliance.yaml` reads.
"""

from collections.abc import Sequence
from datetime import timedelta

from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said, document
from wattmesh_twin.app.run_appliance import ApplianceTwin
from wattmesh_twin.domain.order import Order


class MqttAppliance(MqttDevice):
    """Speaks for one appliance."""

    def __init__(self, twin: ApplianceTwin, url: str, address: str, every: timedelta) -> None:
        super().__init__(url, address, twin.clock, every)
        self._twin = twin

    @property
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""
        return (f"{self.address}/set",)

    def state(self) -> Sequence[Said]:
        """Return what it says of itself now."""
        twin = self._twin
        state, permitted = twin.look(), twin.permitted
        said = {
            "measure_time": state.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "stage": state.stage(permitted=permitted).value,
            "start": "true" if permitted else "false",
            "active_power_w": round(state.power_w(permitted=permitted)),
            "import_energy_wh": round(state.import_wh, 1),
        }
        return ((f"{self.address}/state", said),)

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Take an order, and say how it stands."""
        said = document(payload)
        if said.get("release") == "start":
            self._twin.order(None)
            return self.state()
        if not isinstance(said["start"], bool):
            raise ValueError(payload)
        end = self._twin.clock.now() + timedelta(seconds=float(str(said["lease_seconds"])))
        self._twin.order(Order(value=float(said["start"]), end=end))
        return self.state()
