"""Judges readings after they were kept: at once as they come, and again when asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import DeviceId
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.by_turns import ByTurns
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import DeviceCount
from wattmesh_metering.domain.arrivals import Touched
from wattmesh_metering.domain.histories import Histories
from wattmesh_metering.domain.readings import to_microseconds
from wattmesh_metering.domain.vee.flags import Flag
from wattmesh_metering.domain.vee.judging import (
    Dossier,
    Judgement,
    PointProfile,
    RaisedFlag,
    judge,
    suspects,
)
from wattmesh_runtime.aio.losses import LossLog

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How often it is looked for what other replicas kept [s of the wall]."""
_REST_RATIO = 3.0
_LONGEST_REST_SECONDS = 0.25
"""After a turn, readings have the database for so much longer than it took: what comes meanwhile is
judged together, and whoever sends a lot is not held up."""
_MOST_ARRIVALS = 50
"""How many commits are judged together at most."""
_FIRST_ARRIVALS = 8
_LONGEST_TURN_SECONDS = 0.3
"""About how long a turn takes at most: of a long history less is judged at a time [s, wall]."""
_POINTS_AT_ONCE = 50
_JOINED_US = timedelta(days=1) // timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedSpan:
    """Between which times readings of a point changed [us since 1970]."""

    key: int
    first_us: int
    last_us: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surroundings:
    """What is kept around changed spans: by place in their list, with the flags that hold there."""

    histories: Histories
    raised: dict[int, list[RaisedFlag]]


class Validation(Protocol):
    """One turn of judging, done at once or not at all."""

    @property
    def arrived(self) -> Sequence[Touched]:
        """What came and is not judged yet, sources as keys; none: there is nothing to do."""

    async def around(self, spans: Sequence[ChangedSpan]) -> Surroundings:
        """Return what is kept in and next to the spans, and the flags that hold."""

    async def keep(self, judgements: Sequence[Judgement], now: datetime) -> None:
        """Raise and clear flags."""

    async def count(self, counts: Sequence[tuple[int, DeviceCount]]) -> None:
        """Add to what is counted of devices, by the key of the source."""


class ValidationStore(Protocol):
    """What is to be judged, and where the findings are kept."""

    def turn(self, most: int) -> AbstractAsyncContextManager[Validation]:
        """Take what arrived in at most so many commits, the first ones.

        It comes again unless left without error. One turn at a time.
        """

    def alone(self) -> AbstractAsyncContextManager[Validation]:
        """Judge what is asked for, once nobody else judges."""


Profiles: TypeAlias = Callable[[int], PointProfile | None]
Compare: TypeAlias = Callable[[Sequence[int], TimeRange], Awaitable[Mapping[int, Sequence[Flag]]]]
"""What other meters show of these registers in a span."""


class Validate:
    """Judges and counts what arrives, as soon as it is committed; `raised`: flags were."""

    def __init__(
        self,
        store: ValidationStore,
        follower: FollowSiteModel,
        clock: Clock,
        compare: Compare | None = None,
        raised: Callable[[], None] = lambda: None,
    ) -> None:
        self._compare = compare
        self._raised = raised
        self._store = store
        self._follower = follower
        self._clock = clock
        self._turns = ByTurns(
            poll_seconds=POLL_SECONDS,
            rest_ratio=_REST_RATIO,
            longest_rest_seconds=_LONGEST_REST_SECONDS,
        )
        self._arrivals = _FIRST_ARRIVALS

    def wake(self) -> None:
        """Take note that something was committed."""
        self._turns.wake()

    async def run(self) -> None:
        """Judge for ever; a loss is logged once."""
        await self._turns.run(
            self.turn,
            LossLog(log, "the database of readings to be judged"),
            self._take_more_or_less,
        )

    async def turn(self) -> bool:
        """Judge some of what arrived; say whether there was anything. Error: Unavailable."""
        async with self._store.turn(self._arrivals) as validation:
            arrived = validation.arrived
            if not arrived:
                return False
            touched = Touched.concatenated(list(arrived))
            await self._learn(touched)
            spans = list(_spans(arrived))
            judgements = await judge_spans(spans, await validation.around(spans), self._profile)
            await validation.keep(judgements, self._clock.now())
            await validation.count(_counts(touched, self._profile))
        if any(each.raised for each in judgements):
            self._raised()
        return True

    def _take_more_or_less(self, spent: float) -> None:
        wanted = self._arrivals * 2 if spent < _LONGEST_TURN_SECONDS / 2 else self._arrivals
        if spent > _LONGEST_TURN_SECONDS:
            wanted = self._arrivals // 2
        self._arrivals = max(1, min(_MOST_ARRIVALS, wanted))

    async def again(self, keys: Sequence[int], span: TimeRange) -> tuple[int, int]:
        """Judge readings of a span again, in the long look; return how many flags came and went."""
        first_us, last_us = to_microseconds(span.start), to_microseconds(span.end)
        raised = cleared = 0
        for place in range(0, len(keys), _POINTS_AT_ONCE):
            spans = [
                ChangedSpan(key=key, first_us=first_us, last_us=last_us)
                for key in keys[place : place + _POINTS_AT_ONCE]
            ]
            compared = await self._compared([each.key for each in spans], span)
            async with self._store.alone() as validation:
                around = await validation.around(spans)
                judgements = await judge_spans(spans, around, self._profile, compared)
                await validation.keep(judgements, self._clock.now())
            raised += sum(len(each.raised) for each in judgements)
            cleared += sum(len(each.cleared) for each in judgements)
        return raised, cleared

    async def _compared(self, keys: Sequence[int], span: TimeRange) -> Mapping[int, Sequence[Flag]]:
        return {} if self._compare is None else await self._compare(keys, span)

    async def _learn(self, touched: Touched) -> None:
        """Have the model know every point that readings came for."""
        if any(self._profile(key) is None for key in touched.spans()):
            await self._follower.catch_up()

    def _profile(self, key: int) -> PointProfile | None:
        return self._follower.model.profile(key)


