from datetime import timedelta
from pathlib import Path

import pytest

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_local.options import MeshOptions


def options(folder: Path, *, homes: str = "1-5", rate: float = 1200.0) -> MeshOptions:
    return MeshOptions(state_folder=folder, data_folder=folder, homes=homes, rate=rate)


@pytest.mark.parametrize(
    ("rate", "lead"),
    [
        (1.0, timedelta(minutes=1)),
        (60.0, timedelta(minutes=5)),
        (1200.0, timedelta(minutes=45)),
        (7200.0, timedelta(minutes=45)),
    ],
)
def test_plans_begin_early_enough_for_the_rate(
    tmp_path: Path, rate: float, lead: timedelta
) -> None:
    assert options(tmp_path, rate=rate).lead == lead


@pytest.mark.parametrize("homes", ["", "1-", "one", "1;2", "-3"])
def test_homes_that_mean_nothing_are_refused(tmp_path: Path, homes: str) -> None:
    with pytest.raises(InvalidArgument, match="--homes"):
        options(tmp_path, homes=homes)


@pytest.mark.parametrize("rate", [0.0, -1.0, 10_000.0, float("nan")])
def test_a_rate_that_cannot_be_kept_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(InvalidArgument, match="--rate"):
        options(tmp_path, rate=rate)


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="nowhere"):
        MeshOptions(state_folder=tmp_path, data_folder=tmp_path / "nowhere")
