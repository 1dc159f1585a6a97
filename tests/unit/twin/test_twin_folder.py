"""Data folders by their layout."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.fakes.twin_folders import PLANT_LAYOUT, citylearn_folder, plant_folder
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.series import Series
from wattmesh_twin.adapters.data.folder import find_layout, known_layouts, load_folder
from wattmesh_twin.adapters.data.layout import parse_layout
from wattmesh_twin.domain.dataset import chosen


def test_a_citylearn_folder_gives_homes_on_the_local_clock(tmp_path: Path) -> None:
    dataset = load_folder(citylearn_folder(tmp_path), "1-5")
    assert [site.spec.id.name for site in dataset.sites] == ["sites/home-1", "sites/home-2"]
    home = dataset.sites[1]
    assert home.loads_w["load"].start == datetime(2016, 8, 1, 7, tzinfo=UTC)
    assert home.loads_w["load"].values[0] == 2000
    assert home.pv_available_w is not None
    assert home.pv_available_w.at(datetime(2016, 8, 1, 17, tzinfo=UTC)) == 2000
    assert home.pv_available_w.at(datetime(2016, 12, 1, 17, tzinfo=UTC)) == 0
    assert home.pv_available_w.at(datetime(2016, 12, 1, 18, tzinfo=UTC)) == 2000
    assert home.spec.battery is not None
    assert home.spec.battery.charge_efficiency_ratio == pytest.approx(0.9**0.5)
    assert dataset.carbon is not None
    assert dataset.carbon.average_gco2e_per_kwh.values[5] == pytest.approx(105)


def test_thermal_loads_are_refused_and_not_left_out(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="thermal"):
        load_folder(citylearn_folder(tmp_path, days=2, thermal=0.1), "1")


def test_citylearn_rows_of_another_year_are_refused(tmp_path: Path) -> None:
    folder = citylearn_folder(tmp_path, days=10)
    rows = (folder / "Building_1.csv").read_text().splitlines()
    (folder / "Building_1.csv").write_text("\n".join([rows[0], *rows[2:]]))
    with pytest.raises(InvalidArgument, match="is not that of"):
        load_folder(folder, "1")


def test_a_folder_with_its_own_layout_in_other_units_and_resolutions(tmp_path: Path) -> None:
    dataset = load_folder(plant_folder(tmp_path), "1-5")
    (plant,) = dataset.sites
    assert plant.spec.loads == ("hall-a", "hall-b")
    assert plant.loads_w["hall-a"].values[0] == 10_000
    assert plant.loads_w["hall-b"].values[0] == 20_000
    assert plant.loads_w["hall-a"].resolution == timedelta(minutes=30)
    assert plant.pv_available_w is not None
    assert plant.pv_available_w.values[0] == 50_000
    assert np.isnan(plant.pv_available_w.values[10])
    assert plant.spec.battery is None
    prices = dataset.prices.import_per_kwh
    assert isinstance(prices, Series)
    assert prices.start == datetime(2024, 4, 30, 22, tzinfo=UTC)
    assert (dataset.prices.export_per_kwh, dataset.peak_price_per_kw) == (0.05, 4.5)


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("eur_per_kwh}", "price_predicted_24h}", "never read"),
        ("Europe/Berlin", "Europe/Atlantis", "IANA"),
        ("file: prices", "file: nowhere", "nowhere"),
        ("time_column: hour}", "time_column: hour, first_row: 2024-05-01}", "either"),
        ("currency: EUR", "currency: euro", "currency"),
        ("title:", "titel:", "titel"),
        ("resolution_minutes: 30", "resolution_minutes: 45", "divide the hour"),
    ],
)
def test_a_layout_that_makes_no_sense_is_refused_and_says_where(
    good: str, bad: str, says: str
) -> None:
    with pytest.raises(InvalidArgument, match=says):
        parse_layout(PLANT_LAYOUT.replace(good, bad), "wattmesh-data.yaml")


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path)
    layout = folder / "wattmesh-data.yaml"
    layout.write_text(layout.read_text().replace("eur_per_kwh}", "pounds}"))
    with pytest.raises(InvalidArgument, match="pounds"):
        load_folder(folder, "1")


@pytest.mark.parametrize(
    ("line", "bad", "says"),
    [
        (3, "2024-05-01 02:00:00,much", "prices.csv: row 3 of eur_per_kwh holds 'much'"),
        (3, "yesterday,0.2", "prices.csv: row 3 of hour holds 'yesterday'"),
        (3, "2024-05-01 01:00:00,0.2", "prices.csv: row 3: 2024-05-01T01:00:00 is not alone"),
    ],
)
def test_a_cell_that_makes_no_sense_is_named(
    tmp_path: Path, line: int, bad: str, says: str
) -> None:
    folder = plant_folder(tmp_path, days=2)
    rows = (folder / "prices.csv").read_text().splitlines()
    (folder / "prices.csv").write_text("\n".join([*rows[:line], bad, *rows[line + 1 :]]))
    with pytest.raises(InvalidArgument, match=says):
        load_folder(folder, "1")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path, days=1)
    (folder / "prices.csv").write_text("hour,eur_per_kwh\n")
    with pytest.raises(InvalidArgument, match=r"prices.csv: no rows"):
        load_folder(folder, "1")


def test_a_load_that_generates_is_refused(tmp_path: Path) -> None:
    folder = plant_folder(tmp_path, days=1)
    power = pd.read_parquet(folder / "power.parquet")
    power.loc[3, "b_kw"] = -1.0
    power.to_parquet(folder / "power.parquet")
    with pytest.raises(InvalidArgument, match=r"power.parquet: b_kw is negative"):
        load_folder(folder, "1")


def test_a_layout_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wattmesh-data.yaml").write_bytes("title: Café".encode("latin-1"))
    with pytest.raises(InvalidArgument, match="UTF-8"):
        find_layout(tmp_path)


def test_layouts_that_come_with_the_twin_are_sound() -> None:
    assert [layout.group for layout in known_layouts()] == ["campus"]


def test_a_known_folder_is_recognised_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "campus_hourly_2019.csv.gz").touch()
    assert find_layout(tmp_path).group == "campus"


def test_an_unknown_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="known"):
        find_layout(tmp_path)
    with pytest.raises(InvalidArgument, match="no data folder"):
        load_folder(tmp_path / "nowhere", "1")


def test_homes_are_chosen_by_position() -> None:
    assert chosen("1-3,5", 17) == [0, 1, 2, 4]
    assert chosen("1-5", 1) == [0]
    for wrong in ("", "a", "3-x", "9"):
        with pytest.raises(InvalidArgument):
            chosen(wrong, 5)
