"""Whether a device let go of what it was told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReleaseState(StrEnum):
    """How far a release has come."""

    PENDING = "pending"
    """The device may still do as it was told."""
    RELEASED = "released"
    """It was read back in its safe state, or never held the command."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """How far the release of one command has come, since when, and what is said of it."""

    state: ReleaseState
    change_time: datetime
    message: str = ""