async def judge_spans(
    spans: Sequence[ChangedSpan],
    around: Surroundings,
    profile_of: Profiles,
    compared: Mapping[int, Sequence[Flag]] | None = None,
) -> list[Judgement]:
    """Return what is new about the points of these spans. A point that fails, fails alone.

    With what other meters show (`compared`, by key) it is the long look at everything.
    Whoever else has something to do gets a turn after each point.
    """
    profiles = {
        place: profile
        for place, span in enumerate(spans)
        if (profile := profile_of(span.key)) is not None
    }
    whole = compared is not None
    spans_us = [(span.first_us, span.last_us) for span in spans]
    chosen = set(profiles) if whole else suspects(around.histories, profiles, spans_us)
    judgements = []
    for place in sorted((chosen | around.raised.keys()) & profiles.keys()):
        span, profile = spans[place], profiles[place]
        dossier = Dossier(
            point_key=span.key,
            profile=profile,
            history=around.histories.of(place),
            raised=around.raised.get(place, ()),
            compared=(compared or {}).get(span.key, ()),
        )
        try:
            judgements.append(judge(dossier, span.first_us, span.last_us, whole=whole))
        except Exception:
            log.exception("readings of point %d could not be judged", span.key)
        await asyncio.sleep(0)
    return [each for each in judgements if each.raised or each.cleared]


def _spans(arrived: Sequence[Touched]) -> Iterator[ChangedSpan]:
    """Yield what changed, joined where it is close together."""
    found: dict[int, list[tuple[int, int]]] = {}
    for touched in arrived:
        for key, span in touched.spans().items():
            found.setdefault(key, []).append(span)
    for key, spans in found.items():
        begun, ended = min(spans)
        for first, last in sorted(spans):
            if first > ended + _JOINED_US:
                yield ChangedSpan(key=key, first_us=begun, last_us=ended)
                begun, ended = first, last
            ended = max(ended, last)
        yield ChangedSpan(key=key, first_us=begun, last_us=ended)


def _counts(touched: Touched, profile_of: Profiles) -> list[tuple[int, DeviceCount]]:
    """Return what came of each device, by the key of the source."""
    found: dict[tuple[int, DeviceId], list[int]] = {}
    columns = (touched.keys, touched.sources, touched.stored, touched.telegrams)
    for key, source, stored, telegrams in zip(*(each.tolist() for each in columns), strict=True):
        if stored + telegrams and (profile := profile_of(key)) is not None:
            sums = found.setdefault((source, profile.device), [0, 0])
            sums[0] += stored
            sums[1] += telegrams
    return [
        (source, DeviceCount(device=device, stored=stored, measure_times=telegrams))
        for (source, device), (stored, telegrams) in sorted(
            found.items(), key=lambda item: (item[0][0], item[0][1].name)
        )
    ]
