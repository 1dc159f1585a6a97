"""What every device profile says, whatever the protocol; the rest belongs to its driver."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from wattmesh_kernel.setpoints import SetpointKind

UNTESTED = "untested on hardware"
PLUGGED_IN = "plugged_in_ratio"
"""What a charger measures that says what goes on at its plug."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceProfile(ABC):
    """How to talk to a kind of device, as data; each driver has a kind of profile of its own.

    `protocol` is that of the connections it is for, `source` the document it was made from;
    `tested` says on what it was tried.
    """

    name: str
    title: str
    protocol: str
    source: str
    tested: str = UNTESTED

    @property
    @abstractmethod
    def quantities(self) -> frozenset[str]:
        """What such a device measures."""

    @property
    def setpoint_kinds(self) -> frozenset[SetpointKind]:
        """What can be set on it."""
        return frozenset()
