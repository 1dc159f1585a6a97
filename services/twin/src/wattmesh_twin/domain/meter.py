"""A bidirectional meter: two registers that never mix, and the mean power between telegrams."""

from dataclasses import dataclass, replace
from datetime import timedelta

from wattmesh_twin.domain.battery import SECONDS_PER_HOUR

METER_STEP_WH = 0.1
"""The last digit of a meter's registers [Wh]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeterState:
    """Registers [Wh] since the beginning, and what belongs to the running reporting interval.

    `interval_wh` is the net energy of the interval so far; `complete` is False once a part of it
    was not measured. `telegrams` counts those that were made.
    """

    import_wh: float = 0.0
    export_wh: float = 0.0
    interval_wh: float = 0.0
    complete: bool = True
    telegrams: int = 0

    def after(self, power_w: float | None, seconds: float) -> "MeterState":
        """Return the state after `seconds` at constant `power_w` [W], import positive.

        None means that nobody measured the power: the registers stand still and the interval is
        no longer complete.
        """
        if power_w is None:
            return replace(self, complete=False) if seconds > 0 else self
        energy_wh = power_w * seconds / SECONDS_PER_HOUR
        return replace(
            self,
            import_wh=self.import_wh + max(energy_wh, 0.0),
            export_wh=self.export_wh + max(-energy_wh, 0.0),
            interval_wh=self.interval_wh + energy_wh,
        )

    def mean_power_w(self, interval: timedelta) -> float:
        """Return the mean power [W] over the reporting interval that just ended."""
        return self.interval_wh * SECONDS_PER_HOUR / interval.total_seconds()

    def next_interval(self) -> "MeterState":
        """Return the state at the beginning of the next reporting interval."""
        telegrams = self.telegrams + int(self.complete)
        return replace(self, interval_wh=0.0, complete=True, telegrams=telegrams)
