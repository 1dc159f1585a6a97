"""The `wattmesh` commands that let devices in at the local broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from wattmesh_kernel.errors import FailedPrecondition, WattmeshError
from wattmesh_local.mqtt_broker.accounts import Accounts
from wattmesh_local.options import state_folder
from wattmesh_local.running.processes import ACCOUNTS
from wattmesh_local.running.state import MeshState

app = typer.Typer(
    help="Which devices may speak on MQTT, each with a password and topics of its own.",
    no_args_is_help=True,
    add_completion=False,
)
Name = Annotated[str, typer.Argument(help="As whom the device speaks to the broker: meter-1.")]
Below = Annotated[
    list[str] | None,
    typer.Option("--below", help="Topics of its own besides devices/NAME: go-eCharger/000000."),
]
Again = Annotated[bool, typer.Option("--again", help="Another password for one that is let in.")]


@app.command()
def allow(device: Name, below: Below = None, again: Again = False) -> None:
    """Let a device in, at once and without a restart; prints its password, the only time.

    It speaks below devices/NAME, and hears what is said to it there or below commands/NAME.
    """
    state = state_folder()
    with _errors():
        accounts, address = _accounts(state)
        password = accounts.allow(device, below or (), again=again)
    typer.echo(password)
    topics = ", ".join(f"{topic.rstrip('/')}/#" for topic in (f"devices/{device}", *(below or ())))
    typer.echo(f"{device} may speak {address}, on {topics}; above: its password", err=True)


@app.command()
def forget(device: Name) -> None:
    """Let a device in no more; one that is connected says and hears nothing from now on."""
    with _errors():
        _accounts(state_folder())[0].forget(device)
    typer.echo(f"{device} is not let in any more", err=True)


@app.command("list")
def list_() -> None:
    """List the devices that are let in."""
    with _errors():
        devices = _accounts(state_folder())[0].devices()
    for device in devices:
        typer.echo(device)


def _accounts(state: Path) -> tuple[Accounts, str]:
    """Return the accounts of the mesh that runs here, or of the next live one; and where it is.

    Error: FailedPrecondition where the broker is not the mesh's own, or asks nobody.
    """
    mesh = MeshState(state)
    if not mesh.is_there:
        return Accounts(state / "live" / ACCOUNTS), "when `wattmesh up --live` runs"
    running = mesh.read()
    folder = running.get("mqtt_accounts")
    if folder is None:
        words = (
            "the broker of the mesh that runs here is somebody else's (WATTMESH_MQTT_URL), "
            "or asks nobody (--plaintext)"
        )
        raise FailedPrecondition("NO_ACCOUNTS", words)
    return Accounts(Path(folder)), f"at {running['mqtt_url']}"


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (WattmeshError, OSError) as error:
        typer.echo(f"wattmesh: {error}", err=True)
        raise typer.Exit(1) from None
