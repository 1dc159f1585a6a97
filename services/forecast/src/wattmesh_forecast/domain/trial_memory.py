"""What patterns said of the hours that have passed, kept from one issue to the next.

What was said of an hour long before does not change when more is known: an issue an hour later has
one hour more to try them on, not two weeks. So it is kept, asset by asset, and said anew only where
readings of the past have changed since: late ones, corrected ones, ones no longer believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wattmesh_forecast.domain.hours import HOUR, Batch, Floats, Rows
from wattmesh_forecast.domain.kinds import PATTERNS, Kind
from wattmesh_forecast.domain.lags import DAY
from wattmesh_forecast.domain.seasonal import trial_days
from wattmesh_forecast.domain.subjects import Subject
from wattmesh_forecast.domain.trial import (
    NOWCAST_HOURS,
    TRIAL_LEAD,
    Asked,
    Trial,
    ask_patterns,
)
from wattmesh_kernel.ids import AssetId

MOST_KEPT = 5000
"""Assets; some 25 kB each."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Kept:
    """What was said of hours from `first` on, (hours, patterns) [W], with what power was known."""

    subject: Subject
    first: datetime
    said: Floats
    start: datetime
    power_w: NDArray[np.float32]


class TrialMemory:
    """Asks patterns about what is wanted, and about the hours that they were not asked about yet.

    It may be used by several threads: what is kept of an asset is replaced as a whole.
    """

    def __init__(self) -> None:
        self._kept: dict[AssetId, _Kept] = {}

    def ask(self, kind: Kind, subjects: Sequence[Subject], batch: Batch, rows: Rows) -> Asked:
        """Return what `ask_patterns` would, for rows of one issue."""
        days = trial_days(kind)
        if batch.irradiance_w_m2 is not None:  # what is said goes with a forecast that changes
            return ask_patterns(kind, batch, rows, NOWCAST_HOURS, days)
        issue = int(rows.issues[0])
        first = max(issue - days * DAY + 1, 0)
        end = min(issue + 1 + NOWCAST_HOURS, batch.power_w.shape[1])
        kept = self._of(subjects, batch, first, end)
        news = np.arange(first + (0 if kept is None else kept.shape[1]), end, dtype=np.int64)
        asked = Rows(
            target=np.concatenate([news, rows.target]),
            last=np.concatenate([news - TRIAL_LEAD, rows.last]),
        )
        said, found = np.split(PATTERNS[kind].values(batch, asked), [len(news)], axis=1)
        tried = said if kept is None else np.concatenate([kept, said], axis=1)
        self._keep(subjects, batch, first, tried)
        return found, Trial(first=first, said=tried, came=batch.power_w[:, first:end])

    def _of(self, subjects: Sequence[Subject], batch: Batch, first: int, end: int) -> Floats | None:
        """Return what is kept of the hours from `first` on, of all or of nobody."""
        found = [self._kept.get(each.asset) for each in subjects]
        known = [
            each
            for each, subject in zip(found, subjects, strict=True)
            if each is not None and each.subject == subject
        ]
        if len(known) < len(subjects) or len({(e.first, e.start, len(e.said)) for e in known}) > 1:
            return None
        one = known[0]
        skip = (batch.start + first * HOUR - one.first) // HOUR
        shift = (batch.start - one.start) // HOUR
        count = min(len(one.said) - skip, end - first)
        told = first + count - TRIAL_LEAD
        if skip < 0 or shift < 0 or count <= 0 or told <= 0:
            return None
        before = np.stack([each.power_w[shift : shift + told] for each in known])
        if not np.array_equal(before, batch.power_w[:, :told].astype(np.float32), equal_nan=True):
            return None
        return np.stack([each.said[skip : skip + count] for each in known])

    def _keep(self, subjects: Sequence[Subject], batch: Batch, first: int, said: Floats) -> None:
        power = batch.power_w.astype(np.float32)
        for number, subject in enumerate(subjects):
            self._kept.pop(subject.asset, None)
            self._kept[subject.asset] = _Kept(
                subject=subject,
                first=batch.start + first * HOUR,
                # Parts of one array: the assets of a group are asked about together again.
                said=said[number],
                start=batch.start,
                power_w=power[number],
            )
        while len(self._kept) > MOST_KEPT:
            self._kept.pop(next(iter(self._kept)), None)
