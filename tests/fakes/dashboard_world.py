"""The dashboard as it runs, before real metering and peers of a test, and a browser to ask it."""

import asyncio
import http.client
import json
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from tests.fakes.dashboard_peers import Peers
from tests.fakes.eventually import within
from tests.fakes.metering_world import MeteringWorld, metering_world
from wattmesh.dashboard.v1 import dashboard_service_pb2 as pb
from wattmesh_dashboard.adapters.calls import SERVED
from wattmesh_dashboard.settings import DashboardSettings
from wattmesh_dashboard.wiring import wire
from wattmesh_local.running.ports import free_targets
from wattmesh_runtime.aio.tasks import cancel_until_ended
from wattmesh_runtime.service import Runtime
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.testing import SETTINGS, serve_for_test

M = TypeVar("M", bound=Message)
LIVE = "/wattmesh.dashboard.v1.DashboardService/WatchLive"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> Any:
        """The error as Connect writes it."""
        return json.loads(self.body)


class Browser:
    """Asks as a browser does."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def get(self, path: str, **headers: str) -> Answer:
        return await asyncio.to_thread(self._ask, "GET", path, None, headers)

    async def post(
        self, path: str, body: bytes, content_type: str = "application/proto", **headers: str
    ) -> Answer:
        headers = {"content-type": content_type, **headers}
        return await asyncio.to_thread(self._ask, "POST", path, body, headers)

    async def call(self, method: str, request: Message, answer: type[M]) -> M:
        """Call a unary method, which must succeed."""
        got = await self.post(f"/{method}", request.SerializeToString())
        assert got.status == 200, got.body
        return answer.FromString(got.body)

    def _ask(self, verb: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(verb, path, body, named)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    @asynccontextmanager
    async def live(
        self, site: str = "", *, authorization: str = "", **look: Any
    ) -> AsyncIterator["Live"]:
        """Watch, until the block ends; `look` is the rest of the request."""
        host, _, port = self.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        message = pb.WatchLiveRequest(site=site, **look).SerializeToString()
        body = struct.pack(">BI", 0, len(message)) + message
        head = (
            f"POST {LIVE} HTTP/1.1\r\nhost: {self.address}\r\n"
            f"content-type: application/connect+proto\r\ncontent-length: {len(body)}\r\n"
            + (f"authorization: {authorization}\r\n" if authorization else "")
            + "\r\n"
        )
        writer.write(head.encode() + body)
        await reader.readuntil(b"\r\n\r\n")
        try:
            yield Live(reader)
        finally:
            writer.close()


class Live:
    """The live stream, merged into one picture as a page does."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._unread = bytearray()
        self.seen = pb.WatchLiveResponse()

    async def until(self, holds: Any, seconds: float = 20) -> pb.WatchLiveResponse:
        """Read until something holds of all that was seen."""
        async with within(seconds):
            while not holds(self.seen):
                self.seen.MergeFrom(await self.next())
        return self.seen

    async def next(self) -> pb.WatchLiveResponse:
        """Return the next message."""
        flags, length = struct.unpack(">BI", await self._read(5))
        content = await self._read(length)
        assert flags == 0, content
        return pb.WatchLiveResponse.FromString(content)

    async def _read(self, count: int) -> bytes:
        while len(self._unread) < count:
            size = int((await self._reader.readuntil(b"\r\n")).strip(), 16)
            self._unread += (await self._reader.readexactly(size + 2))[:-2]
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken


@dataclass(frozen=True, slots=True)
class DashboardWorld:
    """All of it."""

    browser: Browser
    metering: MeteringWorld
    peers: Peers
    target: str
    """Where programs reach the dashboard over gRPC."""


@asynccontextmanager
async def dashboard_world(
    database_url: str,
    bundle: Path,
    session_file: Path | None = None,
    principals_file: Path | None = None,
) -> AsyncIterator[DashboardWorld]:
    """Serve the dashboard, with its real wiring."""
    peers = Peers()
    async with (
        metering_world(database_url) as metering,
        serve_for_test(peers.add) as peers_target,
    ):
        targets = dict.fromkeys((f"{name}_target" for name in SERVED), peers_target)
        targets["metering_target"] = metering.target
        (address,) = free_targets(1)
        told = DashboardSettings(
            bundle_folder=bundle,
            web_address=address,
            session_file=session_file,
            principals_file=principals_file,
            **targets,  # type: ignore[arg-type]
        )
        async with (
            Runtime(told, metering.clock, Telemetry("test")) as runtime,
            wire(told, runtime) as service,
            serve_for_test(
                *service.register,
                service_names=service.service_names,
                settings=SETTINGS.model_copy(update={"principals_file": principals_file}),
            ) as target,
        ):
            tasks = [asyncio.ensure_future(start()) for start in service.tasks]
            try:
                yield DashboardWorld(Browser(address), metering, peers, target)
            finally:
                await cancel_until_ended(*tasks)
