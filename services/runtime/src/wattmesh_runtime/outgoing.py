"""What is added to a call on its way out."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import grpc
from opentelemetry import trace

from wattmesh_runtime.metrics import CLIENT_CALL_DURATION
from wattmesh_runtime.request_context import REQUEST_ID_KEY, current_request_id, new_request_id
from wattmesh_runtime.telemetry import Telemetry
from wattmesh_runtime.tracing import PROPAGATOR

DEFAULT_DEADLINE_SECONDS = 10.0
"""Deadline of a unary call that names none [s of wall time]."""

Metadata: TypeAlias = grpc.aio.Metadata | Sequence[tuple[str, str | bytes]] | None


class OutgoingCalls:
    """Wraps the callables of a channel."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._duration = telemetry.histogram(CLIENT_CALL_DURATION)
        self._recording: set[asyncio.Task[None]] = set()

    def stream(self, start: Callable[..., Any]) -> Callable[..., Any]:
        """Return `start` with request id and trace in its metadata."""

        def call(*args: Any, metadata: Metadata = None, **kwargs: Any) -> Any:
            return start(*args, metadata=_with_context(metadata), **kwargs)

        return call

    def unary(self, method: str, start: Callable[..., Any]) -> Callable[..., Any]:
        """Return `start` with the same, a deadline, and the patience to wait for its server."""

        def call(
            request: Any,
            *,
            timeout: float | None = None,
            metadata: Metadata = None,
            wait_for_ready: bool | None = None,
            **kwargs: Any,
        ) -> Any:
            span = self._telemetry.tracer.start_span(method[1:], kind=trace.SpanKind.CLIENT)
            with trace.use_span(span, end_on_exit=False):
                running = start(
                    request,
                    timeout=DEFAULT_DEADLINE_SECONDS if timeout is None else timeout,
                    metadata=_with_context(metadata),
                    wait_for_ready=True if wait_for_ready is None else wait_for_ready,
                    **kwargs,
                )
            if self._telemetry.enabled:
                self._record_when_done(method, running, span)
            return running

        return call

    def _record_when_done(self, method: str, call: Any, span: trace.Span) -> None:
        started = time.perf_counter()

        async def record() -> None:
            code = await call.code()
            attributes = {"rpc.method": method[1:], "rpc.response.status_code": code.name}
            self._duration.record(time.perf_counter() - started, attributes)
            span.set_attributes(attributes)
            if code is not grpc.StatusCode.OK:
                span.set_status(trace.StatusCode.ERROR, code.name)
            span.end()

        task = asyncio.create_task(record())
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)


def _with_context(metadata: Metadata) -> list[tuple[str, str | bytes]]:
    given = list(metadata or ())
    trail: dict[str, str] = {}
    PROPAGATOR.inject(trail)
    if all(key != REQUEST_ID_KEY for key, _ in given):
        trail[REQUEST_ID_KEY] = current_request_id() or new_request_id()
    return [*given, *trail.items()]
