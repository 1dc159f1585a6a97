"""Meter data from a file, and what validation found, against metering itself."""

import io
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from tests.fakes.metering_world import HOUR, NOON, QUARTER, metering_world, point
from tests.integration.metering.test_metering_validation import judged
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange
from wattmesh_local.readings import (
    Export,
    Picture,
    check_readings,
    export_readings,
    import_readings,
)
from wattmesh_local.readings_files import Columns

IMPORT = point("meter", "import_energy_wh")
HEAD = "meter,at,kept\n"
EXPORT = Export(
    parent="sites/home-1/devices/-/points/-",
    span=TimeRange(NOON - 13 * HOUR, NOON),
    resolution=QUARTER,
)
COLUMNS = Columns(point="meter", time="at", value="kept", points={"M1": IMPORT})


def _rows(*values: float) -> str:
    return "".join(
        f"M1,2024-06-01T0{n // 4}:{n % 4 * 15:02}:00+00:00,{value}\n"
        for n, value in enumerate(values)
    )


def _console() -> Console:
    return Console(file=io.StringIO(), width=200)


def _said(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


async def test_a_file_is_kept_once_however_often_it_is_sent_and_its_faults_are_told(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "meter.csv"
    file.write_text(HEAD + _rows(100, 150, 9e9, 200, 250) + "M2,2024-06-01T01:00:00Z,1\n")
    async with metering_world(database_url) as world:
        await world.add_home()
        first, again, check = _console(), _console(), _console()
        assert await import_readings(file, world.target, first, COLUMNS) == 1
        await import_readings(file, world.target, again, COLUMNS)
        await judged(database_url)
        assert await check_readings("home-1", world.target, check) == 1
        picture = Picture(file=tmp_path / "home.png", days=3)
        await check_readings("home-1", world.target, _console(), picture=picture)
        for name in ("out.csv", "out.parquet"):
            assert await export_readings(tmp_path / name, world.target, _console(), EXPORT) == 0
            # what was written is what is there: sent again, it changes nothing
            sent = _console()
            assert await import_readings(tmp_path / name, world.target, sent, Columns()) == 0
            assert "0 stored, 4 there already, 0 revised, 0 refused" in _said(sent)
    assert "5 stored, 0 there already, 0 revised, 1 refused" in _said(first)
    assert "refused 1 × unknown_point: M2" in _said(first)
    assert "0 stored, 5 there already" in _said(again)
    with Image.open(picture.file) as drawn:
        assert {(200, 40, 40), (96, 165, 120)} <= {colour for _, colour in drawn.getcolors() or ()}
    assert "spike" in _said(check)
    assert "2024-06-01 00:30:00Z" in _said(check)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "no column"),
        (HEAD + "M1,2024-06-01T00:00:00,1\n", "line 2"),
        (HEAD + "M1,2024-06-01T00:00:00Z,one\n", "line 2"),
    ],
)
async def test_a_file_that_is_none_says_where(
    database_url: str, tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "meter.csv"
    file.write_text(text)
    async with metering_world(database_url) as world:
        with pytest.raises(InvalidArgument, match=why):
            await import_readings(file, world.target, _console(), COLUMNS)


async def test_a_site_without_findings_is_said_to_be_so(database_url: str) -> None:
    console = _console()
    async with metering_world(database_url) as world:
        await world.add_home()
        assert await check_readings("sites/home-1", world.target, console) == 0
    assert "nothing found" in _said(console)
