"""What came of having what is registered be as a resource says."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias


class Action(Enum):
    """What was done with something that is registered."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing that was created, changed or deleted."""

    action: Action
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How much a resource says."""

    tariffs: int = 0
    assets: int = 0
    devices: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """Everything is registered as the resource says.

    `further` are names of assets and devices that the site has besides.
    """

    site: str
    counts: Counts
    changes: tuple[Change, ...] = ()
    further: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """What the resource says makes no sense, or not yet; some of it may be done by then."""

    reason: str
    message: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreachable:
    """The site model could not be asked, or somebody changed it meanwhile: it is tried again."""

    reason: str
    message: str
    changes: tuple[Change, ...] = field(default=())


Outcome: TypeAlias = Registered | Refused | Unreachable
