"""A programme: by which rules somebody asks sites to use energy otherwise, and what it pays."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from wattmesh_kernel.baseline import Baseline
from wattmesh_kernel.checks import require, require_at_least, require_display_name, require_text
from wattmesh_kernel.money import check_currency_code
from wattmesh_kernel.programme_ids import ProgrammeId
from wattmesh_kernel.time import time_zone

LONGEST_EXTERNAL_ID = 128
MOST_LEVELS = 4
_NONE = timedelta(0)


class EventKind(StrEnum):
    """What events of a programme ask for."""

    LIMIT = "limit"
    PRICE = "price"
    PAID_REDUCTION = "paid_reduction"
    RESERVE = "reserve"


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """What a programme pays, and takes for what was promised and not delivered.

    `price_per_kwh` and `penalty_price_per_kwh` in [currency/kWh], `price_per_kw` in [currency/kW]
    for each event, `price_per_kw_hour` in [currency per kW and hour] for a reserve that is held.
    """

    currency_code: str
    price_per_kwh: float = 0.0
    price_per_kw: float = 0.0
    penalty_price_per_kwh: float = 0.0
    price_per_kw_hour: float = 0.0

    def __post_init__(self) -> None:
        check_currency_code(self.currency_code)
        for field in (
            *("price_per_kwh", "price_per_kw", "penalty_price_per_kwh"),
            "price_per_kw_hour",
        ):
            require_at_least(getattr(self, field), 0, field)


@dataclass(frozen=True, kw_only=True, slots=True)
class Programme:
    """The rules of events. `most_…` 0 and `longest_event` None: no bound.

    `activation` is how long a reserve sustains its full power. `level_powers_w`: what levels 0 to 3
    ask for [W] where somebody says nothing but a level, e.g. OpenADR's SIMPLE: the most import, or
    the reduction; empty: nothing is asked by levels.
    """

    id: ProgrammeId
    event_kind: EventKind
    time_zone: str
    display_name: str = ""
    operator_name: str = ""
    notice: timedelta = _NONE
    longest_event: timedelta | None = None
    most_events_per_day: int = 0
    most_events_per_year: int = 0
    ramp: timedelta = _NONE
    baseline: Baseline | None = None
    payment: Payment | None = None
    opt_out_allowed: bool = False
    external_id: str = ""
    activation: timedelta | None = None
    level_powers_w: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        require_display_name(self.display_name)
        require_text(self.operator_name, 200, "operator_name")
        require_text(self.external_id, LONGEST_EXTERNAL_ID, "external_id")
        time_zone(self.time_zone)
        _require_duration(self.notice, "notice_duration", least=_NONE)
        _require_duration(self.ramp, "ramp_duration", least=_NONE)
        if self.longest_event is not None:
            _require_duration(
                self.longest_event, "max_event_duration", least=timedelta(microseconds=1)
            )
        if self.activation is not None:
            _require_duration(
                self.activation, "activation_duration", least=timedelta(microseconds=1)
            )
        require(
            self.event_kind is not EventKind.RESERVE or self.activation is not None,
            "MISSING_FIELD",
            "a reserve sustains its power for a time",
            "activation_duration",
        )
        require(
            len(self.level_powers_w) <= MOST_LEVELS,
            "INVALID_VALUE",
            f"at most {MOST_LEVELS} levels",
            "level_powers_w",
        )
        for each in self.level_powers_w:
            require_at_least(each, 0, "level_powers_w")
        require_at_least(self.most_events_per_day, 0, "max_events_per_day")
        require_at_least(self.most_events_per_year, 0, "max_events_per_year")
        require(
            self.event_kind is not EventKind.PAID_REDUCTION or self.baseline is not None,
            "MISSING_FIELD",
            "a paid reduction is counted against a baseline",
            "baseline",
        )

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its days and years."""
        return ZoneInfo(self.time_zone)


def _require_duration(duration: timedelta, field: str, least: timedelta) -> None:
    require(
        least <= duration <= timedelta(days=366),
        "INVALID_DURATION",
        f"{field} is out of range",
        field,
    )
