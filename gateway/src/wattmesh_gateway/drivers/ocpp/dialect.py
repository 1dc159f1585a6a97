"""A version of OCPP: what its messages mean, and what a charge point is asked in it."""

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wattmesh_gateway.domain.errors import DeviceRefused
from wattmesh_gateway.drivers.ocpp.heard import Heard, Json, Nonsense, Reply
from wattmesh_gateway.drivers.ocpp.profile import RateUnit
from wattmesh_gateway.drivers.ocpp.samples import finite

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "SoC",
)
"""What charge points are asked to sample; what one does not have, it leaves out or refuses."""

START_LEAD = timedelta(minutes=1)
"""A limit starts so long ago: it holds at once, though the charge point's clock may be late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Something that a charge point is asked to do."""

    action: str
    payload: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """Most that may be drawn, in `unit`: amperes per phase, or watts over all of them."""

    value: float
    unit: RateUnit
    phases: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileSlot:
    """Where a charge point keeps a limit: of profiles at once the highest stack level counts."""

    id: int
    stack_level: int


class Dialect(Protocol):
    """One version."""

    @property
    def version(self) -> str:
        """As the library names it: `1.6`, `2.0.1`."""

    @property
    def actions(self) -> frozenset[str]:
        """What a charge point may say."""

    def hear(self, action: str, payload: Json, arrival: datetime) -> Heard:
        """Return what a valid message means; Nonsense when it makes no sense."""

    def reply(self, action: str, payload: Json, reply: Reply) -> Json:
        """Return the answer to a message."""

    def configure(self, interval_seconds: int) -> Sequence[Request]:
        """Have meter values sent at an interval, on its raster."""

    def ask_status(self, connector: int) -> Request:
        """Have the state of a connector told."""

    def set_limit(
        self, connector: int, slot: ProfileSlot, limit: Limit, start: datetime, end: datetime | None
    ) -> Request:
        """Have a limit obeyed until `end`, after which the charge point drops it by itself."""

    def clear_limit(self, slot: ProfileSlot) -> Request:
        """Have a limit dropped."""

    def ask_limit(self, connector: int, unit: RateUnit) -> Request:
        """Ask which limit holds now, all profiles put together."""

    def limit_of(self, answer: Json) -> Limit | None:
        """Return the limit that holds now; None: there is none."""


def first_limit(schedule: object) -> Limit | None:
    """Return the limit with which a composite schedule begins.

    An answer is held against no schema: DeviceRefused when it makes no sense.
    """
    if not schedule:
        return None
    try:
        if not isinstance(schedule, dict) or not (periods := schedule["chargingSchedulePeriod"]):
            return None
        limit, unit = finite(periods[0]["limit"]), RateUnit(schedule["chargingRateUnit"])
    except (Nonsense, LookupError, TypeError, ValueError) as error:
        problem = reprlib.repr(str(error))
        raise DeviceRefused(f"the limit that it tells makes no sense: {problem}") from error
    return Limit(value=limit, unit=unit)


def wire_time(moment: datetime) -> str:
    """Return a time as OCPP writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
