"""What a charge point says, whatever the version of its protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattmesh_gateway.domain.session import SessionState

Json = dict[str, Any]
"""An OCPP payload, keys as on the wire."""


class Nonsense(Exception):
    """A message that cannot be understood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Values of one moment by their quantities, in their units."""

    time: datetime
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A transaction that has begun; `key` is the same whenever the charge point says so again."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A transaction that has ended. `number`: OCPP 1.6 names it by what it was given."""

    key: str = ""
    number: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One message. `connector` 0 is the charge point as a whole; None: the transaction says which.

    `plugged_in` and `state` are None where it does not say; `token` is what somebody identified
    themselves with.
    """

    time: datetime
    connector: int | None = 0
    measured: Sequence[Measured] = ()
    plugged_in: bool | None = None
    state: SessionState | None = None
    transaction: Begun | Ended | None = None
    token: str = ""
    problems: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a charge point is answered."""

    now: datetime
    heartbeat_seconds: int
    accepted: bool = True
    transaction: int = 0
