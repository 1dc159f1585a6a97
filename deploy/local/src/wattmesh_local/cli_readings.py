"""`wattmesh readings import|export|check`."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from wattmesh_kernel.spans import parse_span
from wattmesh_kernel.time import TimeRange
from wattmesh_local.cli_output import console, say_errors
from wattmesh_local.options import state_folder
from wattmesh_local.readings import (
    Export,
    Picture,
    check_readings,
    export_readings,
    import_readings,
)
from wattmesh_local.readings_files import Columns
from wattmesh_local.site_files import metering_identity, metering_target

app = typer.Typer(
    help="Meter data: from and to files, and what is wrong with it.",
    no_args_is_help=True,
    add_completion=False,
)

Target = Annotated[str, typer.Option(help="HOST:PORT of metering; empty: of the mesh here.")]


@app.command("import")
def readings_import(
    file: Annotated[
        Path, typer.Argument(help="CSV with a heading, or Parquet; times with their offset.")
    ],
    target: Target = "",
    point_column: Annotated[str, typer.Option(help="Column of the point.")] = "point",
    time_column: Annotated[str, typer.Option(help="Column of the time.")] = "measure_time",
    value_column: Annotated[str, typer.Option(help="Column of the value.")] = "value",
    quality_column: Annotated[str, typer.Option(help="Column of the quality, if any.")] = "quality",
    point: Annotated[
        list[str] | None, typer.Option(help="What a name in the file means: M1=sites/…/points/….")
    ] = None,
) -> None:
    """Send the readings of a file to metering; again is harmless. 1: some were refused."""
    columns = Columns(
        point=point_column,
        time=time_column,
        value=value_column,
        quality=quality_column,
        points=dict(_renamed(each) for each in point or ()),
    )
    _say(target, lambda at, identity: import_readings(file, at, console, columns, identity))


@app.command("export")
def readings_export(
    file: Annotated[Path, typer.Argument(help="Where to: FILE.csv or FILE.parquet.")],
    site: Annotated[str, typer.Argument(help="home-1, sites/home-1, or a device or point of it.")],
    start: Annotated[datetime, typer.Option("--from", help="From when on, UTC.")],
    end: Annotated[datetime, typer.Option("--to", help="Until when, UTC.")],
    resolution: Annotated[str, typer.Option(help="5min, 15min, 1h.")] = "15min",
    target: Target = "",
) -> None:
    """Write what was measured, on a raster: the most a register showed, means of all else."""
    span = TimeRange(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
    export = Export(parent=_points_of(site), span=span, resolution=parse_span(resolution))
    _say(target, lambda at, identity: export_readings(file, at, console, export, identity))


@app.command("check")
def readings_check(
    site: Annotated[str, typer.Argument(help="home-1, or sites/home-1.")],
    target: Target = "",
    picture: Annotated[Path | None, typer.Option(help="Draw it into this PNG as well.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many the picture shows.")] = 30,
) -> None:
    """Print what validation found at a site and still holds. 1: there is something."""
    drawn = None if picture is None else Picture(file=picture, days=days)
    _say(target, lambda at, identity: check_readings(site, at, console, identity, drawn))


def _say(target: str, ask: Callable[[str, Path | None], Awaitable[int]]) -> None:
    folder = state_folder()

    async def asked() -> int:
        return await ask(metering_target(target, folder), metering_identity(target, folder))

    say_errors(asked)


def _points_of(name: str) -> str:
    """Return all points of what is named: a site, a device, or one point."""
    full = name if name.startswith("sites/") else f"sites/{name}"
    rest = {2: "/devices/-/points/-", 4: "/points/-", 6: ""}.get(full.count("/") + 1)
    if rest is None:
        raise typer.BadParameter(f"{name!r} is no site, device or point")
    return full + rest


def _renamed(text: str) -> tuple[str, str]:
    name, sign, point = text.rpartition("=")
    if not sign:
        raise typer.BadParameter(f"{text!r} is not like M1=sites/home-1/devices/meter/points/…")
    return name, point
