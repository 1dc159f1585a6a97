"""What use cases see of the site model: the newest, every publication, and every gap."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import SiteId, TariffId
from wattmesh_kernel.sites import PublishedPrices, Site, SiteModel, SiteModelChange
from wattmesh_kernel.time import TimeRange
from wattmesh_sitemodel.view import (
    MOST_REMEMBERED,
    SiteModelUpdate,
    SiteModelView,
    tariffs_of,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def site(name: str) -> Site:
    return Site(id=SiteId(name), time_zone="UTC", currency_code="EUR")


def published(name: str, hour: int = 0) -> PublishedPrices:
    return PublishedPrices(tariff=TariffId(name), span=TimeRange.of(START + hour * HOUR, HOUR))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def view(clock: ManualClock) -> SiteModelView:
    return SiteModelView(clock)


async def add(view: SiteModelView, *names: str) -> None:
    """Add sites in one change."""
    revision = view.model.revision + 1
    await view.take(SiteModelChange(revision=revision, changed=tuple(map(site, names))))


async def publish(view: SiteModelView, *prices: PublishedPrices) -> None:
    """Say that prices were published."""
    await view.take(SiteModelChange(revision=view.model.revision + 1, published=prices))


async def soon(updates: AsyncIterator[SiteModelUpdate]) -> SiteModelUpdate:
    """Return the next update, which is there."""
    async with asyncio.timeout(5):
        return await anext(updates)


async def nothing(updates: AsyncIterator[SiteModelUpdate]) -> bool:
    """Return whether there is no update; ends the reading."""
    try:
        async with asyncio.timeout(0.05):
            await anext(updates)
    except TimeoutError:
        return True
    return False


async def test_an_empty_view_knows_nothing_until_somebody_says_that_there_is_nothing(
    view: SiteModelView,
) -> None:
    assert (view.known, view.confirmed, view.age()) == (False, None, None)
    await view.take(SiteModelChange(revision=0, snapshot=True))
    assert view.known
    assert await view.wait_known() == SiteModel()


async def test_the_age_grows_until_metering_confirms(
    view: SiteModelView, clock: ManualClock
) -> None:
    await add(view, "a")
    clock.advance(HOUR)
    assert view.age() == HOUR
    await view.take(SiteModelChange(revision=view.model.revision))
    assert view.age() == timedelta(0)


async def test_a_model_from_disk_is_known_but_not_confirmed(view: SiteModelView) -> None:
    kept = SiteModelChange(revision=5, snapshot=True, changed=(site("a"),))
    await view.take(kept, confirmed=False)
    assert (view.known, view.confirmed, view.age()) == (True, None, None)


async def test_a_slow_reader_sees_the_newest_model_and_every_publication(
    view: SiteModelView,
) -> None:
    await add(view, "a")
    updates = view.updates()
    assert (await soon(updates)).published == frozenset()
    for number in range(5):
        await add(view, f"b{number}")
        await publish(view, published(f"t{number}"))
    update = await soon(updates)
    assert len(update.model.sites) == 6
    assert tariffs_of(update.published) == {TariffId(f"t{number}") for number in range(5)}
    assert update.heard_all
    assert await nothing(updates)


async def test_a_publication_comes_in_exactly_one_update_of_each_reader(
    view: SiteModelView,
) -> None:
    await add(view, "a")
    first, second = view.updates(), view.updates()
    await soon(first)
    await publish(view, published("t"))
    await soon(second)  # begins here: it reads prices after this publication
    await publish(view, published("u"))
    assert tariffs_of((await soon(first)).published) == {TariffId("t"), TariffId("u")}
    assert tariffs_of((await soon(second)).published) == {TariffId("u")}


async def test_a_confirmation_is_no_update(view: SiteModelView) -> None:
    await add(view, "a")
    updates = view.updates()
    await soon(updates)
    await view.take(SiteModelChange(revision=view.model.revision))
    assert await nothing(updates)


async def test_a_gap_is_told_once(view: SiteModelView) -> None:
    await add(view, "a")
    updates = view.updates()
    assert (await soon(updates)).heard_all
    await view.take(SiteModelChange(revision=view.model.revision), after_gap=True)
    assert not (await soon(updates)).heard_all
    await publish(view, published("t"))
    update = await soon(updates)
    assert (update.heard_all, len(update.published)) == (True, 1)
    await view.missed()
    assert not (await soon(updates)).heard_all


async def test_a_reader_too_far_behind_hears_of_a_gap_instead_of_missing_one_silently(
    view: SiteModelView,
) -> None:
    await add(view, "a")
    updates = view.updates()
    await soon(updates)
    for number in range(MOST_REMEMBERED + 1):
        await publish(view, published("t", number))
    update = await soon(updates)
    assert (update.heard_all, len(update.published)) == (False, MOST_REMEMBERED)


async def test_waiting_ends_with_the_first_model_of_which_it_holds(view: SiteModelView) -> None:
    waiting = asyncio.ensure_future(view.wait_until(lambda model: SiteId("b") in model.sites))
    await add(view, "a")
    await asyncio.sleep(0)
    assert not waiting.done()
    await add(view, "b")
    async with asyncio.timeout(5):
        assert set((await waiting).sites) == {SiteId("a"), SiteId("b")}


async def test_waiting_too_long_says_so(view: SiteModelView) -> None:
    with pytest.raises(Unavailable) as behind:
        await view.wait_until(lambda model: False, within_seconds=0.01)
    assert behind.value.reason == "SITE_MODEL_BEHIND"


async def test_waiters_that_are_cancelled_leave_the_view_usable(view: SiteModelView) -> None:
    waiters = [asyncio.ensure_future(view.wait_until(lambda model: False)) for _ in range(5)]
    readers = [asyncio.ensure_future(anext(view.updates())) for _ in range(5)]
    await asyncio.sleep(0)
    for task in (*waiters, *readers):
        task.cancel()
    await asyncio.gather(*waiters, *readers, return_exceptions=True)
    assert all(task.cancelled() for task in (*waiters, *readers))
    async with asyncio.timeout(5):
        await add(view, "a")
        assert (await anext(view.updates())).model is view.model


async def test_a_waiter_with_a_faulty_question_fails_alone(view: SiteModelView) -> None:
    def faulty(model: SiteModel) -> bool:
        return bool(model.sites[SiteId("nowhere")])

    other = asyncio.ensure_future(view.wait_until(lambda model: model.revision > 0))
    with pytest.raises(KeyError):
        await view.wait_until(faulty)
    await add(view, "a")
    async with asyncio.timeout(5):
        assert (await other).revision == 1
