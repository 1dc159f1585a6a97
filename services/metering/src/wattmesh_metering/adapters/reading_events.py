"""What is known of readings beside their values: which are not believed, where registers break."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isinf

import numpy as np
from psycopg import AsyncConnection

from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import Breaks, Ints, Mask, to_microseconds

# A lift of infinity: what the register showed before.
_EVENTS = """
SELECT point_key, measure_time, measure_time, false, 'infinity'::float8 FROM register_resets
WHERE point_key = ANY(%(keys)s) AND measure_time BETWEEN %(first)s AND %(last)s
UNION ALL
SELECT point_key, exchange_time, exchange_time, false, lift FROM meter_exchanges
WHERE point_key = ANY(%(keys)s) AND exchange_time BETWEEN %(first)s AND %(last)s
  AND (%(known_by)s::timestamptz IS NULL OR declare_time <= %(known_by)s)
UNION ALL
SELECT point_key, start_time, end_time, excludes, lift FROM reading_flags
WHERE point_key = ANY(%(keys)s) AND end_time >= %(first)s AND start_time <= %(last)s
  AND (excludes OR lift IS NOT NULL)
  AND CASE WHEN %(known_by)s::timestamptz IS NULL THEN clear_time IS NULL
      ELSE raise_time <= %(known_by)s AND (clear_time IS NULL OR clear_time > %(known_by)s) END
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingEvent:
    """Something about the readings of a point from one time to another [us since 1970]."""

    key: int
    first_us: int
    last_us: int
    excludes: bool
    lift: float | None


async def events_of(
    connection: AsyncConnection,
    keys: Sequence[int],
    span: tuple[datetime, datetime],
    known_by: datetime | None = None,
) -> list[ReadingEvent]:
    """Return the events of points in a span, as they were known at a time (None: now)."""
    cursor = await connection.execute(
        _EVENTS,
        {"keys": list(keys), "first": span[0], "last": span[1], "known_by": known_by},
    )
    return [
        ReadingEvent(
            key=key,
            first_us=to_microseconds(first),
            last_us=to_microseconds(last),
            excludes=excludes,
            lift=lift,
        )
        for key, first, last, excludes, lift in await cursor.fetchall()
    ]


def with_events(histories: Histories, events: Iterable[ReadingEvent]) -> Histories:
    """Return histories of what is believed, with the breaks of their registers."""
    resets: defaultdict[int, list[int]] = defaultdict(list)
    breaks: defaultdict[int, dict[int, float]] = defaultdict(dict)
    doubted: Mask = np.zeros(len(histories.times_us), np.bool_)
    for event in events:
        if event.excludes:
            doubted[_rows(histories, event)] = True
        elif event.lift is not None and isinf(event.lift):
            resets[event.key].append(event.first_us)
        elif event.lift is not None:
            breaks[event.key][event.first_us] = event.lift
    believed = _without(histories, doubted) if doubted.any() else histories
    return replace(
        believed,
        resets_us={
            key: _undeclared(believed, key, sorted(times), breaks.get(key, {}))
            for key, times in resets.items()
        },
        breaks={
            key: Breaks(
                times_us=np.array(sorted(found), np.int64),
                lifts=np.array([found[time_us] for time_us in sorted(found)], np.float64),
            )
            for key, found in breaks.items()
        },
    )


def _rows(histories: Histories, event: ReadingEvent) -> slice:
    start, times_us = histories.rows_of(event.key)
    first: Ints = np.searchsorted(times_us, [event.first_us, event.last_us + 1])
    return slice(start + int(first[0]), start + int(first[1]))


def _undeclared(
    histories: Histories, key: int, resets: Sequence[int], breaks: Iterable[int]
) -> Ints:
    """Return the resets of a register of which nobody has said more: at no reading of a break."""
    _, times_us = histories.rows_of(key)
    taken = np.searchsorted(times_us, sorted(breaks))
    found = np.array(resets, np.int64)
    return found[~np.isin(np.searchsorted(times_us, found), taken)]


def _without(histories: Histories, doubted: Mask) -> Histories:
    """Return the histories without some rows."""
    gone = np.concatenate([[0], np.cumsum(doubted)])
    qualities = histories.qualities
    return replace(
        histories,
        ends=histories.ends - gone[histories.ends],
        times_us=histories.times_us[~doubted],
        values=histories.values[~doubted],
        qualities=None if qualities is None else qualities[~doubted],
    )
