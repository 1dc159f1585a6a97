"""The model on disk: as it was, or not at all."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fakes.site_strategies import changes
from wattmesh_kernel.ids import SiteId
from wattmesh_kernel.sites import Site, SiteModel, SiteModelChange
from wattmesh_sitemodel.file import SiteModelFile


def model_of(count: int) -> SiteModel:
    sites = tuple(
        Site(id=SiteId(f"s{number}"), time_zone="UTC", currency_code="EUR")
        for number in range(count)
    )
    return SiteModel().apply(SiteModelChange(revision=3, changed=sites))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(change=changes)
async def test_a_model_comes_back_as_it_was(tmp_path: Path, change: SiteModelChange) -> None:
    model = SiteModel().apply(change)
    file = SiteModelFile(tmp_path / "deep" / "site-model")
    await file.store(model)
    kept = await file.load()
    assert kept is not None
    assert SiteModel().apply(kept) == model


async def test_more_than_one_piece_fits_into_the_file(tmp_path: Path) -> None:
    file = SiteModelFile(tmp_path / "site-model")
    await file.store(model_of(1200))
    kept = await file.load()
    assert kept is not None
    assert len(kept.changed) == 1200


async def test_no_file_is_no_model_and_no_complaint(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await SiteModelFile(tmp_path / "site-model").load() is None
    assert not caplog.records


@pytest.mark.parametrize("left", [0.0, 0.2, 0.5, 0.9])
async def test_a_file_that_was_cut_is_left_aside_and_never_half_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, left: float
) -> None:
    path = tmp_path / "site-model"
    file = SiteModelFile(path)
    await file.store(model_of(10))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * left)])
    assert await file.load() is None
    assert "left aside" in caplog.text
    await file.store(model_of(2))
    assert await file.load() is not None


async def test_a_full_or_closed_disk_costs_the_file_and_not_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "place").write_text("a file where the folder should be")
    await SiteModelFile(tmp_path / "place" / "site-model").store(model_of(1))
    assert "cannot be kept" in caplog.text
