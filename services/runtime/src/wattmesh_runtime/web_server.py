"""The HTTP server: uvicorn, in the process's own event loop, ended by the process's own stop."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from wattmesh_runtime.aio.tasks import cancel_until_ended

log = logging.getLogger(__name__)

_GRACE_SECONDS = 1


class WebServer:
    """Enter to serve, leave to stop; `address` is where."""

    address: str

    def __init__(self, app: Starlette, address: str) -> None:
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._wanted = address
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        listening = _listen(self._wanted)
        host, port = listening.getsockname()[:2]
        self.address = f"{host}:{port}"
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        log.info("serving http://%s", self.address)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.wait({self._serving}, timeout=_GRACE_SECONDS + 1)
            await cancel_until_ended(self._serving)


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers: the process has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: asyncio switches delays of small answers off only where it is.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host.strip("[]"), int(port)))
    listening.listen()  # who connects before the server is up waits, and is not refused
    return listening
