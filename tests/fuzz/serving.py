"""A service to be fuzzed: in this process, or in one of its own whose memory can be seen."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from tests.fuzz.world import World
from wattmesh_runtime.dialling import MAX_MESSAGE_BYTES
from wattmesh_runtime.logs import PLAIN, PlainFormatter
from wattmesh_runtime.service import Lifecycle, serve

_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)
START_SECONDS = 300.0
_HURRIED = {"grace_seconds": "0.2", "shutdown_notice_seconds": "0"}


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running service."""

    channel: grpc.aio.Channel
    logged: Callable[[], str]
    """Return what it has logged since this was last called."""
    rss_mb: Callable[[], float]
    """Its resident memory [MB]."""


@asynccontextmanager
async def served_here(world: World) -> AsyncIterator[Served]:
    """Run the service as it runs in a process of its own, and close it in order."""
    log, root = _LogKeeper(), logging.getLogger()
    level = root.level
    root.addHandler(log)
    root.setLevel(logging.INFO)
    settings = world.settings_type.model_validate({**world.settings, **_HURRIED})
    lifecycle = Lifecycle()
    serving = asyncio.create_task(serve(settings, world.wire, world.name, lifecycle))
    try:
        started: set[asyncio.Future[Any]] = {serving, lifecycle.address}
        await asyncio.wait(started, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            raise RuntimeError(f"{world.name} does not start") from serving.exception()
        async with _channel(lifecycle.address.result()) as channel:
            yield Served(channel=channel, logged=log.take, rss_mb=lambda: 0.0)
        lifecycle.stop.set()
        if not await serving:
            raise RuntimeError(f"a background task of {world.name} failed")
    finally:
        root.removeHandler(log)
        root.setLevel(level)


@asynccontextmanager
async def served_apart(world: World, log_file: Path) -> AsyncIterator[Served]:
    """Run `python -m wattmesh_<name>`; it is killed at the end."""
    settings = {**world.settings, **_HURRIED}
    told = {f"WATTMESH_{name.upper()}": value for name, value in settings.items()}
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"wattmesh_{world.name}"),
            env={**os.environ, **told, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdout=log,
            stderr=log,
        )
    try:
        address = await _address(process, log_file)
        status = Path(f"/proc/{process.pid}/status")
        with log_file.open(errors="replace") as news:
            async with _channel(address) as channel:
                yield Served(channel=channel, logged=news.read, rss_mb=lambda: _rss_mb(status))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process, log_file: Path) -> str:
    async with asyncio.timeout(START_SECONDS):
        while " serving on " not in (said := _said(log_file)):
            if process.returncode is not None:
                raise RuntimeError(f"it does not start:\n{said}")
            await asyncio.sleep(0.05)
    return said.partition(" serving on ")[2].split()[0]


def _said(log_file: Path) -> str:
    return log_file.read_text(errors="replace")


def _channel(address: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(address, options=_OPTIONS)


def _rss_mb(status: Path) -> float:
    lines = (line.split() for line in status.read_text().splitlines())
    return next(int(line[1]) / 1024 for line in lines if line[0] == "VmRSS:")


class _LogKeeper(logging.Handler):
    """Keeps what would be written to the log."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(PlainFormatter(PLAIN))
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.INFO:
            self._lines.append(self.format(record) + "\n")

    def take(self) -> str:
        lines, self._lines = self._lines, []
        return "".join(lines)
