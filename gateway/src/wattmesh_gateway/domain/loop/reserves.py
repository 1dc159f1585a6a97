"""What reserves ask of a site's members: moved from what they would do, as far as there is room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wattmesh_gateway.domain.loop.sharing import Taker, share_out
from wattmesh_gateway.domain.loop.standing import Slot, Standing
from wattmesh_kernel.reserve_signal import ReserveSignal


@dataclass(slots=True)
class ReserveSignals:
    """The newest signal of each reserve, and until when it holds; times are the mesh's."""

    _held: dict[str, tuple[ReserveSignal, datetime]] = field(default_factory=dict)

    def take(self, signal: ReserveSignal, now: datetime) -> bool:
        """Take a signal; return whether it is news: an older one than the last is not."""
        before = self._held.get(signal.reserve)
        if before is not None and signal.signal_time < before[0].signal_time:
            return False
        self._held[signal.reserve] = (signal, now + signal.hold)
        return True

    def power_w(self, now: datetime) -> float | None:
        """Return the change of power that is asked now [W], importing positive; None: nothing."""
        self._held = {name: held for name, held in self._held.items() if now < held[1]}
        if not self._held:
            return None
        return sum(signal.power_w for signal, _ in self._held.values())


def moved(
    standings: Sequence[Standing], powers_w: Mapping[Slot, float], change_w: float
) -> dict[Slot, float]:
    """Return powers with a change shared among members: by their room, and how full they are.

    Of 3 kW less, a battery that charges with 1 kW and may give 5 kW takes twice what one takes that
    gives 2 kW already, if both are as full.
    """
    sign = 1.0 if change_w >= 0 else -1.0
    takers = []
    for each in standings:
        least, most = each.member.powers_w
        now_w = powers_w[each.slot]
        room_w = max(most - now_w if sign > 0 else now_w - least, 0.0)
        fullness = each.charge_room() if sign > 0 else each.discharge_room()
        able = not each.limits_only and fullness > 0
        takers.append(
            Taker(key=each.slot, most_w=room_w if able else 0.0, weight=room_w * fullness)
        )
    shares = share_out(abs(change_w), takers)
    return {slot: powers_w[slot] + sign * share_w for slot, share_w in shares.items()}
