"""How far a gateway's clock is from control's, and what follows of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

_ZERO = timedelta(0)


class ClockState(StrEnum):
    """What follows of the difference of two clocks."""

    AGREES = "agrees"
    OFF = "off"
    """Told: leases are right all the same, times of readings are not."""
    REFUSED = "refused"
    """The gateway gets no commands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockReading:
    """One round trip: asked and heard by control's clock, received and answered by the other."""

    ask_time: datetime
    receive_time: datetime
    answer_time: datetime
    hear_time: datetime

    @property
    def skew(self) -> timedelta:
        """How far the other clock is ahead (RFC 5905, section 8).

        Asked at 0 s, received at 301 and answered at 302, heard at 3: 300 s ahead.
        """
        there, back = self.receive_time - self.ask_time, self.answer_time - self.hear_time
        return (there + back) / 2

    @property
    def uncertainty(self) -> timedelta:
        """As far as that may be wrong: half of what was spent on the way."""
        spent = (self.hear_time - self.ask_time) - (self.answer_time - self.receive_time)
        return max(spent, _ZERO) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockSkew:
    """How a gateway's clock compared, and what follows of it."""

    state: ClockState
    skew: timedelta
    uncertainty: timedelta
    compare_time: datetime

    @property
    def message(self) -> str:
        """What it means, in words."""
        seconds = self.skew.total_seconds()
        side = "ahead of" if seconds > 0 else "behind"
        said = f"its clock is {abs(seconds):.1f} s {side} control's"
        match self.state:
            case ClockState.AGREES:
                return ""
            case ClockState.OFF:
                return said
            case ClockState.REFUSED:
                return f"{said}: it gets no commands until that is mended"

    def brought_home(self, instant: datetime) -> datetime:
        """Return what control's clock showed when the gateway's showed `instant`.

        A difference that may be none is taken for none.
        """
        return instant if abs(self.skew) <= self.uncertainty else instant - self.skew


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockRule:
    """From which difference on it is told, and beyond which a gateway gets no commands."""

    tell: timedelta
    refuse: timedelta

    def judge(self, reading: ClockReading) -> ClockSkew:
        """Return what follows of a comparison: of what is certain, so that no delay refuses."""
        certain = abs(reading.skew) - reading.uncertainty
        return ClockSkew(
            state=self._state(certain),
            skew=reading.skew,
            uncertainty=reading.uncertainty,
            compare_time=reading.hear_time,
        )

    def _state(self, certain: timedelta) -> ClockState:
        if certain > self.refuse:
            return ClockState.REFUSED
        return ClockState.OFF if certain > self.tell else ClockState.AGREES
