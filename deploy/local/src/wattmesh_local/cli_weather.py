"""`wattmesh weather import|show`."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from wattmesh_kernel.spans import parse_span
from wattmesh_local.cli_output import console, say_errors
from wattmesh_local.forecasting.weather_desk import WeatherDesk, weather_desk
from wattmesh_local.options import state_folder

app = typer.Typer(
    help="Weather that was measured and forecast at places, from files.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV: time, perhaps issue_time, and quantities.")],
    source: Annotated[str, typer.Option(help="Who tells it: roof, met-office.")],
    place: Annotated[str, typer.Option("--at", help="home-1, or 52.2,0.12 (latitude,longitude).")],
    kind: Annotated[
        str, typer.Option(help="observation, forecast, reanalysis or climatology.")
    ] = "forecast",
    issued: Annotated[
        str, typer.Option(help="When it was known, where the file does not say: 2026-06-01T06:00Z.")
    ] = "",
) -> None:
    """Publish what a file tells, and the source where it is not known yet."""
    known = datetime.fromisoformat(issued) if issued else None
    _ask(lambda desk: desk.import_file(file, source, place, kind, known))


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="home-1, or 52.2,0.12 (latitude,longitude).")],
    ahead: Annotated[str, typer.Option("--for", help="How far ahead: 24h, 7d.")] = "24h",
) -> None:
    """Print the weather that is known of the next hours, and who tells it; 1: nobody does."""
    _ask(lambda desk: desk.show(place, parse_span(ahead)))


def _ask(work: Callable[[WeatherDesk], Awaitable[int]]) -> None:
    async def run() -> int:
        async with weather_desk(state_folder(), console) as desk:
            return await work(desk)

    say_errors(run)
