"""Makes substitutes for what validation finds missing or does not believe; again when asked."""

import logging
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_kernel.clock import Clock
from wattmesh_kernel.time import TimeRange
from wattmesh_metering.app.by_turns import ByTurns
from wattmesh_metering.app.follow_site_model import FollowSiteModel
from wattmesh_metering.app.ports import ReadingStore
from wattmesh_metering.domain.readings import from_microseconds
from wattmesh_metering.domain.substitutes import Substitute
from wattmesh_metering.domain.vee.flags import Flag, FlagKind
from wattmesh_metering.domain.vee.substituting import WEEKS, Missing, substitute, wanted
from wattmesh_runtime.aio.losses import PASSING, LossLog

log = logging.getLogger(__name__)

_REST_RATIO = 4.0
"""After a turn, everybody else has the database for so much longer than it took."""
_POLL_SECONDS = 30.0
"""How often it is looked for what other replicas found [s, wall]."""
_USUAL_INTERVAL = timedelta(minutes=15)
"""How far apart readings are taken to be of which nobody says."""
_EXAMPLES = timedelta(weeks=WEEKS, days=1)
"""How far around is looked for days that are alike."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenFlag:
    """A flag as it is kept; `stands`: it was not cleared."""

    flag_key: int
    point_key: int
    flag: Flag
    stands: bool


class Making(Protocol):
    """One turn of making substitutes, done at once or not at all."""

    @property
    def flags(self) -> Sequence[OpenFlag]:
        """For which of these something may be missing; none: there is nothing to do."""

    async def keep(self, flag_key: int, made: Substitute, now: datetime) -> bool:
        """Keep what is made for a flag, unless it stands already; say whether it is new."""


class SubstituteStore(Protocol):
    """Where flags are found and substitutes are kept."""

    def turn(self) -> AbstractAsyncContextManager[Making]:
        """Take flags that were raised since the last turn; they come again after an error."""

    def again(
        self, keys: Collection[int], first: datetime, last: datetime
    ) -> AbstractAsyncContextManager[Making]:
        """Take all flags of points that hold somewhere in a span, once nobody else makes any."""


class MakeSubstitutes:
    """Makes substitutes flag by flag: of one that is cleared, as a late reading came, none stands.

    Parameters: `longest_gap` is how long a gap may be for values on the line between its ends.
    """

    def __init__(
        self,
        store: SubstituteStore,
        readings: ReadingStore,
        follower: FollowSiteModel,
        clock: Clock,
        longest_gap: timedelta,
    ) -> None:
        self._store = store
        self._readings = readings
        self._follower = follower
        self._clock = clock
        self._longest_gap = longest_gap
        self._turns = ByTurns(poll_seconds=_POLL_SECONDS, rest_ratio=_REST_RATIO)

    def wake(self) -> None:
        """Take note that flags were raised."""
        self._turns.wake()

    async def run(self) -> None:
        """Make substitutes for ever; a loss is logged once."""
        await self._turns.run(self.turn, LossLog(log, "the database of substitutes"))

    async def turn(self) -> bool:
        """Make some; say whether there was anything to do. Error: Unavailable."""
        async with self._store.turn() as making:
            await self._make(making)
            return bool(making.flags)

    async def again(self, keys: Sequence[int], span: TimeRange) -> int:
        """Make those of points in a span again, by today's readings; return how many are new."""
        async with self._store.again(keys, span.start, span.end) as making:
            return await self._make(making)

    async def _make(self, making: Making) -> int:
        new = 0
        for each in making.flags:
            if each.stands and wanted(each.flag):
                made = await self._made_or_told(each)
                if made is not None:
                    new += await making.keep(each.flag_key, made, self._clock.now())
        return new

    async def _made_or_told(self, each: OpenFlag) -> Substitute | None:
        """Make what stands in the place of what is missing; a flag that fails, fails alone."""
        try:
            return await self._substitute(each)
        except PASSING:
            raise
        except Exception:
            log.exception("no substitute could be made for flag %d", each.flag_key)
            return None

    async def _substitute(self, each: OpenFlag) -> Substitute | None:
        profile = self._follower.model.profile(each.point_key)
        if profile is None:
            return None
        missing = Missing(
            key=each.point_key,
            flag=each.flag,
            interval_us=profile.limits.interval_us or _USUAL_INTERVAL // _MICROSECOND,
            register=profile.register,
            zone=self._follower.model.zone(profile.device.site),
        )
        gap_us = self._longest_gap // _MICROSECOND
        short = each.flag.kind is FlagKind.GAP and each.flag.last_us - each.flag.first_us <= gap_us
        around = self._longest_gap if short else self._longest_gap + _EXAMPLES
        histories = await self._readings.histories(
            [each.point_key],
            from_microseconds(each.flag.first_us) - around,
            from_microseconds(each.flag.last_us) + around,
        )
        return substitute(missing, histories, gap_us)
