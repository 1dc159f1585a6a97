"""Passes readings on the moment they come in, to whoever cannot wait until they are kept."""

from collections.abc import Sequence

from wattmesh_gateway.app.ports import Hear, hear_nothing
from wattmesh_gateway.domain.reading import Reading


class FreshReadings:
    """Between the intake and what listens to it: one is there before the other."""

    def __init__(self) -> None:
        self.listener: Hear = hear_nothing

    def hear(self, readings: Sequence[Reading]) -> None:
        """Pass readings on."""
        self.listener(readings)
