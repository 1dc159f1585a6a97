"""A site without the grid: when it has gone, what is switched off and on again, when it is back.

Bounds of voltage and frequency are those of EN 50549-1 within which generation has to stay
connected. What is to be shed goes off all at once as the grid goes, since nobody knows yet what the
forming battery bears: from black it picks up what is critical, and then the rest, one at a time and
in the order that its owner has set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wattmesh_gateway.domain.loop.standing import Slot, slot_of
from wattmesh_gateway.domain.reading import Reading
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.loop_policy import LoopIsland, LoopMember

_VOLTAGES = (0.80, 1.15)
_FREQUENCIES = (0.95, 1.03)
_WORDS = 2
"""So many words in a row, of a meter, make a loss: one may be a dip."""
_PAUSE = timedelta(seconds=5)
"""Between one that is switched on again and the next: until it shows what it draws."""
_CLOSES_WITHIN = timedelta(minutes=1)
"""How long a switch may take to close: it waits until both sides are in step.

Where words are older than that, as on a clock that runs fast, it is as long as they may be; and the
pause is half of it.
"""
_FULL_RATIO, _ROOM_RATIO = 0.95, 0.80
"""Of what the forming battery gives out: beyond it one goes off, within it one comes on."""
_LOW_SOC, _ENOUGH_SOC = 0.30, 0.40
"""Below it everything is off that may be; above it one more comes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IslandStand:
    """How a site stands: whether it is an island, why, and what is off, with the reason."""

    islanded: bool
    why: str = ""
    shed: Mapping[Slot, str] = field(default_factory=dict)
    drill: bool = False
    """Whether somebody else has opened the switch, though the grid is there."""

    def leaving_givers(self, asked: Mapping[Slot, float]) -> "IslandStand":
        """Return it without what commands ask to give [W]: a vehicle then carries the others."""
        shed = {slot: why for slot, why in self.shed.items() if asked.get(slot, 0.0) >= 0}
        return replace(self, shed=shed)


