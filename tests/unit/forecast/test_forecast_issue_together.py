import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.forecast_assets import START
from wattmesh_forecast.app.issue_together import AT_ONCE, IssueTogether
from wattmesh_forecast.domain.forecast import SEASONAL, Forecast
from wattmesh_forecast.domain.hours import HOUR
from wattmesh_forecast.domain.kinds import Kind
from wattmesh_forecast.domain.outcome import Issued, Outcome
from wattmesh_forecast.domain.wanted import Wanted
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, SiteId
from wattmesh_kernel.time import TimeRange

ASSETS = [AssetId(SiteId(f"home-{n}"), "load") for n in range(1200)]


class SlowIssue:
    """Issues when the test lets it."""

    def __init__(self) -> None:
        self.asked: list[tuple[AssetId, ...]] = []
        self.go = asyncio.Event()
        self.away = False

    async def __call__(self, wanted: Wanted) -> list[Outcome]:
        self.asked.append(wanted.assets)
        await self.go.wait()
        if self.away:
            raise Unavailable("AWAY", "the database is away")
        return [Issued(forecast=_forecast(asset, wanted)) for asset in wanted.assets]


def _forecast(asset: AssetId, wanted: Wanted) -> Forecast:
    return Forecast(
        name=f"{asset.name}/forecasts/1",
        asset=asset,
        kind=Kind.LOAD,
        issue_time=START,
        source=SEASONAL,
        start=wanted.span.start,
        resolution=wanted.resolution,
        ratios=wanted.ratios,
        power_w=np.zeros((3, 4)),
    )


def wanted(*assets: AssetId, hours: int = 4) -> Wanted:
    span = TimeRange.of(START, timedelta(hours=hours))
    return Wanted(assets=assets, span=span, resolution=HOUR, ratios=())


@pytest.fixture
async def slow() -> SlowIssue:
    return SlowIssue()


@pytest.fixture
async def together(slow: SlowIssue) -> AsyncIterator[IssueTogether]:
    async with IssueTogether(slow) as issue:
        yield issue


def ask(issue: IssueTogether, request: Wanted) -> asyncio.Task[list[Outcome]]:
    return asyncio.create_task(issue(request))


async def busy(issue: IssueTogether) -> list[asyncio.Task[list[Outcome]]]:
    """Let as many issues run as run at a time."""
    tasks = []
    for number in range(AT_ONCE):
        tasks.append(ask(issue, wanted(ASSETS[-1 - number], hours=5 + number)))
        await asyncio.sleep(0.01)
    return tasks


async def test_a_request_by_itself_is_answered_at_once(
    slow: SlowIssue, together: IssueTogether
) -> None:
    slow.go.set()

    (outcome,) = await together(wanted(ASSETS[0]))

    assert outcome.asset == ASSETS[0]


async def test_what_comes_meanwhile_is_answered_as_one_and_each_has_its_own(
    slow: SlowIssue, together: IssueTogether
) -> None:
    first = await busy(together)
    later = [ask(together, wanted(ASSETS[2 * n + 1], ASSETS[2 * n])) for n in range(10)]
    await asyncio.sleep(0.01)
    slow.go.set()

    answers = await asyncio.gather(*later)

    assert [len(asked) for asked in slow.asked] == [1] * AT_ONCE + [20]
    for number, answer in enumerate(answers):
        assert [each.asset for each in answer] == [ASSETS[2 * number + 1], ASSETS[2 * number]]
    await asyncio.gather(*first)


async def test_other_intervals_are_another_issue(slow: SlowIssue, together: IssueTogether) -> None:
    await busy(together)
    later = [ask(together, wanted(ASSETS[n], hours=4 + n % 2)) for n in range(4)]
    await asyncio.sleep(0.01)
    slow.go.set()
    await asyncio.gather(*later)

    assert sorted(slow.asked[AT_ONCE:]) == [(ASSETS[0], ASSETS[2]), (ASSETS[1], ASSETS[3])]


async def test_an_asset_that_two_want_is_issued_once(
    slow: SlowIssue, together: IssueTogether
) -> None:
    await busy(together)
    later = [ask(together, wanted(ASSETS[0], ASSETS[n])) for n in (1, 2)]
    await asyncio.sleep(0.01)
    slow.go.set()
    one, other = await asyncio.gather(*later)

    assert slow.asked[AT_ONCE:] == [(ASSETS[0], ASSETS[1], ASSETS[2])]
    assert one[0] is other[0]


async def test_no_issue_grows_beyond_what_a_request_may_hold(
    slow: SlowIssue, together: IssueTogether
) -> None:
    await busy(together)
    later = [ask(together, wanted(*ASSETS[first : first + 400])) for first in (0, 400, 800)]
    await asyncio.sleep(0.01)
    slow.go.set()
    await asyncio.gather(*later)

    assert sorted(len(asked) for asked in slow.asked[AT_ONCE:]) == [400, 800]


async def test_a_failure_reaches_everybody_who_waited_and_nobody_after(
    slow: SlowIssue, together: IssueTogether
) -> None:
    first = await busy(together)
    later = [ask(together, wanted(ASSETS[n])) for n in range(3)]
    await asyncio.sleep(0.01)
    slow.away = True
    slow.go.set()

    for task in (*first, *later):
        with pytest.raises(Unavailable, match="database"):
            await task
    slow.away = False
    assert await together(wanted(ASSETS[0]))


async def test_a_caller_who_has_gone_is_not_answered_for(
    slow: SlowIssue, together: IssueTogether
) -> None:
    await busy(together)
    gone, stays = (ask(together, wanted(ASSETS[n])) for n in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    slow.go.set()

    assert (await stays)[0].asset == ASSETS[1]
    assert slow.asked[AT_ONCE:] == [(ASSETS[1],)]
