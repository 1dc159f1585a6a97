"""The twin's devices with ears that can be shut: they take an order, and do not follow it."""

from collections.abc import Sequence

from wattmesh_twin.adapters.appliance_mqtt import MqttAppliance
from wattmesh_twin.adapters.go_e import GoETwin
from wattmesh_twin.adapters.heat_pump_modbus import HeatPumpTwin
from wattmesh_twin.adapters.heat_pump_mqtt import MqttHeatPump
from wattmesh_twin.adapters.heating_element import HeatingElementTwin
from wattmesh_twin.adapters.keba import KebaTwin
from wattmesh_twin.adapters.mqtt_device import MqttDevice, Said
from wattmesh_twin.adapters.ocpp_point import OcppTwin
from wattmesh_twin.adapters.registers import RegisterDevice
from wattmesh_twin.adapters.sunspec.device import SunSpecDevice
from wattmesh_twin.adapters.tank_mqtt import MqttTank
from wattmesh_twin.domain.charging_profiles import ChargingProfiles


class _OnMqtt(MqttDevice):
    deaf = False

    def obey(self, topic: str, payload: str) -> Sequence[Said]:
        """Say how it stands, and do no more if it is deaf."""
        return self.state() if self.deaf else super().obey(topic, payload)  # type: ignore[safe-super]


class HeatPumpOnMqtt(_OnMqtt, MqttHeatPump):
    """A zone."""


class TankOnMqtt(_OnMqtt, MqttTank):
    """A tank."""


class ApplianceOnMqtt(_OnMqtt, MqttAppliance):
    """Work that can wait."""


class ChargerOnMqtt(_OnMqtt, GoETwin):
    """A charge point."""


class _OnModbus(RegisterDevice):
    deaf = False

    def write(self, register: int, value: int) -> bool:
        """Say that it was written, and do no more if it is deaf."""
        return True if self.deaf else super().write(register, value)  # type: ignore[safe-super]


class HeatPumpOnModbus(_OnModbus, HeatPumpTwin):
    """A zone."""


class ElementOnModbus(_OnModbus, HeatingElementTwin):
    """A tank."""


class ChargerOnModbus(_OnModbus, KebaTwin):
    """A charge point."""


class ChargerOnOcpp(OcppTwin):
    """A charge point."""

    deaf = False

    def obey(self, profiles: ChargingProfiles) -> None:
        """Say that it has the profile, and do no more if it is deaf."""
        if not self.deaf:
            super().obey(profiles)


class MachineOnModbus:
    """A SunSpec device."""

    def __init__(self, device: SunSpecDevice) -> None:
        self._device = device
        self.deaf = False

    @property
    def unit_id(self) -> int:
        """Its unit."""
        return self._device.unit_id

    @property
    def template(self) -> list[int]:
        """Its registers before anything is measured."""
        return self._device.template

    def writable(self) -> set[int]:
        """Return what may be written."""
        return self._device.writable()

    def read(self, asked: range) -> list[int]:
        """Return what it shows."""
        return self._device.read(asked)

    def write(self, start: int, values: list[int]) -> None:
        """Say that it was written, and do no more if it is deaf."""
        if not self.deaf:
            self._device.write(start, values)
