"""What a device that speaks by itself has said, understood by its driver."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import DeviceId

MOST_KEPT_BYTES = 16 * 1024
"""Most of a telegram's payload that is set aside; of a longer one only the beginning is kept."""

MOST_REASON_CHARACTERS = 500


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
    """One message as it came in, with what it says of each device; of none when it is nobody's.

    `arrival` is when it came in; None: just now.
    """

    origin: str
    telegrams: Sequence[Telegram]
    payload: bytes = b""
    arrival: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinedTelegram:
    """A telegram that was set aside because something of it made no sense, and why.

    `device` is None when nobody was known to publish there; `payload_bytes` is how long it was.
    """

    origin: str
    device: DeviceId | None
    reason: str
    payload: bytes
    payload_bytes: int
    arrival: datetime
    id: int = 0

    @property
    def complete(self) -> bool:
        """Whether all of it was kept, so that it can be replayed."""
        return len(self.payload) == self.payload_bytes


def set_aside(
    delivery: Delivery, device: DeviceId | None, reason: str, arrival: datetime
) -> QuarantinedTelegram:
    """Return what is kept of a telegram that made no sense."""
    return QuarantinedTelegram(
        origin=delivery.origin,
        device=device,
        reason=shortened(reason),
        payload=delivery.payload[:MOST_KEPT_BYTES],
        payload_bytes=len(delivery.payload),
        arrival=arrival,
    )


def refused_reading(reading: Reading, reason: str) -> QuarantinedTelegram:
    """Return what is kept of a reading that metering will not have, as text."""
    said = {
        "point": reading.point.name,
        "measure_time": reading.measure_time.isoformat(),
        "value": reading.value,
        "quality": reading.quality.value,
    }
    payload = json.dumps(said).encode()
    return QuarantinedTelegram(
        origin="metering refused it",
        device=reading.point.device,
        reason=shortened(reason),
        payload=payload,
        payload_bytes=len(payload),
        arrival=reading.measure_time,
    )


def shortened(text: str) -> str:
    """Return a text that a device may have made as long as it wants, cut to what people read."""
    if len(text) <= MOST_REASON_CHARACTERS:
        return text
    return f"{text[:MOST_REASON_CHARACTERS]}…"
