"""What several verdicts rest on is asked of metering once, and anew at the next look."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from wattmesh_control.app.remembered_power import RememberedPower
from wattmesh_control.domain.effects.sources import PowerPoints
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import DeviceId, PointId, SiteId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

MINUTE = timedelta(minutes=1)
SPAN = TimeRange.of(datetime(2024, 5, 1, tzinfo=UTC), 4 * MINUTE)
GRID = DeviceId(SiteId("home-1"), "meter")


class CountingMeter:
    """PowerMeter: counts how often it is asked, and may be away."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def power_w(
        self, points: PowerPoints, span: TimeRange, resolution: timedelta
    ) -> Series | None:
        self.asked += 1
        if self.away:
            raise Unavailable("AWAY", "metering is away")
        return Series(span.start, resolution, np.full(span.count(resolution), float(self.asked)))

    async def last(self, point: PointId, span: TimeRange) -> float | None:
        return 0.5


async def test_commands_of_a_site_share_what_its_meter_showed() -> None:
    meter = CountingMeter()
    power = RememberedPower(meter)
    first, second = [await power.power_w(points(), SPAN, MINUTE) for _ in range(2)]
    assert first is second
    assert meter.asked == 1


async def test_another_span_or_resolution_is_another_question() -> None:
    meter = CountingMeter()
    power = RememberedPower(meter)
    await power.power_w(points(), SPAN, MINUTE)
    await power.power_w(points(), SPAN, 2 * MINUTE)
    await power.power_w(points(), TimeRange(SPAN.start, SPAN.end + MINUTE), MINUTE)
    assert meter.asked == 3


async def test_readings_that_came_late_are_seen_at_the_next_look() -> None:
    meter = CountingMeter()
    power = RememberedPower(meter)
    await power.power_w(points(), SPAN, MINUTE)
    power.forget()
    again = await power.power_w(points(), SPAN, MINUTE)
    assert again is not None
    assert again.values[0] == 2.0


async def test_an_answer_that_did_not_come_is_not_remembered() -> None:
    meter = CountingMeter()
    power = RememberedPower(meter)
    meter.away = True
    with pytest.raises(Unavailable):
        await power.power_w(points(), SPAN, MINUTE)
    meter.away = False
    assert await power.power_w(points(), SPAN, MINUTE) is not None


def points() -> PowerPoints:
    return PowerPoints(device=GRID, interval=MINUTE, power=PointId(GRID, "active_power_w"))
