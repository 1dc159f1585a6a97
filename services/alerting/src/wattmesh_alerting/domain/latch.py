"""Hysteresis: what has begun at one value ends at another, so noise at an edge is one thing."""

from collections.abc import Hashable


class Latch:
    """Remembers which keys hold."""

    def __init__(self) -> None:
        self._held: set[Hashable] = set()

    def holds(self, key: Hashable, value: float, *, begins: float, ends: float) -> bool:
        """Tell whether a key holds by a value: from `begins` on, until it is below `ends`.

        With 100 and 95: 99 does not hold, 100 does, 96 does still, 94 no longer.
        """
        held = value >= (ends if key in self._held else begins)
        (self._held.add if held else self._held.discard)(key)
        return held
