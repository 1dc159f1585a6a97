"""What a reserve asks of a site just now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_kernel.checks import require, require_finite, require_text
from wattmesh_kernel.ids import SiteId

LONGEST_HOLD = timedelta(hours=1)
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveSignal:
    """A change of the power into a site [W], importing positive: up asks for less than 0.

    It holds for `hold` if no other of the same `reserve` follows. The sites of one `pool` stand in
    for each other; empty: nobody does. Error: InvalidArgument for what makes no sense.
    """

    site: SiteId
    reserve: str
    power_w: float
    hold: timedelta
    signal_time: datetime
    pool: str = ""

    def __post_init__(self) -> None:
        require_text(self.reserve, _LONGEST_NAME, "reserve", required=True)
        require_text(self.pool, _LONGEST_NAME, "pool")
        require_finite(self.power_w, "power_w")
        lasting = timedelta(0) < self.hold <= LONGEST_HOLD
        require(lasting, "INVALID_DURATION", "it must be positive, at most 1 h", "hold_duration")
