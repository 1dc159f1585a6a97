"""Public holidays of the country in which a time zone lies, by the library `holidays`."""

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from wattmesh_kernel.time import TimeRange

_PARTS = {"GB": "ENG"}
"""Where nearly everybody lives in a part of the country whose holidays are other than all share."""
_YEARS_KEPT = 512


class Holidays:
    """Knows the country of a zone from the IANA time zone database."""

    def days(self, zone: ZoneInfo, span: TimeRange) -> frozenset[date]:
        """Return the holidays of every year that a range touches; none where no country is known.

        Holidays that only a part of a country keeps are left out.
        """
        country = _countries().get(zone.key)
        if country is None:
            return frozenset()
        years = range(span.start.year - 1, span.end.year + 2)
        return frozenset().union(*(_of_year(country, year) for year in years))


@cache
def _countries() -> Mapping[str, str]:
    """Return the ISO 3166 code of each zone's country."""
    text = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


@lru_cache(maxsize=_YEARS_KEPT)
def _of_year(country: str, year: int) -> frozenset[date]:
    # Imported only now: it takes a second, which a process without such zones need not spend.
    import holidays

    try:
        return frozenset(holidays.country_holidays(country, subdiv=_PARTS.get(country), years=year))
    except NotImplementedError:  # of a country that the library does not know
        return frozenset()
