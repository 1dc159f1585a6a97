"""Corrections, declared exchanges of meters, and judging again; each edit says why, and is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from wattmesh_kernel.checks import require
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import PointId
from wattmesh_kernel.quantities import QUANTITIES, Kind, Quality
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.commit_batches import BatchOutcome, SentBatch
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ingest import CommitQueue
from wattmesh_metering.app.substitute import MakeSubstitutes
from wattmesh_metering.app.validate import Validate
from wattmesh_metering.domain.paging import Page, PageRequest, next_token
from wattmesh_metering.domain.readings import (
    MAX_BATCH_ROWS,
    QUALITY_CODES,
    Floats,
    Ints,
    ReadingBatch,
    RegisteredPoint,
    from_microseconds,
    to_microseconds,
)
from wattmesh_metering.domain.selectors import PointSelector
from wattmesh_metering.domain.substitutes import Method
from wattmesh_metering.domain.vee.flags import Flag

SOURCE = "corrections"
"""Under which source values of people are kept."""
_MOST_POINTS = 1_000
_LONGEST_KEY = 18
_LONGEST_REPLAY = timedelta(days=366)


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """What somebody changes about readings of a point, and why."""

    kind: str
    point: RegisteredPoint
    span: tuple[datetime, datetime]
    details: str
    reason: str
    caller: str
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A meter that was exchanged behind a register: what the old one showed last, the new first.

    Error: InvalidArgument for values that no register shows.
    """

    point: PointId
    time: datetime
    final_value: float
    initial_value: float

    def __post_init__(self) -> None:
        quantity = QUANTITIES.get(self.point.segment)  # of another there is no point
        for name in ("final_value", "initial_value"):
            possible = quantity is None or quantity.accepts(getattr(self, name))
            require(possible, "INVALID_VALUE", "no register shows that", name)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Correction:
    """Values for a point in the place of what is missing or wrong.

    Error: InvalidArgument unless there is one value per time, and one at least.
    """

    point: PointId
    times_us: Ints
    values: Floats
    quality: Quality

    def __post_init__(self) -> None:
        size = len(self.times_us)
        require(
            0 < size <= MAX_BATCH_ROWS,
            "TOO_MANY_ITEMS" if size else "MISSING_FIELD",
            f"1 to {MAX_BATCH_ROWS} readings are corrected at once, not {size}",
            "measure_times",
        )
        require(size == len(self.values), "INVALID_VALUE", "there is one value per time", "values")
        require(
            self.quality is not Quality.MEASURED,
            "INVALID_VALUE",
            "what is put in place of a reading is estimated or substituted",
            "quality",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """Why something is edited and by whose call; repeats have the same request id."""

    reason: str
    caller: str
    request_id: str = ""

    def __post_init__(self) -> None:
        require(bool(self.reason.strip()), "MISSING_FIELD", "say why", "reason")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFlag:
    """A flag with its point, from when to when it held, and how readings were substituted."""

    key: int
    point: PointId
    flag: Flag
    raise_time: datetime
    clear_time: datetime | None
    substituted: Method | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """How many flags came and went when readings were judged again, and substitutes are new."""

    raised: int
    cleared: int
    substituted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FlagQuery:
    """Which flags are asked for."""

    span: TimeRange | None = None
    cleared: bool = False


class EditStore(Protocol):
    """What is kept of edits, and the flags that there are."""

    async def note(self, edit: Edit, now: datetime) -> None:
        """Keep who changes what, before it is changed."""

    async def declare(self, exchange: Exchange, edit: Edit, now: datetime) -> None:
        """Keep an exchange in the place of one of the same time, and have its point be judged."""

    async def flags(
        self, points: Sequence[RegisteredPoint], query: FlagQuery, after: int, limit: int
    ) -> Sequence[KeptFlag]:
        """Return at most `limit` flags whose keys follow `after`."""


class EditReadings:
    """Changes what answers say of readings; the readings themselves stay."""

    def __init__(
        self,
        follower: FollowSiteModel,
        store: EditStore,
        queue: CommitQueue,
        validate: Validate,
        substitutes: MakeSubstitutes,
        clock: Clock,
    ) -> None:
        self._follower = follower
        self._store = store
        self._queue = queue
        self._validate = validate
        self._substitutes = substitutes
        self._clock = clock

    async def correct(self, correction: Correction, why: Why) -> BatchOutcome:
        """Keep values in the place of others. Errors: NotFound; Unavailable."""
        point = await self._point(correction.point)
        first, last = int(correction.times_us.min()), int(correction.times_us.max())
        now = self._clock.now()
        edit = _edit("correct", point, (first, last), f"{len(correction.values)} values", why)
        await self._store.note(edit, now)
        size = len(correction.values)
        batch = ReadingBatch(
            sequence=max(1, to_microseconds(now)),
            points=(correction.point.name,),
            point_indices=np.zeros(size, np.int64),
            times_us=correction.times_us,
            values=correction.values,
            qualities=np.full(size, QUALITY_CODES[correction.quality], np.int64),
            reset_rows=np.empty(0, np.int64),
        )
        return await self._queue.submit(SentBatch(source=SOURCE, batch=batch))

    async def declare(self, exchange: Exchange, why: Why) -> None:
        """Keep an exchange. Errors: NotFound; InvalidArgument for what is no register."""
        point = await self._point(exchange.point)
        require(
            point.quantity.kind is Kind.REGISTER,
            "NO_REGISTER",
            f"{exchange.point} is no register, it has no end",
            "point",
        )
        moment = to_microseconds(exchange.time)
        details = f"{exchange.final_value!r} to {exchange.initial_value!r}"
        edit = _edit("exchange", point, (moment, moment), details, why)
        await self._store.declare(exchange, edit, self._clock.now())
        self._validate.wake()

    async def replay(self, selectors: Sequence[PointSelector], span: TimeRange) -> Replayed:
        """Judge readings again, and make anew what stands in their place. Error: NotFound."""
        points = await self._follower.find(lambda model: model.points_of(selectors))
        require(
            0 < len(points) <= _MOST_POINTS,
            "TOO_MANY_ITEMS" if points else "MISSING_FIELD",
            f"1 to {_MOST_POINTS} points are judged at once, not {len(points)}",
            "points",
        )
        require(not span.empty, "EMPTY_RANGE", "the range is empty", "range")
        require(
            span.duration <= _LONGEST_REPLAY,
            "RANGE_TOO_LONG",
            f"at most {_LONGEST_REPLAY.days} days are judged at once",
            "range",
        )
        keys = [point.key for point in points]
        raised, cleared = await self._validate.again(keys, span)
        substituted = await self._substitutes.again(keys, span)
        return Replayed(raised=raised, cleared=cleared, substituted=substituted)

    async def flags(
        self, selector: PointSelector, query: FlagQuery, page: PageRequest
    ) -> Page[KeptFlag]:
        """Return a page of flags, in the order in which they were raised. Error: NotFound."""
        listed = f"flags/{selector.name}/{query}"
        last = page.after(listed) or "0"
        require(
            last.isascii() and last.isdigit() and len(last) <= _LONGEST_KEY,
            "INVALID_PAGE_TOKEN",
            "not a page token of this list",
            "page_token",
        )
        after = int(last)
        points = await self._follower.find(lambda model: model.points(selector))
        found = await self._store.flags(points, query, after, page.limit + 1)
        items = tuple(found[: page.limit])
        more = len(found) > page.limit
        return Page(items=items, next_token=next_token(listed, str(items[-1].key)) if more else "")

    async def _point(self, point: PointId) -> RegisteredPoint:
        selector = PointSelector.parse(point.name)
        (found,) = await self._follower.find(lambda model: model.points(selector))
        return found


def _edit(
    kind: str, point: RegisteredPoint, span_us: tuple[int, int], details: str, why: Why
) -> Edit:
    first, last = (from_microseconds(moment) for moment in span_us)
    return Edit(
        kind=kind,
        point=point,
        span=(first, last),
        details=details,
        reason=why.reason,
        caller=why.caller,
        request_id=why.request_id,
    )
