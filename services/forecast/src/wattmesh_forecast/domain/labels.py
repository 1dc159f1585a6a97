"""Which version of a model answers whom: the stable one, and a candidate that is on trial.

A candidate is a shadow at first: it is asked about the midnights since its training beside the
stable version, and its answers go to nobody. Then it is a canary and answers a tenth of the assets.
Then it is the stable version. Where it does worse on the way it goes, and the stable one stays.
"""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from wattmesh_forecast.domain.standing import Standing
from wattmesh_kernel.ids import AssetId

LEAST_HOURS = 120
"""Compared hours below which nothing is decided: five days of one asset, two of three."""
CANARY_TIME = timedelta(days=2)
LONGEST_TRIAL = timedelta(days=14)
"""A candidate that could not be judged by then goes."""
_TOLERANCE = 1.02
"""A candidate may err by so much more: weeks differ, and it knows the newest season."""
_CANARY_SHARE = 10


class Label(StrEnum):
    """What a version is there for."""

    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """The labels of one model's versions; `since` is when the candidate got its own."""

    stable: int
    candidate: int | None = None
    canary: bool = False
    since: datetime | None = None

    def label(self, version: int) -> Label | None:
        """Return the label of a version; None: it is there for nobody."""
        if version == self.stable:
            return Label.STABLE
        if version != self.candidate:
            return None
        return Label.CANARY if self.canary else Label.SHADOW

    def version_for(self, asset: AssetId) -> int | None:
        """Return the version that answers about an asset in the stable one's place, if any does."""
        return self.candidate if self.canary and is_canary(asset) else None

    def moved(self, step: "Step", now: datetime) -> "Labels":
        """Return the labels after a step."""
        match step:
            case Step.CANARY:
                return replace(self, canary=True, since=now)
            case Step.STABLE:
                assert self.candidate is not None
                return Labels(stable=self.candidate)
            case Step.BACK:
                return Labels(stable=self.stable)
            case Step.WAIT:
                return self if self.since is not None else replace(self, since=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Absolute errors of both versions over the same hours [Wh], and how many hours there were."""

    candidate_wh: float = 0.0
    stable_wh: float = 0.0
    hours: int = 0


class Step(StrEnum):
    """What becomes of a candidate."""

    WAIT = "wait"
    CANARY = "canary"
    STABLE = "stable"
    BACK = "back"


def is_canary(asset: AssetId) -> bool:
    """Return whether an asset is of the tenth that a canary answers, the same one always."""
    return zlib.crc32(asset.name.encode()) % _CANARY_SHARE == 0


def next_step(labels: Labels, compared: Comparison, live: Standing, now: datetime) -> Step:
    """Return what becomes of a candidate.

    `live` is where it stands by what it has issued as a canary; UNKNOWN, where few or no assets are
    of that tenth, leaves the comparison to decide.
    """
    waited = timedelta() if labels.since is None else now - labels.since
    if live is Standing.WORSE or waited >= LONGEST_TRIAL:
        return Step.BACK
    if compared.hours < LEAST_HOURS:
        return Step.WAIT
    if compared.candidate_wh > _TOLERANCE * compared.stable_wh:
        return Step.BACK
    if not labels.canary:
        return Step.CANARY
    return Step.STABLE if waited >= CANARY_TIME else Step.WAIT
