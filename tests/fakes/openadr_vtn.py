"""Our VTN over HTTP, with a client of each role."""

import asyncio
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.fakes.demandresponse_world import DemandResponseWorld
from wattmesh_demandresponse import wiring_openadr
from wattmesh_demandresponse.domain.openadr_clients import Client, ClientRole
from wattmesh_runtime.database import Database
from wattmesh_runtime.web_server import WebServer

BUSINESS, VEN, OTHER = "grid-operator", "ven-home-1", "ven-home-2"


def secret(client_id: str) -> str:
    return f"secret of {client_id}"


def clients() -> tuple[Client, ...]:
    roles = {BUSINESS: ClientRole.BUSINESS, VEN: ClientRole.VEN, OTHER: ClientRole.VEN}
    return tuple(
        Client(
            client_id=name,
            role=role,
            secret_sha256=hashlib.sha256(secret(name).encode()).hexdigest(),
        )
        for name, role in roles.items()
    )


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


@dataclass
class ServedVtn:
    """Where it is, and plain calls to it; `calls`: who is called back, when told."""

    url: str
    calls: wiring_openadr.ServedVtn

    async def call(
        self, method: str, path: str, body: Any = None, *, as_client: str = BUSINESS
    ) -> Answer:
        token = await self.token(as_client)
        return await self.send(method, path, body, {"Authorization": f"Bearer {token}"})

    async def token(self, client_id: str, word: str | None = None) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret(client_id) if word is None else word,
        }
        answer = await self.send("POST", "/auth/token", urllib.parse.urlencode(form))
        return str(answer.body["access_token"] if answer.status == 200 else answer.status)

    async def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        data = None
        if body is not None:
            text = body if isinstance(body, str | bytes) else json.dumps(body)
            data = text.encode() if isinstance(text, str) else text
        request = urllib.request.Request(
            f"{self.url}{path}", data=data, headers=headers or {}, method=method
        )
        return await asyncio.to_thread(_sent, request)


def _sent(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return Answer(response.status, json.loads(response.read()))
    except urllib.error.HTTPError as error:
        return Answer(error.code, json.loads(error.read()))


@asynccontextmanager
async def served_vtn(
    world: DemandResponseWorld,
    database: Database,
    version: str = "3.1.0",
    hosts: tuple[str, ...] = (),
) -> AsyncIterator[ServedVtn]:
    """Serve the world's programmes; subscribers at `hosts` are called back."""
    served = wiring_openadr.ServedVtn(world.use, world.records, database, clients(), hosts)
    async with WebServer(served.web().app(), "127.0.0.1:0") as server:
        yield ServedVtn(f"http://{server.address}/openadr3/{version}", served)
