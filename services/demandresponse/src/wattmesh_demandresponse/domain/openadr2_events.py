"""Events as OpenADR 2.0b says them, and what they ask for here.

| signal, type | in a programme of | is |
|---|---|---|
| `LOAD_DISPATCH`, `setpoint` [W] | limits | the most import |
| `LOAD_DISPATCH`, `delta` [W], below 0 | reductions | a reduction below the baseline |
| `LOAD_CONTROL`, `x-loadControlCapacity` (0 to 1) | limits | that share of the power at level 0 |
| `ELECTRICITY_PRICE`, `ENERGY_PRICE`, `price`, `priceRelative` | prices | prices, or on top |
| `SIMPLE`, `level` (0 to 3) | limits, reductions | what the programme says of the level |

Of several signals the first in this order counts. Sources: OpenADR 2.0b Profile Specification,
sections 8.2 (signals, table 1) and 8.3; OASIS Energy Interoperation 1.0, `SignalTypeEnumerated`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import TypeAlias

from wattmesh_demandresponse.domain.event import (
    MOST_INTERVALS,
    Asked,
    Event,
    LimitAsked,
    PriceAsked,
    ReductionAsked,
)
from wattmesh_demandresponse.domain.levels import asked_by_capacity, asked_by_levels
from wattmesh_demandresponse.domain.offer import Place
from wattmesh_demandresponse.domain.programme import EventKind, Programme
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import TimeRange

_SCALES = dict(
    zip(
        ("", "none", "p", "n", "micro", "m", "c", "d", "k", "M", "G", "T"),
        (1.0, 1.0, 1e-12, 1e-9, 1e-6, 1e-3, 0.01, 0.1, 1e3, 1e6, 1e9, 1e12),
        strict=True,
    )
)
_LOWEST = 100
_SECOND = timedelta(seconds=1)
Values: TypeAlias = Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal2b:
    """A signal: a value for each of its intervals, which follow each other.

    `item`: what its values are, e.g. `powerReal`, in `unit` (`W`, or a currency) and `scale` (`k`).
    """

    name: str
    type: str
    intervals: tuple[tuple[timedelta, float], ...]
    item: str = ""
    unit: str = ""
    scale: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event2b:
    """An event as it was distributed. `resources`: whom it is for by name; empty: all."""

    id: str
    modification_number: int
    market_context: str
    cancelled: bool
    start: datetime
    duration: timedelta
    signals: tuple[Signal2b, ...]
    created: datetime
    priority: int = 0
    test: bool = False
    resources: tuple[str, ...] = ()


def event_from_2b(given: Event2b, programme: Programme, place: Place) -> Event:
    """Return what an event is here. Error: InvalidArgument for what is not served."""
    signal, make = _signal(given, programme)
    step, values = _columns(given, signal)
    try:
        span = TimeRange.of(given.start, step * len(values))
    except OverflowError as error:
        raise InvalidArgument("INVALID_RANGE", "it never ends", field="signals") from error
    return Event(
        id=place.event_id,
        range=span,
        resolution=step,
        asked=make(values),
        announce_time=min(given.created, place.now),
        enrolments=place.enrolments,
        priority=max(_LOWEST + 1 - given.priority, 0) if given.priority else 0,
        test=given.test,
        external_id=given.id,
        modification_number=place.modification_number,
    )


def _signal(given: Event2b, programme: Programme) -> tuple[Signal2b, Callable[[Values], Asked]]:
    """Return the signal that counts, and what makes of its values what is asked."""
    for name, kind, of in _KNOWN:
        for each in given.signals:
            if (each.name.upper(), each.type) == (name, kind):
                make = of(each, programme)
                if make is not None:
                    return each, make
    raise InvalidArgument(
        "UNKNOWN_VALUE",
        f"no signal of {given.id} asks for what {programme.event_kind.value} events are",
        field="signals",
    )


def _setpoint(signal: Signal2b, programme: Programme) -> Callable[[Values], Asked] | None:
    if programme.event_kind is not EventKind.LIMIT:
        return None
    return lambda values: LimitAsked(max_import_w=_scaled(values, _watts(signal)))


def _delta(signal: Signal2b, programme: Programme) -> Callable[[Values], Asked] | None:
    if programme.event_kind is not EventKind.PAID_REDUCTION:
        return None
    return lambda values: ReductionAsked(powers_w=_scaled(values, -_watts(signal)))


def _capacity(signal: Signal2b, programme: Programme) -> Callable[[Values], Asked] | None:
    if programme.event_kind is not EventKind.LIMIT:
        return None
    return lambda values: asked_by_capacity(programme, values)


def _price(signal: Signal2b, programme: Programme) -> Callable[[Values], Asked] | None:
    if programme.event_kind is not EventKind.PRICE:
        return None

    def make(values: Values) -> Asked:
        require(
            signal.item in ("", "currencyPerKWh"),
            "INVALID_VALUE",
            f"a price is for a kWh, not {signal.item}",
            "signals",
        )
        paid = programme.payment
        require(
            paid is None or signal.unit in ("", paid.currency_code),
            "INVALID_VALUE",
            f"prices in {signal.unit} are not in the programme's currency",
            "signals",
        )
        per_kwh = _scaled(values, _scale(signal))
        return PriceAsked(import_per_kwh=per_kwh, additional=signal.type == "priceRelative")

    return make


def _levels(signal: Signal2b, programme: Programme) -> Callable[[Values], Asked] | None:
    if programme.event_kind not in (EventKind.LIMIT, EventKind.PAID_REDUCTION):
        return None
    return lambda values: asked_by_levels(programme, values)


_KNOWN = (
    ("LOAD_DISPATCH", "setpoint", _setpoint),
    ("LOAD_DISPATCH", "delta", _delta),
    ("LOAD_CONTROL", "x-loadControlCapacity", _capacity),
    ("ELECTRICITY_PRICE", "price", _price),
    ("ELECTRICITY_PRICE", "priceRelative", _price),
    ("ENERGY_PRICE", "price", _price),
    ("ENERGY_PRICE", "priceRelative", _price),
    ("SIMPLE", "level", _levels),
)


def _columns(given: Event2b, signal: Signal2b) -> tuple[timedelta, Values]:
    """Return intervals of one length: the greatest common measure of all."""
    intervals = signal.intervals
    if len(intervals) == 1 and not intervals[0][0]:
        intervals = ((given.duration, intervals[0][1]),)
    lengths = [each for each, _ in intervals]
    require(bool(lengths), "MISSING_FIELD", "a signal has intervals", "signals")
    require(
        all(each > timedelta(0) and not each % _SECOND for each in lengths),
        "INVALID_DURATION",
        "intervals last whole seconds, and an event has an end",
        "signals",
    )
    seconds = [each // _SECOND for each in lengths]
    step_s = reduce(math.gcd, seconds)
    require(
        sum(seconds) // step_s <= MOST_INTERVALS,
        "TOO_MANY_INTERVALS",
        f"at most {MOST_INTERVALS} intervals",
        "signals",
    )
    values = [
        value
        for (_, value), length in zip(intervals, seconds, strict=True)
        for _ in range(length // step_s)
    ]
    return step_s * _SECOND, values


def _watts(signal: Signal2b) -> float:
    require(
        (signal.item, signal.unit) == ("powerReal", "W"),
        "INVALID_VALUE",
        f"power is in W of powerReal, not {signal.unit!r} of {signal.item!r}",
        "signals",
    )
    return _scale(signal)


def _scale(signal: Signal2b) -> float:
    factor = _SCALES.get(signal.scale)
    if factor is None:
        raise InvalidArgument(
            "UNKNOWN_VALUE", f"{signal.scale[:20]!r} is no scale", field="signals"
        )
    return factor


def _scaled(values: Values, factor: float) -> tuple[float, ...]:
    return tuple(each * factor + 0.0 for each in values)
