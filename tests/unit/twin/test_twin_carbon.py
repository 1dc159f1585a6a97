"""Carbon intensity is published as it is measured."""

import asyncio

from tests.fakes.manual_clock import ManualClock
from tests.fakes.twin_sites import HOUR, START, hourly
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_twin.app.publish_carbon import CarbonPublication


class MemoryBoard:
    """A CarbonBoard that keeps what it is given."""

    def __init__(self) -> None:
        self.published: list[Series] = []

    async def publish_average(self, zone: ZoneId, source: str, gco2e_per_kwh: Series) -> None:
        self.published.append(gco2e_per_kwh)


async def test_the_history_comes_first_and_then_each_hour_after_it_has_ended() -> None:
    clock = ManualClock(START + 2.5 * HOUR)
    board = MemoryBoard()
    publication = CarbonPublication(
        zone=ZoneId("test"),
        source="test",
        intensity=hourly([100, 110, 120, 130, 140], clock),
        first=START,
        board=board,
        clock=clock,
    )
    task = asyncio.create_task(publication.run())
    await clock.run_for(0 * HOUR)
    assert [series.values.tolist() for series in board.published] == [[100, 110]]
    await clock.run_for(HOUR)
    assert [series.values.tolist() for series in board.published[1:]] == [[120]]
    await clock.run_for(5 * HOUR)
    assert [series.values.tolist() for series in board.published[2:]] == [[130], [140]]
    assert task.done()
