"""How a nearly full battery takes less and less: constant current, then constant voltage.

Up to 80 % it takes what it is offered; from there on the power falls in a straight line to nothing
at full (Lee, Sharma, Low, "Research Tools for Smart Electric Vehicle Charging", 2021, section III).
Powers and energies are those stored.
"""

import math
from dataclasses import dataclass

TAPER_FROM_RATIO = 0.8
"""State of charge from which on vehicles are taken to draw less and less, until nothing at full."""
_FULL_RATIO = 0.995
"""State of charge beyond which nobody waits: the rest takes as long as it likes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taper:
    """A battery of `capacity_wh` [Wh] that takes `full_w` [W] at most, `least_w` at least."""

    capacity_wh: float
    full_w: float
    least_w: float = 0.0

    @property
    def _width_wh(self) -> float:
        return (1.0 - TAPER_FROM_RATIO) * self.capacity_wh

    def charged(self, soc_ratio: float, offered_w: float, hours: float) -> float:
        """Return the state of charge after some time at an offered power [W].

        40 kWh of a battery of 60 at 12 kW for an hour: 52 kWh; 57 kWh for an hour: 59.6 kWh.
        """
        offered_w = min(offered_w, self.full_w)
        if offered_w <= 0 or hours <= 0:
            return soc_ratio
        knee = max(1.0 - (1.0 - TAPER_FROM_RATIO) * offered_w / self.full_w, soc_ratio)
        first = min(hours, (knee - soc_ratio) * self.capacity_wh / offered_w)
        at_knee = soc_ratio + first * offered_w / self.capacity_wh
        decay = self.full_w / self._width_wh
        return 1.0 - (1.0 - at_knee) * math.exp(-decay * (hours - first))

    def taken_share(self, soc_ratio: float) -> float:
        """Return the share of full power that it takes, at least the least that can be offered."""
        share = min((1.0 - soc_ratio) / (1.0 - TAPER_FROM_RATIO), 1.0)
        return max(share, self._least_share)

    def offered_wh(self, soc_ratio: float, required_wh: float) -> float:
        """Return the energy that has to be offered so that `required_wh` is stored [Wh].

        A nearly full battery draws less than it is offered, so that is offered for longer: what it
        takes now for as long as its power falls from that to the least, then the least. From s0 to
        s1 that is 0.2 C ln((1 - s0) / (1 - s1)) times the power offered over full power.

        Worked: 60 kWh, 10 kW, least 4 kW: the 6 kWh from 80 to 90 % need 8.3 kWh, the 2.7 kWh from
        95 to 99.5 % (beyond nobody waits) 11.1 kWh: 2.8 hours of 4 kW.
        """
        end = min(soc_ratio + required_wh / self.capacity_wh, _FULL_RATIO)
        begin = max(soc_ratio, TAPER_FROM_RATIO)
        if end <= begin:
            return required_wh
        middle = min(max(1.0 - (1.0 - TAPER_FROM_RATIO) * self._least_share, begin), end)
        at_first = math.log((1.0 - begin) / (1.0 - middle)) * self.taken_share(begin)
        trickle = math.log((1.0 - middle) / (1.0 - end)) * self._least_share
        return (begin - soc_ratio) * self.capacity_wh + self._width_wh * (at_first + trickle)

    @property
    def _least_share(self) -> float:
        return min(self.least_w / self.full_w, 1.0)
