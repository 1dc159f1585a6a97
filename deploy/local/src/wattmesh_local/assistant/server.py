"""The MCP server: reading for everybody, acting where the person who started it says so."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from wattmesh_client import AsyncWattmesh, WattmeshError
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_local.assistant.acting import Acting
from wattmesh_local.assistant.reading import Answer, Reading

_INSTRUCTIONS = """Wattmesh runs buildings and small grids: it meters, plans and controls.
Power into a component is positive. Times carry an offset and are by the mesh's clock (`now`).
Before anything is changed it is tried with `try_hold`, and the person is shown what would become
of it; `hold` then takes the confirmation of that and the person's reason."""


def _in_words(tool: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """Return a tool that says in words what it is refused for, for the assistant to read."""

    @wraps(tool)
    async def answered(*args: Any, **kwargs: Any) -> Answer:
        try:
            return await tool(*args, **kwargs)
        except (WattmeshError, InvalidArgument, ValueError) as error:
            raise ToolError(str(error)) from error

    return answered


def mcp_server(mesh: AsyncWattmesh, person: str | None) -> MCPServer:
    """Return a server of one mesh; `person` is in whose name it may act, None: it may not."""
    server = MCPServer("wattmesh", instructions=_INSTRUCTIONS)
    reading = Reading(mesh)
    for tool in (
        *(reading.now, reading.list_sites, reading.describe_site, reading.query_energy),
        *(reading.list_plans, reading.prove, reading.list_alerts, reading.list_holds),
        reading.service_status,
    ):
        server.add_tool(_in_words(tool), annotations=ToolAnnotations(read_only_hint=True))
    if person is not None:
        acting = Acting(mesh, person)
        trying = _in_words(acting.try_hold)
        server.add_tool(trying, annotations=ToolAnnotations(read_only_hint=True))
        for act in (acting.hold, acting.release):
            server.add_tool(_in_words(act), annotations=ToolAnnotations(destructive_hint=True))
    return server
