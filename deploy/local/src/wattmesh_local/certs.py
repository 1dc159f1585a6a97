"""`wattmesh certs`: identities for a mesh that has no authority of its own."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from wattmesh_kernel.errors import WattmeshError
from wattmesh_local.identities.folder import (
    LIFE,
    gateway_subject,
    issue,
    person_subject,
    service_subjects,
)

Folder = Annotated[Path, typer.Argument(help="Where they are; the authority's key is there too.")]
Gateways = Annotated[list[str] | None, typer.Option("--gateway", help="A gateway: local.")]
People = Annotated[list[str] | None, typer.Option("--person", help="Somebody: operator/alice.")]
Suffixes = Annotated[
    list[str] | None, typer.Option("--suffix", help="Services are reached below: mesh.example.")
]
Days = Annotated[float, typer.Option(help="How long they are valid.")]
Again = Annotated[bool, typer.Option("--again", help="Issue those too that are still good.")]


def certs(
    folder: Folder,
    gateway: Gateways = None,
    person: People = None,
    suffix: Suffixes = None,
    days: Days = LIFE.days,
    again: Again = False,
) -> None:
    """Issue certificates to services, gateways and people; run again, it renews what is worn.

    Each gets a folder with tls.crt, tls.key and ca.crt. What runs takes the new ones by itself.
    """
    subjects = service_subjects(suffix or ())
    try:
        for name in gateway or ["local"]:
            subjects[f"gateway-{name}"] = gateway_subject(name)
        for each in person or []:
            role, _, name = each.partition("/")
            subjects[f"{role}-{name}"] = person_subject(name, role)
        issued = issue(folder, subjects, life=timedelta(days=days), all_of_them=again)
    except (WattmeshError, ValueError, OSError) as error:
        typer.echo(f"wattmesh: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"issued: {', '.join(issued)}" if issued else "nothing was due")
