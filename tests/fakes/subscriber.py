"""A subscriber of OpenADR's call-backs on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from wattmesh_runtime.web_server import WebServer


@dataclass
class Subscriber:
    """What it was told, by whom, and what it answers."""

    address: str = ""
    told: list[Any] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    status: int = 200

    @property
    def operations(self) -> list[tuple[str, str]]:
        return [(each["operation"], each["object"].get("eventName", "")) for each in self.told]

    async def hear(self, request: Request) -> Response:
        if self.status < 300:
            self.told.append(await request.json())
            self.tokens.add(request.headers.get("authorization", ""))
        return Response(status_code=self.status, headers={"location": "http://127.0.0.1:9/"})


@asynccontextmanager
async def subscriber(*routes: BaseRoute) -> AsyncIterator[Subscriber]:
    """Serve one at `/told`, and other routes."""
    one = Subscriber()
    app = Starlette(routes=[Route("/told", one.hear, methods=["POST"]), *routes])
    async with WebServer(app, "127.0.0.1:0") as server:
        one.address = f"http://{server.address}"
        yield one
