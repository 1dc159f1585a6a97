"""A wallbox on MQTT, with the topics of a go-e Charger.

Source: go-e Charger API v2 (github.com/goecharger/go-eCharger-API-v2): each key has a topic
`go-eCharger/<serial>/<key>`, and one with `/set` where it may be written. `car` is 1 without a
vehicle, 2 charging, 3 waiting for the vehicle, 4 complete; `amp` the current [A], `frc` 1 forced
off, 0 neutral; `eto` and `wh` energies [Wh]; `nrg` voltages, currents, powers by phase, of which
the twelfth is the power. It has no timer.
"""

from collections.abc import Sequence
from datetime import timedelta

from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said
from wattmesh_twin.app.run_charger import ChargerTwin
from wattmesh_twin.domain.charger import FixedOffer
from wattmesh_twin.domain.vehicle import LEAST_CURRENT_A, VOLTAGE_V

_FREE, _CHARGING, _WAITS, _COMPLETE = 1, 2, 3, 4


class GoETwin(MqttDevice):
    """A charger that says each of its keys by its interval, and what was written at once."""

    def __init__(
        self, twin: ChargerTwin, max_current_a: float, url: str, serial: str, every: timedelta
    ) -> None:
        super().__init__(url, serial, twin.clock, every)
        self._twin = twin
        self._most_a = max_current_a
        self._amp = int(LEAST_CURRENT_A)
        self._frc = 0
        self._offer()

    @property
    def topics(self) -> Sequence[str]:
        """Where it takes orders."""
        return (self._topic("amp/set"), self._topic("frc/set"))

    def state(self) -> Sequence[Said]:
        """Return what each of its keys says now."""
        look = self._twin.look()
        visit = look.state.visit
        phases = visit.vehicle.phases if visit else 0
        volts = [VOLTAGE_V] * 3 + [0.0]
        amperes = [round(look.current_a, 1) if each < phases else 0.0 for each in range(3)]
        powers = [round(look.power_w / max(phases, 1)) if each < phases else 0 for each in range(3)]
        session_wh = look.state.import_wh - look.state.arrival_import_wh
        nrg = [*volts, *amperes, *powers, 0, round(look.power_w), *[1] * 4]
        said = {
            "eto": round(look.state.import_wh),
            "wh": round(session_wh, 1),
            "nrg": nrg,
            "car": self._car(visit is not None, look.power_w),
            "amp": self._amp,
            "frc": self._frc,
        }
        return [(self._topic(key), value) for key, value in said.items()]

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Take a key in, and say what it is."""
        value = int(payload)
        if topic == self._topic("amp/set"):
            if not LEAST_CURRENT_A <= value <= self._most_a:
                raise ValueError(payload)
            self._amp = value
        elif value in (0, 1, 2):
            self._frc = value
        else:
            raise ValueError(payload)
        self._offer()
        return self.state()

    def _offer(self) -> None:
        self._twin.offer(FixedOffer(offered_a=0.0 if self._frc == 1 else float(self._amp)))

    def _car(self, plugged_in: bool, power_w: float) -> int:
        if not plugged_in:
            return _FREE
        if power_w > 0:
            return _CHARGING
        return _COMPLETE if self._frc == 1 else _WAITS

    def _topic(self, key: str) -> str:
        return f"go-eCharger/{self.address}/{key}"
