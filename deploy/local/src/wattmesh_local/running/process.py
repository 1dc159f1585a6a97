"""One process of the mesh: what it is, and keeping it alive."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from wattmesh_local import tether
from wattmesh_local.running.health import is_ready
from wattmesh_runtime.aio.backoff import Backoff
from wattmesh_runtime.aio.tasks import cancel_until_ended

READY_SECONDS = 240.0
"""How long a process may take until it answers; TensorFlow loads for a minute on a busy machine."""
_WAITING_SECONDS = 10.0
"""How often it is told what is waited for."""
STOP_SECONDS = 7.0
"""How long a process may take to end: longer than the longest stop of a service [s]."""
_FIRST_BACKOFF_SECONDS = 0.05
_LONGEST_BACKOFF_SECONDS = 5.0
_STEADY_SECONDS = 10.0


class ProcessError(Exception):
    """A process did not become ready; the text holds the end of its log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSpec:
    """How to run one process and where it answers.

    `grpc` says that the stock health service answers at `target`; otherwise a TCP connection does,
    or `answers` says whether it is there. `arguments` are Python's, or those of another `program`.
    `clear` ends what a killed one may have left behind; it is called before every start.
    `identity` is the folder of the certificate that is shown to it; None: it speaks plaintext.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    target: str
    grpc: bool = True
    program: str = sys.executable
    user: str | None = None
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    answers: Callable[[], Awaitable[bool]] | None = None
    clear: Callable[[], None] | None = None
    identity: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessEvent:
    """Something worth telling: a process died, was restarted, is ready."""

    name: str
    text: str


class SupervisedProcess:
    """Runs a process and starts it again whenever it ends by itself.

    Enter to start, leave to end it: SIGTERM, then SIGKILL. The process dies with this one.
    """

    def __init__(
        self, spec: ProcessSpec, log_file: Path, tell: Callable[[ProcessEvent], None]
    ) -> None:
        self.spec = spec
        self.restarts = 0
        self._log_file = log_file
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def __aenter__(self) -> Self:
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def ready(self) -> None:
        """Wait until it answers, and tell that it takes long; ProcessError when it does not."""
        began, told = time.monotonic(), 0.0
        while (waited := time.monotonic() - began) < READY_SECONDS:
            if await self._answers():
                return
            if self.restarts > 3:
                break
            if waited - told > _WAITING_SECONDS:
                told = waited
                self._tell(ProcessEvent(name=self.spec.name, text=f"is starting, {waited:.0f} s"))
            await asyncio.sleep(0.1)
        end = self.log_end() or "it has not logged anything"
        raise ProcessError(f"{self.spec.name} does not start ({waited:.0f} s):\n{end}")

    async def _answers(self) -> bool:
        if self.spec.answers is not None:
            return await self.spec.answers()
        return await is_ready(
            self.spec.target, grpc_health=self.spec.grpc, identity=self.spec.identity
        )

    async def stop(self, patience_seconds: float = STOP_SECONDS) -> None:
        """End the process for good: ask, and after `patience_seconds` do not ask."""
        self._stopping = True
        if self._keeper is not None:
            await cancel_until_ended(self._keeper)
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(self.spec.stop_signal)
        try:
            async with asyncio.timeout(patience_seconds):
                await process.wait()
        except TimeoutError:
            self._tell(ProcessEvent(name=self.spec.name, text="does not stop, killed"))
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await self._clear()

    def log_end(self, lines: int = 15) -> str:
        """Return the last lines of the process's log."""
        if not self._log_file.exists():
            return ""
        return "\n".join(self._log_file.read_text(errors="replace").splitlines()[-lines:])

    async def _keep(self) -> None:
        backoff = Backoff(_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS)
        while not self._stopping and self._process is not None:
            born = time.monotonic()
            code = await self._process.wait()
            if self._stopping:
                return
            if time.monotonic() - born > _STEADY_SECONDS:
                backoff.reset()
            self._tell(ProcessEvent(name=self.spec.name, text=f"{_how(code)}, restarting"))
            await backoff.wait()
            self.restarts += 1
            await self._spawn()
            self._tell(ProcessEvent(name=self.spec.name, text=f"restarted as {self.pid}"))

    async def _clear(self) -> None:
        if self.spec.clear is not None:
            await asyncio.to_thread(self.spec.clear)

    async def _spawn(self) -> None:
        await self._clear()
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", tether.__file__, self.spec.user or "-"),
                *(str(int(self.spec.stop_signal)), self.spec.program, *self.spec.arguments),
                cwd=self.spec.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.spec.environment),
                start_new_session=True,  # Ctrl-C is for the supervisor, which ends all in order
            )


def _how(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with status {code}"
