"""The client against a real server: whatever happens to the stream, the view is right again."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from tests.fakes.eventually import eventually
from tests.fakes.site_model_service import FakeSiteModelService
from wattmesh.site.v1 import site_service_pb2_grpc
from wattmesh_contracts.site_model import Piece, change_from_pieces, pieces_from_change
from wattmesh_kernel.clock import SystemClock
from wattmesh_kernel.ids import AssetId, SiteId, TariffId
from wattmesh_kernel.sites import Asset, LoadRating, Site, SiteModel, SiteModelChange
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.testing import channel_for_test, serve_for_test
from wattmesh_sitemodel.client import SiteModelClient
from wattmesh_sitemodel.file import SiteModelFile
from wattmesh_sitemodel.view import SiteModelView

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SPAN = TimeRange.of(NOW, timedelta(hours=1))
NOBODY = "127.0.0.1:1"


def site(name: str) -> Site:
    return Site(id=SiteId(name), time_zone="UTC", currency_code="EUR")


@pytest.fixture
def metering() -> FakeSiteModelService:
    return FakeSiteModelService(site("a"))


@asynccontextmanager
async def following(
    target: str, file: SiteModelFile | None = None, silence_seconds: float = 15.0
) -> AsyncIterator[SiteModelView]:
    """A view that a running client fills."""
    view = SiteModelView(SystemClock())
    async with channel_for_test(target) as channel:
        client = SiteModelClient(channel, view, file, longest_silence_seconds=silence_seconds)
        await client.recall()
        task = asyncio.ensure_future(client.run())
        try:
            yield view
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=5)
            assert task.cancelled()


@asynccontextmanager
async def serving(service: FakeSiteModelService) -> AsyncIterator[str]:
    """The service on a real server."""

    def register(server: grpc.aio.Server) -> None:
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(service, server)

    async with serve_for_test(register) as target:
        yield target


async def test_the_snapshot_comes_first_and_then_each_change(
    metering: FakeSiteModelService,
) -> None:
    async with serving(metering) as target, following(target) as view:
        await view.wait_until(lambda model: SiteId("a") in model.sites, 10)
        metering.change(site("b"))
        metering.change(deleted=("sites/a",))
        await view.wait_until(lambda model: set(model.sites) == {SiteId("b")}, 10)
        assert view.model == metering.model
        assert metering.known_revisions == [0]


async def test_a_model_of_many_pieces_takes_effect_at_once(metering: FakeSiteModelService) -> None:
    metering.change(*(Asset(id=AssetId(SiteId("a"), f"x{n}"), rating=LoadRating())
                      for n in range(1201)))  # fmt: skip
    sizes = set[int]()
    async with serving(metering) as target, following(target) as view:
        async for update in view.updates():
            sizes.add(len(update.model.assets))
            break
    assert sizes == {1201}


async def test_after_a_loss_only_what_changed_since_is_asked_for(
    metering: FakeSiteModelService,
) -> None:
    async with serving(metering) as target, following(target) as view:
        await view.wait_until(lambda model: model.revision == 1, 10)
        metering.change(site("b"))
        await view.wait_until(lambda model: model.revision == 2, 10)
        metering.hang_up()
        await eventually(lambda: metering.watched == 2)
        metering.change(site("c"))
        await view.wait_until(lambda model: len(model.sites) == 3, 10)
        assert metering.known_revisions == [0, 2]


async def test_what_was_published_during_a_loss_is_told_as_a_gap_once_the_line_is_back(
    metering: FakeSiteModelService,
) -> None:
    async with serving(metering) as target, following(target) as view:
        updates = view.updates()
        assert (await anext(updates)).heard_all
        metering.publish(TariffId("t"), SPAN)
        update = await anext(updates)
        assert update.heard_all
        assert {each.tariff for each in update.published} == {TariffId("t")}
        metering.hang_up()
        metering.publish(TariffId("t"), SPAN)  # to nobody, or to a line that is about to end
        update = await anext(updates)
        while update.heard_all:
            update = await anext(updates)
        assert metering.watched == 2
        metering.publish(TariffId("u"), SPAN)
        update = await anext(updates)
        assert (update.heard_all, len(update.published)) == (True, 1)


async def test_a_silent_line_is_dialled_anew(metering: FakeSiteModelService) -> None:
    metering.silent = True
    async with serving(metering) as target, following(target, silence_seconds=0.3) as view:
        await view.wait_known()
        await eventually(lambda: metering.watched >= 2)
        metering.silent = False
        metering.change(site("b"))
        await view.wait_until(lambda model: SiteId("b") in model.sites, 10)


async def test_heartbeats_keep_the_line_and_the_age_young(metering: FakeSiteModelService) -> None:
    metering.heartbeat_seconds = 0.05
    async with serving(metering) as target, following(target, silence_seconds=1.0) as view:
        await view.wait_known()
        await asyncio.sleep(1.5)
        assert metering.watched == 1
        age = view.age()
        assert age is not None
        assert age < timedelta(seconds=1)


async def test_without_metering_the_model_of_the_last_run_is_there_and_its_age_is_not(
    metering: FakeSiteModelService, tmp_path: Path
) -> None:
    file = SiteModelFile(tmp_path / "site-model")
    async with serving(metering) as target, following(target, file) as view:
        await view.wait_known()
        await eventually(lambda: (tmp_path / "site-model").exists())
    async with following(NOBODY, file) as view:
        assert view.model == metering.model
        assert (view.known, view.confirmed) == (True, None)


async def test_without_metering_and_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    async with following(NOBODY, SiteModelFile(tmp_path / "site-model")) as view:
        await asyncio.sleep(0.1)
        assert not view.known


async def test_a_broken_file_is_replaced_by_what_metering_says(
    metering: FakeSiteModelService, tmp_path: Path
) -> None:
    path = tmp_path / "site-model"
    path.write_bytes(b"nonsense")
    async with serving(metering) as target, following(target, SiteModelFile(path)) as view:
        await view.wait_known()
        await eventually(lambda: path.read_bytes() != b"nonsense")
    kept = await SiteModelFile(path).load()
    assert kept is not None
    assert kept.revision == 1


async def test_what_was_kept_does_not_survive_what_metering_says(
    metering: FakeSiteModelService, tmp_path: Path
) -> None:
    """Also at the same revision: the database of metering may be another one by now."""
    file = SiteModelFile(tmp_path / "site-model")
    await file.store(SiteModel().apply(SiteModelChange(revision=1, changed=(site("old"),))))
    async with serving(metering) as target, following(target, file) as view:
        await view.wait_until(lambda model: set(model.sites) == {SiteId("a")}, 10)


async def test_a_change_that_the_snapshot_holds_already_undoes_nothing(
    metering: FakeSiteModelService,
) -> None:
    """A change committed while the snapshot was read comes after it, though it is older."""
    metering.change(site("b"))
    metering.change(deleted=("sites/b",))
    async with serving(metering) as target, following(target) as view:
        await view.wait_until(lambda model: model.revision == 3, 10)
        stale = SiteModelChange(revision=2, changed=(site("b"),))
        metering.say(*pieces_from_change(stale, NOW))
        metering.change(site("c"))
        await view.wait_until(lambda model: SiteId("c") in model.sites, 10)
        assert set(view.model.sites) == {SiteId("a"), SiteId("c")}


async def test_half_a_change_takes_no_effect(metering: FakeSiteModelService) -> None:
    async with serving(metering) as target, following(target) as view:
        await view.wait_known()
        half = Piece(revision=9)
        half.sites.add(name="sites/half", time_zone="UTC", currency_code="EUR")
        metering.say(half)
        metering.hang_up()
        await eventually(lambda: metering.watched == 2)
        metering.change(site("b"))
        await view.wait_until(lambda model: SiteId("b") in model.sites, 10)
        assert SiteId("half") not in view.model.sites


async def test_what_this_version_cannot_understand_is_left_out_named_once_and_stops_nothing(
    metering: FakeSiteModelService, caplog: pytest.LogCaptureFixture
) -> None:
    metering.change(Asset(id=AssetId(SiteId("a"), "battery"), rating=LoadRating()))
    async with serving(metering) as target, following(target) as view:
        await view.wait_until(lambda model: len(model.assets) == 1, 10)
        for revision in (3, 4):
            newer = Piece(revision=revision, complete=True)
            newer.assets.add(name="sites/a/assets/battery")  # of a kind that is not known here
            newer.sites.add(name=f"sites/n{revision}", time_zone="UTC", currency_code="EUR")
            metering.say(newer)
        await view.wait_until(lambda model: SiteId("n4") in model.sites, 10)
        assert view.model.assets == {}
        assert metering.watched == 1
    lines = [each for each in caplog.messages if "sites/a/assets/battery" in each]
    assert len(lines) == 1


async def test_a_loss_is_logged_once_and_its_end_once(
    metering: FakeSiteModelService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with serving(metering) as target, following(target) as view:
        await view.wait_known()
        for streams in (2, 3):
            metering.hang_up()
            await eventually(lambda n=streams: metering.watched == n)  # type: ignore[misc]
        metering.change(site("b"))
        await view.wait_until(lambda model: SiteId("b") in model.sites, 10)
    lost = [each for each in caplog.messages if each.startswith("the site model lost")]
    back = [each for each in caplog.messages if each == "the site model is back"]
    assert len(lost) == len(back) >= 1


@asynccontextmanager
async def no_collections() -> AsyncIterator[None]:
    """Leave the heap of all the tests before uncollected: that would be a pause of its own."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def test_a_large_model_leaves_the_others_their_turns(
    metering: FakeSiteModelService,
) -> None:
    """A snapshot that stopped the loop for seconds would cost the process its leases."""
    home = SiteId("a")
    metering.change(*(Asset(id=AssetId(home, f"x{n}"), rating=LoadRating()) for n in range(8000)))
    longest = 0.0

    async def turn() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    async with serving(metering) as target, no_collections():
        pieces = list(pieces_from_change(metering.model.snapshot(), NOW))
        started = time.thread_time()
        change_from_pieces(pieces)
        at_once = time.thread_time() - started
        async with following(target) as view:
            turning = asyncio.ensure_future(turn())
            await view.wait_until(lambda model: len(model.assets) == 8000, 30)
            turning.cancel()
    assert longest < at_once
