"""Opens devices as their profiles say."""

from collections.abc import Mapping

from wattmesh_gateway.domain.device import Device, ModbusAddress, MqttAddress
from wattmesh_gateway.domain.errors import ProfileError
from wattmesh_gateway.domain.profile import ModbusProfile, MqttProfile, Profile
from wattmesh_gateway.drivers.modbus import ModbusDevice, ModbusDriver


class ProfiledDrivers:
    """The profiles, and the drivers they are for."""

    def __init__(self, profiles: Mapping[str, Profile], modbus: ModbusDriver) -> None:
        self._profiles = profiles
        self._modbus = modbus

    async def open(self, device: Device) -> ModbusDevice | MqttProfile:
        """Return the device, or the profile of one that publishes by itself.

        Error: ProfileError when there is no such profile or it does not fit the connection.
        """
        profile = self._profiles.get(device.profile)
        match profile, device.connection:
            case None, _:
                known = ", ".join(self._profiles)
                raise ProfileError(f"no profile {device.profile!r}; there are {known}")
            case MqttProfile(), MqttAddress():
                return profile
            case ModbusProfile(), ModbusAddress() as address:
                return await self._modbus.open(device, address, profile)
            case _:
                raise ProfileError(f"the profile {device.profile!r} is for another connection")
