"""The battery's own meter at the grid connection: models 1 and 213 (three phases, float).

It shows what flows at the moment of the read, as the clamps do that come with a battery: the main
meter's telegrams come every quarter of an hour. What it does not measure is "not implemented".
"""

from wattmesh_twin.adapters.sunspec.device import (
    DeviceFailure,
    RefusedValue,
    common,
    overlaps,
    require_started,
)
from wattmesh_twin.adapters.sunspec.register_map import Point, RegisterMap
from wattmesh_twin.app.run_site import SiteTwin
from wattmesh_twin.domain.topology import CLAMP_UNIT

_POWER: Point = (213, "W")


class SunSpecClamp:
    """The power at a site's grid connection, as SunSpec registers; importing is positive."""

    unit_id = CLAMP_UNIT

    def __init__(self, site: SiteTwin) -> None:
        self._site = site
        name = f"{site.spec.id.segment}-clamp"
        self._map = RegisterMap((1, 213), common(model="Clamp", serial=name, unit_id=CLAMP_UNIT))

    @property
    def template(self) -> list[int]:
        """The registers before anything is measured."""
        return self._map.template

    def writable(self) -> set[int]:
        """Return nothing: a meter takes no orders."""
        return set()

    def read(self, asked: range) -> list[int]:
        """Return all registers as of now; DeviceFailure where a load is not known."""
        require_started(self._site)
        registers = list(self._map.template)
        self._site.now()
        net_w = self._site.powers().net_w
        if net_w is not None:
            self._map.put_float(registers, _POWER, net_w)
        elif overlaps(asked, self._map.span(_POWER)):
            raise DeviceFailure
        return registers

    def write(self, start: int, values: list[int]) -> None:
        """Refuse."""
        raise RefusedValue
