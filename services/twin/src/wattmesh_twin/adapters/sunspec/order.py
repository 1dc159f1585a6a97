"""The registers of an order to a device: its value, whether it is enabled, and for how long.

A write to any of them while the function is enabled gives the order afresh and restarts its timer.
When the timer has run out the function is disabled and its value falls back to idle. An order is a
lease, so a reversion time of 0 ("never") becomes the device's default.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from wattmesh_twin.adapters.sunspec.device import RefusedValue, overlaps
from wattmesh_twin.adapters.sunspec.register_map import Point, RegisterMap

DEFAULT_LEASE = timedelta(hours=1)
"""How long an order holds that names no reversion time."""

LONGEST_LEASE = timedelta(days=1)
"""Longer orders are refused: nobody may forget a device for longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPoints:
    """The points of an order; values are in the point's unit.

    `idle` is the value that it falls back to; one below `least` or above `most` is refused.
    """

    value: Point
    enable: Point
    seconds: Point
    remaining: Point | None = None
    idle: float = 0.0
    least: float = -math.inf
    most: float = math.inf

    def controls(self) -> tuple[Point, Point, Point]:
        """Return the points whose writing gives the order."""
        return self.value, self.enable, self.seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What the registers say: a value in the point's unit, enabled or not, for how long."""

    value: float
    enabled: bool
    duration: timedelta


class OrderRegisters:
    """The order as it stands in the registers of one device."""

    def __init__(self, layout: RegisterMap, points: OrderPoints, order: Order | None) -> None:
        self._map = layout
        self._points = points
        self._order = order or self._idle()

    def writable(self) -> set[int]:
        """Return the registers that may be written, as offsets."""
        return {offset for point in self._points.controls() for offset in self._map.span(point)}

    def show(self, registers: list[int], remaining: timedelta | None) -> None:
        """Put the order into the registers; `remaining` is None when none is running."""
        if remaining is None and self._order.enabled:
            self._order = self._idle()
        seconds = int(self._order.duration.total_seconds())
        self._map.put(registers, self._points.value, self._order.value)
        self._map.put_raw(registers, self._points.enable, int(self._order.enabled))
        self._map.put_raw(registers, self._points.seconds, seconds)
        if self._points.remaining is not None:
            left = -(-(remaining or timedelta(0)) // timedelta(seconds=1))
            self._map.put_raw(registers, self._points.remaining, left)

    def given(self, registers: list[int], written: range) -> Order | None:
        """Return the order that written registers give, which is shown from now on.

        None: the write does not concern it. RefusedValue when it makes no sense: nothing changes.
        """
        if not any(overlaps(self._map.span(each), written) for each in self._points.controls()):
            return None
        self._order = self._read(registers)
        return self._order

    def _read(self, registers: list[int]) -> Order:
        enable = self._map.get_raw(registers, self._points.enable)
        seconds = self._map.get_raw(registers, self._points.seconds)
        duration = timedelta(seconds=seconds) or DEFAULT_LEASE
        if enable not in (0, 1) or duration > LONGEST_LEASE:
            raise RefusedValue
        value = self._map.get(registers, self._points.value)
        if not self._points.least <= value <= self._points.most:
            raise RefusedValue
        return Order(value=value, enabled=bool(enable), duration=duration)

    def _idle(self) -> Order:
        return Order(value=self._points.idle, enabled=False, duration=DEFAULT_LEASE)
