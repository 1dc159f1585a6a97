"""Which of a loop's meters counts, and what it shows: in order, fresh, each message once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import DeviceId, PointId
from wattmesh_kernel.loop_policy import POWER_OF_PHASE, LoopMeter
from wattmesh_kernel.sites import Phase

_CONDUCTORS = (Phase.L1, Phase.L2, Phase.L3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a meter showed [W], importing positive, by conductor; THREE: all together.

    `measure_time` is that of its oldest value, `arrival` when the newest came here.
    """

    meter: DeviceId
    measure_time: datetime
    arrival: datetime
    powers_w: Mapping[Phase, float]


@dataclass(frozen=True, slots=True)
class _Value:
    power_w: float
    measure_time: datetime
    arrival: datetime


class MeterWatch:
    """Takes readings of several meters; the first that is fresh counts.

    A reading is passed over when its time is not after the last one's of its point, or further than
    `stale_after` from now on either side: what a broker had kept, or a clock that is off.
    """

    def __init__(self, meters: Sequence[LoopMeter], stale_after: timedelta) -> None:
        self._stale_after = stale_after
        self._values: dict[DeviceId, dict[Phase, _Value]] = {each.device: {} for each in meters}
        self._points: dict[PointId, tuple[DeviceId, Phase]] = {
            PointId(meter.device, quantity): (meter.device, phase)
            for meter in meters
            for phase, quantity in POWER_OF_PHASE.items()
        }

    @property
    def points(self) -> frozenset[PointId]:
        """What it listens to."""
        return frozenset(self._points)

    def take_over(self, other: "MeterWatch") -> None:
        """Know what another one has heard of the same meters."""
        for device, values in other._values.items():
            if device in self._values:
                self._values[device] = values

    def hear(self, reading: Reading, now: datetime) -> bool:
        """Take a reading; return whether it says something new of a meter."""
        found = self._points.get(reading.point)
        if found is None or abs(now - reading.measure_time) > self._stale_after:
            return False
        device, phase = found
        last = self._values[device].get(phase)
        if last is not None and reading.measure_time <= last.measure_time:
            return False
        self._values[device][phase] = _Value(reading.value, reading.measure_time, now)
        return True

    def shown(self, now: datetime) -> Shown | None:
        """Return what the first fresh meter shows; None when none is to be trusted."""
        for device, values in self._values.items():
            fresh = {
                phase: value
                for phase, value in values.items()
                if now - min(value.measure_time, value.arrival) <= self._stale_after
            }
            powers_w = _together({phase: value.power_w for phase, value in fresh.items()})
            if Phase.THREE in powers_w:
                return Shown(
                    meter=device,
                    measure_time=min(each.measure_time for each in fresh.values()),
                    arrival=max(each.arrival for each in fresh.values()),
                    powers_w=powers_w,
                )
        return None


def _together(powers_w: dict[Phase, float]) -> dict[Phase, float]:
    """Add the conductors up, where a meter shows each of them and not their sum."""
    if Phase.THREE not in powers_w and all(each in powers_w for each in _CONDUCTORS):
        powers_w[Phase.THREE] = sum(powers_w[each] for each in _CONDUCTORS)
    return powers_w
