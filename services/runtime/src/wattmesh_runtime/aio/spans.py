"""What a use case does, as a span of a trace; where nothing is traced it costs nothing.

A turn of the loop is one trace, from the facts of a plan to what the meters saw of its commands,
though hours and several processes lie between. Nothing is stored for that: the trace's id is made
from the turn's name, which everybody who works for it knows.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

Attributes: TypeAlias = dict[str, str | float]

_ATTEMPT = re.compile(r"(-\d{8}t\d{4}z)-\d+$")
_NOTHING: AbstractContextManager[None] = nullcontext()


class SpanKind(Enum):
    """Where what a span shows is done."""

    INTERNAL = "internal"
    CLIENT = "client"
    """Asks somebody outside, as a device."""
    PRODUCER = "producer"
    """Hands a message over."""
    CONSUMER = "consumer"
    """Takes a message in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A declared span: a service lists its own in one module `app/spans.py`."""

    name: str
    description: str
    """What is done meanwhile, and with which attributes."""
    kind: SpanKind = SpanKind.INTERNAL


class Recorder(Protocol):
    """Who records spans."""

    def open(
        self, span: Span, turn: str, parents: tuple[str, ...], attributes: Attributes
    ) -> AbstractContextManager[None]:
        """Record what happens meanwhile; in a turn, below the first parent, or below what is on."""

    def turn(self, span: Span, turn: str, seconds: float, failure: str) -> None:
        """Record a whole turn that has just ended, and took so long [s]."""

    def trace_parent(self) -> str:
        """Return the W3C `traceparent` of what is recorded just now; empty: nothing is."""


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def record_by(recorder: Recorder | None) -> None:
    """Have a recorder record the running task and those that it starts from now on."""
    _recorder.set(recorder)


def traced(
    span: Span,
    *,
    turn: str = "",
    parents: tuple[str, ...] = (),
    about: Mapping[str, str | float] | None = None,
    **attributes: str | float,
) -> AbstractContextManager[None]:
    """Record what is done within.

    `turn` names the turn it belongs to, by the plan that the turn made; `parents` are
    `traceparent`s of others, of which the first is the one above and the rest are linked. An
    attribute `a_b`, of `about` too, is recorded as `wattmesh.a_b`.
    """
    recorder = _recorder.get()
    if recorder is None:
        return _NOTHING
    said = {**(about or {}), **attributes}
    named = {f"wattmesh.{name}": value for name, value in said.items()}
    return recorder.open(span, turn, tuple(filter(None, parents)), named)


def record_turn(span: Span, turn: str, *, seconds: float = 0.0, failure: str = "") -> None:
    """Record a whole turn that has just ended: all that was recorded of it is below."""
    recorder = _recorder.get()
    if recorder is not None:
        recorder.turn(span, turn, seconds, failure)


def trace_parent() -> str:
    """Return the `traceparent` of what is recorded just now, to be handed on; empty: nothing is."""
    recorder = _recorder.get()
    return "" if recorder is None else recorder.trace_parent()


def turn_key(plan: str) -> str:
    """Return the name of a turn by that of its plan: the same for every attempt at an interval.

    `plans/home-1-20160905t0700z-2` is the turn `home-1-20160905t0700z`.
    """
    return _ATTEMPT.sub(r"\1", plan.removeprefix("plans/"))
