"""What a device that speaks by itself has said, understood by its driver."""

from collections.abc import Sequence
from dataclasses import dataclass

from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import DeviceId


@dataclass(frozen=True, kw_only=True, slots=True)
class Telegram:
    """What one device said; `problems` is what of it made no sense.

    Not `understood`: nothing of it did, and the device has not answered by it.
    """

    device: DeviceId
    readings: Sequence[Reading] = ()
    problems: Sequence[str] = ()
    understood: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message as it came in, with what it says of each device; of none when it is nobody's."""

    origin: str
    telegrams: Sequence[Telegram]
