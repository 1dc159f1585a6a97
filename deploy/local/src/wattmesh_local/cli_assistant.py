"""`wattmesh mcp`: the mesh that runs here, for an assistant."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from wattmesh_client import AsyncWattmesh, Certificates, Connection
from wattmesh_local.cli_output import console
from wattmesh_local.operating import whoever
from wattmesh_local.options import state_folder


def mcp(
    act: Annotated[
        bool, typer.Option("--act", help="It may hold and release devices, in your name.")
    ] = False,
    identity: Annotated[
        Path | None, typer.Option(help="Folder with the certificate of the person who lets it.")
    ] = None,
) -> None:
    """Serve the mesh that runs here to an assistant, by MCP over standard input and output."""
    try:
        connection = Connection.local(state_folder())
    except FileNotFoundError:
        console.print("no mesh is running here", style="red")
        raise typer.Exit(1) from None
    asyncio.run(_serve(connection, act=act, identity=identity))


async def _serve(connection: Connection, *, act: bool, identity: Path | None) -> None:
    # Imported here, so that the other commands do not wait for it.
    from wattmesh_local.assistant.server import mcp_server

    if identity is not None:
        shown = Certificates(
            ca=identity / "ca.crt", certificate=identity / "tls.crt", key=identity / "tls.key"
        )
        connection = replace(connection, certificates=shown)
    async with AsyncWattmesh(connection) as mesh:
        await mcp_server(mesh, whoever() if act else None).run_stdio_async()
