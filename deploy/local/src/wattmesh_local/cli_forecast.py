"""`wattmesh forecast show|backtest|train`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from wattmesh_kernel.spans import parse_span
from wattmesh_local.cli_output import console, say_errors
from wattmesh_local.forecasting.desk import ForecastDesk, forecast_desk
from wattmesh_local.options import state_folder

app = typer.Typer(
    help="What is expected, how good it was, and training anew.",
    no_args_is_help=True,
    add_completion=False,
)

Asset = Annotated[str, typer.Argument(help="home-1/load, or sites/home-1/assets/load.")]
Assets = Annotated[list[str], typer.Argument(help="home-1/load home-2/load …")]


@app.command()
def show(
    asset: Asset,
    ahead: Annotated[str, typer.Option("--for", help="How far ahead: 24h, 7d.")] = "24h",
    resolution: Annotated[str, typer.Option(help="5min, 15min, 1h.")] = "1h",
    png: Annotated[Path | None, typer.Option(help="Write the plot to a PNG as well.")] = None,
) -> None:
    """Issue a forecast now and print it as a plot and a table; 1: there is none, and why."""
    _ask(lambda desk: desk.show(asset, parse_span(ahead), parse_span(resolution), png))


@app.command()
def backtest(
    assets: Assets,
    last: Annotated[str, typer.Option(help="Of what was issued in the last: 1d, 7d.")] = "7d",
) -> None:
    """Compare what was issued with what came and with yesterday; 1: some was no better."""
    _ask(lambda desk: desk.backtest(assets, parse_span(last)))


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="load or pv.")],
    assets: Assets,
    history: Annotated[str, typer.Option(help="How much history to learn from.")] = "365d",
) -> None:
    """Train a model; it is served when it is better than what is there; 1: it is not."""
    _ask(lambda desk: desk.train(model, assets, parse_span(history)))


def _ask(work: Callable[[ForecastDesk], Awaitable[int]]) -> None:
    async def run() -> int:
        async with forecast_desk(state_folder(), console) as desk:
            return await work(desk)

    say_errors(run)
