"""Records the spans of use cases with OpenTelemetry; a turn of the loop is one trace.

    python -m wattmesh_runtime.tracing plans/home-1-20160905t0700z

prints the id of the trace of the turn in which a plan was made.
"""

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry import context as trace_context
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from wattmesh_runtime.aio.spans import Attributes, Span, SpanKind, turn_key

PROPAGATOR = TraceContextTextMapPropagator()
"""Reads and writes the W3C `traceparent`."""

_KINDS = {
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
    SpanKind.CLIENT: trace.SpanKind.CLIENT,
    SpanKind.PRODUCER: trace.SpanKind.PRODUCER,
    SpanKind.CONSUMER: trace.SpanKind.CONSUMER,
}
_NANOSECONDS = 1_000_000_000
_LOW_BITS = (1 << 64) - 1

given_ids: ContextVar["TurnIds | None"] = ContextVar("given_ids", default=None)
"""The ids of the span that is begun just now; None: it gets some of its own."""


@dataclass(frozen=True, slots=True)
class TurnIds:
    """The ids of a turn's trace and of its first span: known to whoever knows its name."""

    trace_id: int
    span_id: int

    @classmethod
    def of(cls, turn: str) -> "TurnIds":
        """Return the ids of a turn: from the SHA-256 of its name."""
        digest = hashlib.sha256(f"wattmesh/turn/{turn_key(turn)}".encode()).digest()
        return cls(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]))

    def sampled(self, ratio: float) -> bool:
        """Return whether it is among the share of traces that are kept, as the SDK decides it."""
        return self.trace_id & _LOW_BITS < round(ratio * (_LOW_BITS + 1))


class SpanRecorder:
    """Recorder by one tracer; `ratio` is the share of turns that are kept."""

    def __init__(self, tracer: trace.Tracer, ratio: float) -> None:
        self._tracer = tracer
        self._ratio = ratio

    def open(
        self, span: Span, turn: str, parents: tuple[str, ...], attributes: Attributes
    ) -> AbstractContextManager[None]:
        """Record what happens meanwhile."""
        if turn:
            attributes["wattmesh.turn"] = turn_key(turn)
        return self._open(span, self._above(turn, parents), _links(parents[1:]), attributes)

    @contextmanager
    def _open(
        self,
        span: Span,
        above: trace_context.Context | None,
        links: list[trace.Link],
        attributes: Attributes,
    ) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            span.name, above, _KINDS[span.kind], attributes, links
        ):
            yield

    def turn(self, span: Span, turn: str, seconds: float, failure: str) -> None:
        """Record a whole turn that has just ended."""
        end = time.time_ns()
        token = given_ids.set(TurnIds.of(turn))
        try:
            whole = self._tracer.start_span(
                span.name,
                trace_context.Context(),
                attributes={"wattmesh.turn": turn_key(turn)},
                start_time=end - round(seconds * _NANOSECONDS),
            )
        finally:
            given_ids.reset(token)
        if failure:
            whole.set_status(trace.StatusCode.ERROR, failure)
        whole.end(end)

    def trace_parent(self) -> str:
        """Return the `traceparent` of what is recorded just now."""
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier.get("traceparent", "")

    def _above(self, turn: str, parents: tuple[str, ...]) -> trace_context.Context | None:
        if parents:
            return PROPAGATOR.extract({"traceparent": parents[0]})
        if not turn:
            return None
        ids = TurnIds.of(turn)
        flags = trace.TraceFlags(ids.sampled(self._ratio))
        root = trace.SpanContext(ids.trace_id, ids.span_id, is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(trace.NonRecordingSpan(root), trace_context.Context())


def _links(parents: tuple[str, ...]) -> list[trace.Link]:
    found = (
        trace.get_current_span(PROPAGATOR.extract({"traceparent": each})).get_span_context()
        for each in parents
    )
    return [trace.Link(each) for each in found if each.is_valid]


if __name__ == "__main__":
    print(trace.format_trace_id(TurnIds.of(sys.argv[1]).trace_id))
