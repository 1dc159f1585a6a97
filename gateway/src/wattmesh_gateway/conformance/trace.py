"""What was seen of a device, in a file: it can be judged again without the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattmesh_runtime.documents import DocumentCodec


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One value of a quantity, in its unit."""

    time: datetime
    quantity: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A setpoint that the device was told, and what came of it.

    `mismatch` is empty when it was read back as it was written; `after_lease` is what the device
    said of it once the lease had ended (empty: that it still holds it; None: it was not asked).
    `released`: it was in its safe state after the release (None: it could not be asked).
    """

    kind: str
    asked: float
    time: datetime
    lease: timedelta
    ends_by_itself: bool
    written: float | None = None
    mismatch: str = ""
    error: str = ""
    after_lease: str | None = None
    released: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """Everything that was seen of a device.

    `answered`: whether it did at all, with `error` if not. `speaks`: it says by itself what it has,
    and is not asked. `back_after`: how long it took to answer
    again after it was let go; None: it did not.
    """

    profile: str
    title: str
    tested: str
    protocol: str
    where: str
    begin: datetime
    quantities: Sequence[str]
    interval: timedelta
    answered: bool
    speaks: bool = False
    error: str = ""
    seen: Sequence[Seen] = ()
    told: Sequence[Told] = ()
    back_after: timedelta | None = None

    def of(self, quantity: str) -> Sequence[Seen]:
        """Return the values of a quantity, oldest first."""
        return sorted(
            (each for each in self.seen if each.quantity == quantity), key=lambda each: each.time
        )


TRACES: DocumentCodec[Trace] = DocumentCodec(Trace)
"""Traces as JSON."""
