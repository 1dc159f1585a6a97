"""What happens by itself: events begin and end, what is over is settled, limits are kept."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import numpy as np
from numpy.typing import NDArray

from wattmesh_demandresponse.app.baselines import Baselines
from wattmesh_demandresponse.app.ports import Change, Limits, Records
from wattmesh_demandresponse.app.signal_reserve import Signals
from wattmesh_demandresponse.domain.due import event_due, settle_due
from wattmesh_demandresponse.domain.enrolment import Enrolment
from wattmesh_demandresponse.domain.event import Event, EventState
from wattmesh_demandresponse.domain.participation import Participation, Settlement, settled
from wattmesh_demandresponse.domain.programme import EventKind, Programme
from wattmesh_demandresponse.domain.records import Kind
from wattmesh_demandresponse.domain.reserve import settle_reserve, signalled_w
from wattmesh_demandresponse.domain.settling import settle
from wattmesh_demandresponse.domain.site_limits import SiteLimit, next_limits
from wattmesh_kernel.baseline import BaselineMethod
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument, NotFound

_log = logging.getLogger(__name__)

_AT_ONCE = 200
_TRIED_AGAIN = timedelta(minutes=1)
"""After so long what control refused is tried again: its site model may have changed."""


class MoveEvents:
    """Tells those who follow events that they have begun or are over."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def __call__(self) -> None:
        """Move those whose time has come."""
        now = self._clock.now()
        due = await self._records.due(Kind.EVENT, now, _AT_ONCE)
        if not due:
            return
        async with self._records.change() as change:
            for each in due:
                await self._move(change, cast(Event, each))

    async def _move(self, change: Change, due: Event) -> None:
        kept = await change.find(due.id.name)
        if kept is None:
            return
        event = cast(Event, kept.resource)
        moved = event.told(event.state(self._clock.now()))
        parts = await change.participations(event.id) if _is_over(moved) else ()
        await change.put(
            [(moved, event_due(moved)), *((each, settle_due(each, moved)) for each in parts)]
        )


class SettleEvents:
    """Settles what is over, and again while readings are missing."""

    def __init__(
        self, records: Records, clock: Clock, baselines: Baselines, signals: Signals
    ) -> None:
        self._records = records
        self._clock = clock
        self._baselines = baselines
        self._signals = signals

    async def __call__(self) -> None:
        """Settle what is due. Error: Unavailable."""
        for each in await self._records.due(Kind.PARTICIPATION, self._clock.now(), _AT_ONCE):
            await self._settle(cast(Participation, each))

    async def _settle(self, part: Participation) -> None:
        event = await self._records.get(part.id.event.name)
        programme = await self._records.get(part.id.event.programme.name)
        if event is None or programme is None:
            return
        of, rules = cast(Event, event.resource), cast(Programme, programme.resource)
        make = await self._settlement(part, of, rules)
        async with self._records.change() as change:
            kept = await change.find(part.id.name)
            if kept is None:
                return
            known = cast(Participation, kept.resource)
            done = settled(known, make(known))
            await change.put([(done, settle_due(done, of))])

    async def _settlement(
        self, part: Participation, event: Event, programme: Programme
    ) -> Callable[[Participation], Settlement]:
        """Return what settles a participation as it is then, by what is known now."""
        now, metered_w = self._clock.now(), await self._metered_w(part, event)
        if event.kind is EventKind.RESERVE:
            signals = await self._signals.of(event.id)

            def by_signal(known: Participation) -> Settlement:
                signal_w = signalled_w(event, known.commitment, signals)
                return settle_reserve(event, programme, known, signal_w, metered_w, now)

            return by_signal
        baseline_w = await self._baseline_w(part, event, programme)
        enrolment = await self._records.get(part.enrolment.name)
        most_w = None if enrolment is None else cast(Enrolment, enrolment.resource).most_power_w
        return lambda known: settle(
            event, programme, known, baseline_w, metered_w, now, most_w=most_w
        )

    async def _baseline_w(
        self, part: Participation, event: Event, programme: Programme
    ) -> NDArray[np.float64]:
        """Return the baseline by the programme, or as it was declared; NaN where there is none."""
        baseline, declared = programme.baseline, part.commitment
        if baseline is None or baseline.method is BaselineMethod.DECLARED:
            if declared is None or not declared.baseline_w:
                return np.full(event.count, np.nan)
            return np.array(declared.baseline_w)
        try:
            found = await self._baselines(part.subject, baseline, event.range, step=event.step)
        except (FailedPrecondition, InvalidArgument, NotFound) as error:
            _log.warning("%s has no baseline: %s", part.id, error)
            return np.full(event.count, np.nan)
        return found.power_w.values

    async def _metered_w(self, part: Participation, event: Event) -> NDArray[np.float64]:
        try:
            metered = await self._baselines.metered_w(part.subject, event.range, event.step)
        except (InvalidArgument, NotFound) as error:
            _log.warning("%s cannot be metered: %s", part.id, error)
            return np.full(event.count, np.nan)
        return metered.values


class KeepLimits:
    """Has control keep what events of limits ask, for who takes part in them."""

    def __init__(self, records: Records, clock: Clock, limits: Limits) -> None:
        self._records = records
        self._clock = clock
        self._limits = limits
        self._placed: dict[str, tuple[str, SiteLimit | None]] | None = None
        self._refused: dict[str, tuple[SiteLimit, datetime]] = {}

    async def __call__(self) -> None:
        """Place what holds now or begins next, and withdraw what was called off.

        What control refuses, as of a node that is not there, is tried again after a while; all
        other limits are kept meanwhile.
        """
        if self._placed is None:
            names = await self._limits.placed()
            self._placed = {subject: (name, None) for subject, name in names.items()}
        now = self._clock.now()
        wanted = next_limits(await self._records.open_events(), now)
        self._refused = {subject: at for subject, at in self._refused.items() if subject in wanted}
        for subject, limit in wanted.items():
            if self._placed.get(subject, ("", None))[1] != limit:
                name = await self._place(limit, now)
                if name is not None:
                    self._placed[subject] = (name, limit)
        for subject in self._placed.keys() - wanted.keys():
            name, known = self._placed[subject]
            if known is None or known.span.end > now:
                await self._limits.withdraw(name)
            del self._placed[subject]

    async def _place(self, limit: SiteLimit, now: datetime) -> str | None:
        before, at = self._refused.get(limit.subject, (None, now))
        if before == limit and now - at < _TRIED_AGAIN:
            return None
        try:
            name = await self._limits.place(limit)
        except (FailedPrecondition, InvalidArgument, NotFound) as error:
            if before != limit:
                _log.warning("the limit of %s is not kept: %s", limit.subject, error)
            self._refused[limit.subject] = (limit, now)
            return None
        self._refused.pop(limit.subject, None)
        return name

    def forget(self) -> None:
        """Look at what is placed anew: somebody else may have placed limits meanwhile."""
        self._placed = None


def _is_over(event: Event) -> bool:
    return event.told_state in (EventState.COMPLETED, EventState.CANCELLED)