class IslandWatch:
    """Follows the grid by its meter and its switch, and says what is off. Times are the mesh's."""

    def __init__(self, island: LoopIsland, stale_after: timedelta) -> None:
        self.island = island
        self._stale_after = stale_after
        self._closes_within = max(_CLOSES_WITHIN, stale_after)
        self._pause = max(_PAUSE, stale_after / 2)
        self._grid: dict[str, float] = {}
        self._grid_time: datetime | None = None
        self._bad_words = 0
        self._good_since: datetime | None = None
        self._open = False
        self._islanded_why = ""
        self._drill = False
        self._closing: datetime | None = None
        self._off: dict[Slot, str] = {}
        self._changed: datetime | None = None
        self._forming_w: float | None = None
        self._forming_time: datetime | None = None
        self._soc: float | None = None

    @property
    def points(self) -> frozenset[PointId]:
        """What it listens to."""
        island = self.island
        found = {PointId(island.grid_meter, each) for each in ("voltage_v", "frequency_hz")}
        found.add(PointId(island.switch.device, "grid_connected_ratio"))
        if island.forming is not None:
            found |= {PointId(island.forming, each) for each in ("active_power_w", "soc_ratio")}
        return frozenset(found)

    def take_over(self, other: "IslandWatch") -> None:
        """Know what another one knew of the same site."""
        self._grid, self._grid_time = other._grid, other._grid_time
        self._bad_words, self._good_since = other._bad_words, other._good_since
        self._open, self._islanded_why = other._open, other._islanded_why
        self._drill, self._closing = other._drill, other._closing
        self._forming_w, self._soc = other._forming_w, other._soc
        self._forming_time = other._forming_time
        mine = {slot_of(each) for each in self.island.shed}
        self._off = {slot: why for slot, why in other._off.items() if slot in mine}
        self._changed = other._changed

    def hear(self, reading: Reading, now: datetime) -> bool:
        """Take a reading; return whether it says something of the grid or its switch."""
        device, quantity = reading.point.device, reading.point.segment
        if abs(now - reading.measure_time) > self._stale_after:
            return False
        if device == self.island.switch.device and quantity == "grid_connected_ratio":
            self._open = reading.value < 0.5
            if not self._open:
                self._closing = None
            return True
        if device == self.island.grid_meter and quantity in ("voltage_v", "frequency_hz"):
            return self._hear_grid(quantity, reading, now)
        if device == self.island.forming and quantity == "active_power_w":
            self._forming_w, self._forming_time = reading.value, reading.measure_time
            return bool(self._islanded_why)
        if device == self.island.forming and quantity == "soc_ratio":
            self._soc = reading.value
        return False

    def _hear_grid(self, quantity: str, reading: Reading, now: datetime) -> bool:
        newer = self._grid_time is None or reading.measure_time > self._grid_time
        self._grid[quantity] = reading.value
        if self._what_is_wrong():
            self._good_since = None
            self._bad_words += newer
        else:
            self._bad_words = 0
            self._good_since = self._good_since or now
        self._grid_time = reading.measure_time
        return True

    def _what_is_wrong(self) -> str:
        """Return what of the grid is not as it should be; empty: nothing."""
        island = self.island
        for quantity, nominal, (low, high), unit in (
            ("voltage_v", island.nominal_voltage_v, _VOLTAGES, "V"),
            ("frequency_hz", island.nominal_frequency_hz, _FREQUENCIES, "Hz"),
        ):
            value = self._grid.get(quantity)
            if value is not None and not low * nominal <= value <= high * nominal:
                return f"the grid has {value:g} {unit}"
        return ""

    def stand(self, now: datetime) -> IslandStand:
        """Return how the site stands now, and move it on."""
        if not self._islanded_why or self._drill:
            self._maybe_gone(now)
        if self._islanded_why and self._is_back(now):
            self._closing = None if self._drill else now
            self._islanded_why, self._drill, self._changed = "", False, now
        if self._islanded_why:
            self._balance(now)
        elif self._off:
            self._restore(now)
        return IslandStand(
            islanded=bool(self._islanded_why),
            why=self._islanded_why,
            shed=dict(self._off),
            drill=self._drill,
        )

    def _maybe_gone(self, now: datetime) -> None:
        """Find that the grid has gone, or that somebody has opened the switch: that is a drill."""
        wrong = self._what_is_wrong() if self._bad_words >= _WORDS else ""
        if wrong and self._drill:
            self._islanded_why, self._drill = wrong, False
        if self._islanded_why or not (wrong or self._is_open(now)):
            return
        self._islanded_why, self._drill = wrong or "its switch is open", not wrong
        self._changed = now
        why = f"the site is an island: {self._islanded_why}"
        self._off = {slot_of(each): why for each in self.island.shed}

    def _is_open(self, now: datetime) -> bool:
        """Return whether the switch shows open, and is not just being closed by this loop."""
        closing = self._closing is not None and now - self._closing < self._closes_within
        return self._open and not closing

    def _is_back(self, now: datetime) -> bool:
        """Return whether the grid was good for long enough; after a drill, whether it is closed."""
        if self._drill:
            return not self._open
        good = self._good_since
        return good is not None and now - good >= self.island.reconnect_delay

    def _balance(self, now: datetime) -> None:
        given_w = -(self._forming_w or 0.0)
        most_w = self.island.forming_power_w
        low = self._soc is not None and self._soc < _LOW_SOC
        if low or given_w > _FULL_RATIO * most_w:
            why = "the battery is low" if low else f"the battery gives {given_w:.0f} W"
            on = [slot_of(each) for each in self.island.shed if slot_of(each) not in self._off]
            for slot in on if low else on[:1]:
                self._off[slot] = why
                self._changed = now
            return
        if self._forms(now):
            self._restore(now, given_w)

    def _restore(self, now: datetime, given_w: float | None = None) -> None:
        """Switch the next one on again; without the grid, if the battery bears it."""
        if self._changed is not None and now - self._changed < self._pause:
            return
        off = [each for each in self.island.restored if slot_of(each) in self._off]
        following = off[0] if off and given_w is None else self._borne(off, given_w or 0.0)
        if following is not None:
            del self._off[slot_of(following)]
            self._changed = now

    def _forms(self, now: datetime) -> bool:
        """Return whether the battery is up and has energy: before it nothing comes on.

        It must have said what it gives since the last one came on, or that would not count.
        """
        heard = self._forming_time
        if self.island.forming is None or heard is None or now - heard > self._stale_after:
            return False
        if self._changed is not None and heard <= self._changed:
            return False
        return self._soc is None or self._soc >= _ENOUGH_SOC

    def _borne(self, off: Sequence[LoopMember], given_w: float) -> LoopMember | None:
        """Return what comes on next beside what is given [W]; None: nothing yet.

        One that does not fit now waits, and those after it with it, or they would keep it out. One
        that the battery could not bear alone holds up nobody: it comes on as sun or wind helps.
        """
        room_w = _ROOM_RATIO * self.island.forming_power_w
        for member in off:
            drawn_w = max(member.powers_w)
            if given_w + drawn_w <= room_w:
                return member
            if drawn_w <= room_w:
                return None
        return None
