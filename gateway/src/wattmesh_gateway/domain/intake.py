"""What comes in at once: readings, and what of it is set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from wattmesh_gateway.domain.reading import Reading
from wattmesh_gateway.domain.telegram import QuarantinedTelegram


class Origin(Enum):
    """How readings reached the gateway."""

    TELEGRAM = "telegram"
    """The device published them."""

    POLL = "poll"
    """The gateway asked the device."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """What one telegram, one poll, or a group of them brought in."""

    origin: Origin
    readings: Sequence[Reading] = ()
    telegrams: int = 0
    rejected: int = 0
    quarantined: Sequence[QuarantinedTelegram] = ()
    """Telegrams to be set aside."""
    replayed: Sequence[int] = ()
    """Telegrams set aside before that were understood now, by their ids."""
