"""Events as OpenADR 3.1 writes them, in both directions.

| payload | is |
|---|---|
| `IMPORT_CAPACITY_LIMIT`, `EXPORT_CAPACITY_LIMIT` [kW] | a limit |
| `PRICE`, `EXPORT_PRICE` [currency/kWh] | prices in place of the tariff |
| `DISPATCH_SETPOINT_RELATIVE` [kW], below 0 | a reduction below the baseline |
| `SIMPLE` (0 to 3), alone | what the programme says of the level |

Their priority falls with the number, 0 being the highest; ours rises, to 100. Sources: OpenADR 3.1
Definitions, sections "Event payload types" and "event"; User Guide, sections 7.3 and 7.4.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import pairwise
from typing import Any

from wattmesh_demandresponse.domain.event import (
    MOST_INTERVALS,
    Asked,
    Event,
    LimitAsked,
    PriceAsked,
    ReductionAsked,
    ReserveAsked,
)
from wattmesh_demandresponse.domain.levels import asked_by_levels
from wattmesh_demandresponse.domain.openadr_limits import (
    EXPORT_LIMIT,
    IMPORT_LIMIT,
    limit_payloads,
    limit_types,
)
from wattmesh_demandresponse.domain.openadr_time import (
    duration_from_text,
    duration_to_text,
    time_from_text,
    time_to_text,
)
from wattmesh_demandresponse.domain.programme import Programme
from wattmesh_kernel.checks import require
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.programme_ids import EnrolmentId, EventId
from wattmesh_kernel.time import TimeRange

Json = Mapping[str, Any]

PRICE, EXPORT_PRICE = "PRICE", "EXPORT_PRICE"
RELATIVE = "DISPATCH_SETPOINT_RELATIVE"
SIMPLE = "SIMPLE"
RESERVE_UP, RESERVE_DOWN = "WATTMESH_RESERVE_UP", "WATTMESH_RESERVE_DOWN"
"""OpenADR has no word for a reserve, and lets servers have their own."""
_KNOWN = (IMPORT_LIMIT, EXPORT_LIMIT, PRICE, EXPORT_PRICE, RELATIVE, SIMPLE)
_W_PER_KW = 1000.0
_LOWEST = 100
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Piece:
    """One value of each payload over a span."""

    span: TimeRange
    values: Mapping[str, float]


def event_from_json(
    given: Json,
    event_id: EventId,
    now: datetime,
    *,
    programme: Programme | None = None,
    enrolments: tuple[EnrolmentId, ...] = (),
    modification_number: int = 0,
) -> Event:
    """Return the event of a document; what its id and targets are here is the caller's to know.

    `programme` says what levels mean; without it they are refused. Intervals of different
    lengths become intervals of their greatest common measure. Error: InvalidArgument with the field
    for what makes no sense, or asks for what is not served.
    """
    try:
        pieces = _pieces(given, now)
    except OverflowError as error:  # many long intervals, one after the other
        raise InvalidArgument("INVALID_RANGE", "it never ends", field="intervals") from error
    span = TimeRange(pieces[0].span.start, pieces[-1].span.end)
    step = _common([each.span.duration for each in pieces])
    require(
        span.duration // step <= MOST_INTERVALS,
        "TOO_MANY_INTERVALS",
        f"at most {MOST_INTERVALS} intervals",
        "intervals",
    )
    name = given.get("eventName")
    return Event(
        id=event_id,
        range=span,
        resolution=step,
        asked=_asked(pieces, step, programme),
        announce_time=_announced(given, now),
        display_name=name if isinstance(name, str) else "",
        enrolments=enrolments,
        priority=_priority(given.get("priority")),
        external_id=str(given.get("id") or ""),
        modification_number=modification_number,
    )


def event_to_json(event: Event, programme: Programme, public_id: str) -> Json:
    """Return the document of an event under the id that it has for others."""
    announced = time_to_text(event.announce_time)
    return {
        "id": public_id,
        "createdDateTime": announced,
        "modificationDateTime": announced,
        "objectType": "EVENT",
        "programID": event.id.programme.segment,
        "eventName": event.display_name or event.id.segment,
        "priority": _LOWEST - event.priority,
        "payloadDescriptors": _descriptors(event.asked, programme),
        "intervalPeriod": {
            "start": time_to_text(event.range.start),
            "duration": duration_to_text(event.step),
        },
        "intervals": [
            {"id": index, "payloads": _payloads(event.asked, index)} for index in range(event.count)
        ],
    }


def _pieces(given: Json, now: datetime) -> list[_Piece]:
    intervals = given.get("intervals")
    if not isinstance(intervals, Sequence) or not intervals or len(intervals) > MOST_INTERVALS:
        raise InvalidArgument("MISSING_FIELD", "an event has intervals", field="intervals")
    default, found = _period(given), []
    start = None if default is None else _start(default, now)
    for index, interval in enumerate(intervals):
        field = f"intervals.{index}"
        own = _period(_mapping(interval, field))
        if own is not None and "start" in own:
            start = _start(own, now)
        length = (own or {}).get("duration") or (default or {}).get("duration")
        if start is None or not isinstance(length, str):
            raise InvalidArgument("MISSING_FIELD", "start and duration are required", field=field)
        pieces = _split(interval, start, duration_from_text(length, field), field)
        found += pieces
        start = pieces[-1].span.end
    for before, after in pairwise(found):
        require(
            before.span.end == after.span.start,
            "INVALID_INTERVAL",
            "the intervals of an event follow each other",
            "intervals",
        )
    return found


def _split(interval: Json, start: datetime, length: timedelta, field: str) -> list[_Piece]:
    """Return an interval in as many equal parts as its payloads have values."""
    payloads = interval.get("payloads")
    columns: dict[str, list[float]] = {}
    for payload in payloads if isinstance(payloads, Sequence) else ():
        known = _mapping(payload, field)
        if known.get("type") in _KNOWN:
            columns[str(known["type"])] = [_number(each, field) for each in known.get("values", ())]
    if len(columns) > 1:
        columns.pop(SIMPLE, None)  # it accompanies what says more
    counts = {len(each) for each in columns.values()}
    if len(counts) != 1 or 0 in counts:
        raise InvalidArgument(
            "UNKNOWN_VALUE", f"none of {', '.join(_KNOWN)} with as many values each", field=field
        )
    (count,) = counts
    part = length / count
    require(part >= _SECOND, "INVALID_DURATION", "an interval lasts a second or longer", field)
    return [
        _Piece(
            span=TimeRange.of(start + index * part, part),
            values={kind: values[index] for kind, values in columns.items()},
        )
        for index in range(count)
    ]


def _asked(pieces: Sequence[_Piece], step: timedelta, programme: Programme | None) -> Asked:
    kinds = set(pieces[0].values)
    require(
        all(set(each.values) == kinds for each in pieces),
        "INVALID_INTERVAL",
        "all intervals of an event have the same payloads",
        "intervals",
    )

    def column(kind: str, factor: float) -> tuple[float, ...]:
        if kind not in kinds:
            return ()
        return tuple(
            each.values[kind] * factor for each in pieces for _ in range(each.span.duration // step)
        )

    if kinds <= {IMPORT_LIMIT, EXPORT_LIMIT}:
        return LimitAsked(
            max_import_w=column(IMPORT_LIMIT, _W_PER_KW),
            max_export_w=column(EXPORT_LIMIT, _W_PER_KW),
        )
    if kinds <= {PRICE, EXPORT_PRICE}:
        return PriceAsked(
            import_per_kwh=column(PRICE, 1.0), export_per_kwh=column(EXPORT_PRICE, 1.0)
        )
    if kinds == {RELATIVE}:
        return ReductionAsked(powers_w=tuple(0.0 - each for each in column(RELATIVE, _W_PER_KW)))
    if kinds == {SIMPLE} and programme is not None:
        return asked_by_levels(programme, column(SIMPLE, 1.0))
    raise InvalidArgument(
        "UNKNOWN_VALUE", "an event asks for limits, prices or reductions alone", field="intervals"
    )


def _payloads(asked: Asked, index: int) -> list[Json]:
    match asked:
        case LimitAsked():
            return limit_payloads(asked, index)
        case PriceAsked():
            columns = {PRICE: asked.import_per_kwh, EXPORT_PRICE: asked.export_per_kwh}
            factor = 1.0
        case ReductionAsked():
            columns = {RELATIVE: asked.powers_w}
            factor = -1 / _W_PER_KW
        case ReserveAsked():
            columns = {RESERVE_UP: asked.up_w, RESERVE_DOWN: asked.down_w}
            factor = 1 / _W_PER_KW
    found: list[Json] = [
        {"type": kind, "values": [values[index] * factor]}
        for kind, values in columns.items()
        if values
    ]
    return found or [{"type": RELATIVE, "values": []}]  # as much as there is


def _descriptors(asked: Asked, programme: Programme) -> list[Json]:
    kind = "EVENT_PAYLOAD_DESCRIPTOR"
    match asked:
        case LimitAsked():
            return [
                {"objectType": kind, "payloadType": each, "units": "KW"}
                for each in limit_types(asked)
            ]
        case PriceAsked():
            currency = (
                {} if programme.payment is None else {"currency": programme.payment.currency_code}
            )
            return [
                {"objectType": kind, "payloadType": each, "units": "KWH", **currency}
                for each in (PRICE, EXPORT_PRICE)
            ]
        case ReductionAsked():
            return [{"objectType": kind, "payloadType": RELATIVE, "units": "KW"}]
        case ReserveAsked():
            return [
                {"objectType": kind, "payloadType": each, "units": "KW"}
                for each in (RESERVE_UP, RESERVE_DOWN)
            ]


def _common(durations: Sequence[timedelta]) -> timedelta:
    whole = [round(each.total_seconds()) for each in durations]
    require(
        all(timedelta(seconds=n) == each for n, each in zip(whole, durations, strict=True)),
        "INVALID_DURATION",
        "intervals last whole seconds",
        "intervals",
    )
    return timedelta(seconds=reduce(math.gcd, whole))


def _priority(value: Any) -> int:
    """Return our priority; without one it is the lowest."""
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidArgument("INVALID_VALUE", "a priority is a whole number", field="priority")
    return max(_LOWEST - value, 0)


def _announced(given: Json, now: datetime) -> datetime:
    created = given.get("createdDateTime")
    try:
        return min(time_from_text(str(created), now), now)
    except InvalidArgument:
        return now


def _period(given: Json) -> Json | None:
    period = given.get("intervalPeriod")
    return period if isinstance(period, Mapping) else None


def _start(period: Json, now: datetime) -> datetime | None:
    start = period.get("start")
    return None if start is None else time_from_text(str(start), now)


def _mapping(value: Any, field: str) -> Json:
    if not isinstance(value, Mapping):
        raise InvalidArgument("INVALID_VALUE", "an object is expected", field=field)
    return value


def _number(value: Any, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidArgument("INVALID_VALUE", "a number is expected", field=field)
    return float(value)
