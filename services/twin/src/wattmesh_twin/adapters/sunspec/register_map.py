"""Where each point of a device lies: `SunS`, one model after the other, the end marker."""

from collections.abc import Iterable, Mapping, Sequence

from wattmesh_twin.adapters.sunspec.definitions import (
    HEADER_REGISTERS,
    PointDefinition,
    model_definition,
)
from wattmesh_twin.adapters.sunspec.words import (
    float_words,
    from_words,
    not_implemented,
    to_words,
)

BASE_ADDRESS = 40000
"""First of the addresses where SunSpec clients look for the marker."""

_MARKER = [0x5375, 0x6E53]  # "SunS"
_END = [0xFFFF, 0]

Point = tuple[int, str]
"""Model id and point name."""


class RegisterMap:
    """The layout of one device and what never changes in it.

    `fixed` gives raw values of points by model and name, scale factors among them; what nobody
    gives stays "not implemented".
    """

    def __init__(self, models: Sequence[int], fixed: Mapping[Point, int | str]) -> None:
        self._offsets: dict[int, int] = {}
        self._scale: dict[Point, float] = {}
        self.template = list(_MARKER)
        for model_id in models:
            self._append(model_id)
        self.template += _END
        for point, value in fixed.items():
            self.put_raw(self.template, point, value)
        for point in self._scaled_points():
            self._scale[point] = self._scale_of(point)

    def span(self, point: Point) -> range:
        """Return the registers of a point as offsets from the base address."""
        definition = self._definition(point)
        start = self._offsets[point[0]] + definition.offset
        return range(start, start + definition.size)

    def put(self, registers: list[int], point: Point, value: float) -> None:
        """Write a value in its unit, rounded to the point's scale factor."""
        self.put_raw(registers, point, round(value / self._scale.get(point, 1.0)))

    def put_float(self, registers: list[int], point: Point, value: float) -> None:
        """Write a value in its unit to a point that is a float32."""
        span = self.span(point)
        registers[span.start : span.stop] = float_words(value)

    def put_raw(self, registers: list[int], point: Point, value: int | str) -> None:
        """Write a raw value."""
        span, definition = self.span(point), self._definition(point)
        registers[span.start : span.stop] = to_words(definition.type, value, definition.size)

    def get(self, registers: Sequence[int], point: Point) -> float:
        """Read a value in its unit."""
        return self.get_raw(registers, point) * self._scale.get(point, 1.0)

    def get_raw(self, registers: Sequence[int], point: Point) -> int:
        """Read a raw number."""
        span = self.span(point)
        return from_words(self._definition(point).type, list(registers[span.start : span.stop]))

    def _append(self, model_id: int) -> None:
        definition = model_definition(model_id)
        self._offsets[model_id] = len(self.template)
        for point in definition.points.values():
            self.template += not_implemented(point.type, point.size)
        self.put_raw(self.template, (model_id, "ID"), model_id)
        self.put_raw(self.template, (model_id, "L"), definition.size - HEADER_REGISTERS)

    def _definition(self, point: Point) -> PointDefinition:
        return model_definition(point[0]).points[point[1]]

    def _scaled_points(self) -> Iterable[Point]:
        for model_id in self._offsets:
            for definition in model_definition(model_id).points.values():
                if definition.scale_factor is not None:
                    yield model_id, definition.name

    def _scale_of(self, point: Point) -> float:
        factor = self._definition(point).scale_factor
        if isinstance(factor, str):
            factor = self.get_raw(self.template, (point[0], factor))
        return float(10.0 ** (factor or 0))


def power_scale(limit_w: float, largest_raw: int = 32767) -> int:
    """Return the smallest scale factor, from 0 on, with which `limit_w` fits a register.

    5 kW fits as it is (0: 1 W), 250 kW needs 1 (10 W), 1 MW needs 2 (100 W).
    """
    scale = 0
    while limit_w / 10**scale > largest_raw:
        scale += 1
    return scale
