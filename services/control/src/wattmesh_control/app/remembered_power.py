"""Metered power that is asked for once, though several commands of a site are judged by it."""

from datetime import timedelta

from wattmesh_control.app.effect_ports import PowerMeter
from wattmesh_control.domain.effects.sources import PowerPoints
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange


class RememberedPower:
    """PowerMeter: remembers what metering answered until it is told to forget.

    Readings may come late, so nothing is remembered from one look at the meters to the next.
    """

    def __init__(self, meter: PowerMeter) -> None:
        self._meter = meter
        self._answers: dict[tuple[PowerPoints, TimeRange, timedelta], Series | None] = {}

    def forget(self) -> None:
        """Ask anew from now on."""
        self._answers.clear()

    async def power_w(
        self, points: PowerPoints, span: TimeRange, resolution: timedelta
    ) -> Series | None:
        """Return mean power [W], as `PowerMeter` says."""
        question = points, span, resolution
        if question not in self._answers:
            self._answers[question] = await self._meter.power_w(points, span, resolution)
        return self._answers[question]

    async def last(self, point: PointId, span: TimeRange) -> float | None:
        """Return the mean of a gauge over a span."""
        return await self._meter.last(point, span)
