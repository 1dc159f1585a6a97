"""`wattmesh device`: what is done with one device, without the mesh."""

import subprocess
import sys

import typer

app = typer.Typer(help="One device, without the mesh.", no_args_is_help=True)


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)
def check(context: typer.Context) -> None:
    """Check that a device does what its profile says: PROFILE --host …, or --help."""
    kit = [sys.executable, "-m", "wattmesh_gateway.conformance", *context.args]
    raise typer.Exit(subprocess.run(kit, check=False).returncode)
