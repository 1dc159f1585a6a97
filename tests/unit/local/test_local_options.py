from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_local.options import MeshOptions, options_from_environment, parse_replicas
from wattmesh_local.site_facts import SiteFacts


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


@pytest.mark.parametrize("homes", ["", "1-", "one", "1;2", "-3", "0-3", "5-1", "1,0"])
def test_homes_that_mean_nothing_are_refused(tmp_path: Path, homes: str) -> None:
    with pytest.raises(InvalidArgument, match="--homes"):
        options(tmp_path, homes=homes)


@pytest.mark.parametrize("rate", [0.0, -1.0, 10_000.0, float("nan")])
def test_a_rate_that_cannot_be_kept_is_refused(tmp_path: Path, rate: float) -> None:
    with pytest.raises(InvalidArgument, match="--rate"):
        options(tmp_path, rate=rate)


def test_services_have_as_many_processes_as_are_asked_for() -> None:
    assert parse_replicas("") == {}
    assert parse_replicas("planner=2,control=3") == {"planner": 2, "control": 3}


@pytest.mark.parametrize("text", ["planner", "planner=0", "planner=x", "planner=9", "gateway=2"])
def test_replicas_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="--replicas"):
        parse_replicas(text)


def test_a_missing_data_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="nowhere"):
        MeshOptions(state_folder=tmp_path, data_folder=tmp_path / "nowhere")


FACTS = SiteFacts(
    zone=ZoneInfo("America/Los_Angeles"),
    first=datetime(2016, 8, 1, 7, tzinfo=UTC),
    last=datetime(2017, 8, 1, 7, tzinfo=UTC),
)
WARM_UP = timedelta(hours=2)


def test_a_run_begins_five_weeks_into_the_data_unless_told() -> None:
    assert FACTS.choose_start(None, 7, WARM_UP) == date(2016, 9, 5)
    assert FACTS.choose_start(date(2017, 3, 1), 7, WARM_UP) == date(2017, 3, 1)


@pytest.mark.parametrize("day", [date(2016, 7, 1), date(2016, 8, 2), date(2018, 1, 1)])
def test_a_start_without_data_around_it_is_refused_with_the_days_that_have(day: date) -> None:
    with pytest.raises(InvalidArgument, match=f"{day}.* from 2016-08-18 to 2017-07-25"):
        FACTS.choose_start(day, 7, WARM_UP)


@pytest.mark.parametrize(
    ("site", "homes", "rate"), [("homes", "1-5", 1200), ("street", "1-6", 600)]
)
def test_a_site_set_brings_its_data_sites_and_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: str, homes: str, rate: float
) -> None:
    monkeypatch.setenv("WATTMESH_DATA", str(tmp_path))
    found = options_from_environment(
        homes=None, start=None, days=1, rate=None, data=None, site=site
    )
    assert (found.homes, found.rate) == (homes, rate)
    asked = options_from_environment(homes="2", start=None, days=1, rate=60.0, data=None, site=site)
    assert (asked.homes, asked.rate) == ("2", 60.0)


def test_another_site_set_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="street"):
        options_from_environment(
            homes=None, start=None, days=1, rate=None, data=tmp_path, site="village"
        )
