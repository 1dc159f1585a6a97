"""A published time-of-use tariff from its JSON file, as a tariff of the kernel."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from wattmesh_kernel.ids import TariffId
from wattmesh_kernel.tariff import (
    WEEKDAYS,
    WEEKENDS,
    ClockRange,
    EnergyRates,
    Season,
    Tariff,
    TouPeriod,
    Window,
)

_DAYS = {"WEEKDAYS": WEEKDAYS, "WEEKENDS": WEEKENDS, "ALL": frozenset()}


def read_tariff(folder: Path, name: str) -> Tariff:
    """Return the energy prices of a tariff; its demand charge is left out."""
    document = json.loads((folder / "tariffs" / f"{name}.json").read_text())
    periods = tuple(period for part in document["schedule"] for period in _periods(part))
    return Tariff(
        id=TariffId(name.replace("_", "-")),
        currency_code="USD",
        import_rates=EnergyRates(tou_periods=periods),
    )


def _periods(part: dict[str, Any]) -> list[TouPeriod]:
    starts = part["times"]
    ends = [*starts[1:], 24]
    season = _season(part["effective_start"], part["effective_end"])
    return [
        TouPeriod(
            name=f"{part['id']} {start:g}",
            price_per_kwh=price,
            window=Window(
                seasons=(season,),
                days=_DAYS[part["dow_mask"]],
                clock_ranges=(ClockRange.hours(start, end),),
            ),
        )
        for start, end, price in zip(starts, ends, part["tariffs"], strict=True)
    ]


def _season(start: str, end: str) -> Season:
    first, last = (date.fromisoformat(f"2000-{_padded(each)}") for each in (start, end))
    return Season(
        start_month=first.month, start_day=first.day, end_month=last.month, end_day=last.day
    )


def _padded(text: str) -> str:
    month, day = text.split("-")
    return f"{int(month):02d}-{int(day):02d}"
