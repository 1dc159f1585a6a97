"""Windows and seasons of wattmesh.type.v1 ↔ the kernel's."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TypeVar

from wattmesh.type.v1 import tariff_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.tariff import ALWAYS, ClockRange, Day, Season, Window

E = TypeVar("E", bound=Enum)
P = TypeVar("P")
D = TypeVar("D")

_DAYS: Mapping[int, Day] = {
    tariff_pb2.TARIFF_DAY_MONDAY: Day.MONDAY,
    tariff_pb2.TARIFF_DAY_TUESDAY: Day.TUESDAY,
    tariff_pb2.TARIFF_DAY_WEDNESDAY: Day.WEDNESDAY,
    tariff_pb2.TARIFF_DAY_THURSDAY: Day.THURSDAY,
    tariff_pb2.TARIFF_DAY_FRIDAY: Day.FRIDAY,
    tariff_pb2.TARIFF_DAY_SATURDAY: Day.SATURDAY,
    tariff_pb2.TARIFF_DAY_SUNDAY: Day.SUNDAY,
    tariff_pb2.TARIFF_DAY_HOLIDAY: Day.HOLIDAY,
}


_DAYS_TO_PROTO = {day: tariff_pb2.TariffDay.ValueType(number) for number, day in _DAYS.items()}


def enum_from_proto(known: Mapping[int, E], number: int, field: str) -> E:
    """Return what an enum number means; InvalidArgument when it means nothing."""
    if number not in known:
        raise InvalidArgument("UNKNOWN_VALUE", f"{field}: {number} has no meaning", field=field)
    return known[number]


def window_from_proto(proto: tariff_pb2.TariffWindow) -> Window:
    """Return a window; an absent one holds always."""
    return Window(
        seasons=convert_all(season_from_proto, proto.seasons),
        days=frozenset(enum_from_proto(_DAYS, day, "window.days") for day in proto.days),
        clock_ranges=tuple(
            ClockRange(start_minute=each.start_minute, end_minute=each.end_minute)
            for each in proto.clock_ranges
        ),
    )


def window_to_proto(window: Window) -> tariff_pb2.TariffWindow | None:
    """Return a window, None for the one that always holds."""
    if window == ALWAYS:
        return None
    return tariff_pb2.TariffWindow(
        seasons=map(season_to_proto, window.seasons),
        days=sorted(_DAYS_TO_PROTO[day] for day in window.days),
        clock_ranges=[
            tariff_pb2.ClockRange(start_minute=each.start_minute, end_minute=each.end_minute)
            for each in window.clock_ranges
        ],
    )


def season_from_proto(proto: tariff_pb2.Season) -> Season:
    """Return a season."""
    return Season(
        start_month=proto.start_month,
        start_day=proto.start_day,
        end_month=proto.end_month,
        end_day=proto.end_day,
    )


def season_to_proto(season: Season) -> tariff_pb2.Season:
    """Return a season as its proto."""
    return tariff_pb2.Season(
        start_month=season.start_month,
        start_day=season.start_day,
        end_month=season.end_month,
        end_day=season.end_day,
    )


def convert_all(convert: Callable[[P], D], protos: Iterable[P]) -> tuple[D, ...]:
    """Return every converted message."""
    return tuple(convert(proto) for proto in protos)
