"""The options of runs, as they are said on the command line."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Homes = Annotated[
    str | None, typer.Option(help="Which sites of the data: 1-5, 1,3,7 …; else the first five.")
]
SiteSet = Annotated[
    str, typer.Option("--site", help="Which sites: homes, or street (with EVs and an office).")
]
Start = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        help="First simulated day; else five weeks into the data, for the homes 2016-09-05.",
    ),
]
Rate = Annotated[
    str,
    typer.Option(
        help="Simulated seconds per second; auto: 1200, of the street 600, and less while "
        "the machine is too busy for that."
    ),
]
Data = Annotated[
    Path | None, typer.Option(help="Folder with measured data; else the demo's homes.")
]
Replicas = Annotated[
    str, typer.Option(help="Processes of a service, where not one: planner=2,control=2.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Print lines instead of a live view.")]
Live = Annotated[
    bool,
    typer.Option(
        "--live", help="Own devices on this machine's clock, instead of simulated homes; kept."
    ),
]
Identities = Annotated[
    bool,
    typer.Option(
        "--identities/--plaintext",
        help="Whoever calls shows a certificate or a session; or nobody is asked.",
    ),
]
Metrics = Annotated[
    bool,
    typer.Option(
        "--metrics",
        help="Serve metrics to Prometheus; where, is in prometheus.json below the state folder.",
    ),
]
