"""Factors that turn energy into emissions, each with where it comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from wattmesh_kernel.checks import require, require_at_least, require_text
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series


class FactorKind(Enum):
    """What a factor is of; all but the losses in [gCO2e/kWh]."""

    RESIDUAL_MIX = "residual_mix"
    GRID_LOSSES = "grid_losses"
    UPSTREAM = "upstream"
    NATURAL_GAS = "natural_gas"
    DIESEL = "diesel"
    LPG = "lpg"


FUELS = frozenset({FactorKind.NATURAL_GAS, FactorKind.DIESEL, FactorKind.LPG})


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """A factor of one year; `zone` None: it holds everywhere."""

    kind: FactorKind
    year: int
    value: float
    source: str
    licence: str
    zone: ZoneId | None = None

    def __post_init__(self) -> None:
        """Refuse what is no factor."""
        require(1990 <= self.year <= 2100, "INVALID_FACTOR", "a year from 1990 to 2100", "year")
        require_at_least(self.value, 0.0, "value")
        require_text(self.source, 500, "source", required=True)
        require_text(self.licence, 200, "licence", required=True)
        everywhere = self.kind in FUELS
        require(
            everywhere == (self.zone is None),
            "INVALID_FACTOR",
            "a factor of a fuel holds everywhere, any other in a zone",
            "zone",
        )
        below_one = self.kind is not FactorKind.GRID_LOSSES or self.value < 1
        require(below_one, "INVALID_FACTOR", "a grid loses less than all", "value")

    @property
    def key(self) -> tuple[str, str, int]:
        """Kind, zone and year: there is one factor of each."""
        return self.kind.value, "" if self.zone is None else self.zone.name, self.year


_IPCC = (
    "IPCC 2006 Guidelines, Volume 2, Tables 2.2 and 2.5 (CO2, CH4, N2O; residential), "
    "GWP100 of AR5 (28, 265)"
)
_CITED = "figures cited from a public guideline, (c) IGES 2006"


def _burning(kind: FactorKind, co2: float, ch4: float, n2o: float) -> Factor:
    """Return the factor of a fuel from its gases [kg/TJ of net calorific value]."""
    per_terajoule = co2 + 28 * ch4 + 265 * n2o
    value = round(per_terajoule * 3.6 / 1000, 2)
    return Factor(kind=kind, year=2006, value=value, source=_IPCC, licence=_CITED)


KNOWN: tuple[Factor, ...] = (
    _burning(FactorKind.NATURAL_GAS, 56_100, 5, 0.1),
    _burning(FactorKind.DIESEL, 74_100, 10, 0.6),
    _burning(FactorKind.LPG, 63_100, 5, 0.1),
)
"""Factors that come with the service. A zone's are its publisher's, and nobody's guess."""


class Factors:
    """The factors of one zone, and those that hold everywhere."""

    def __init__(self, factors: Iterable[Factor]) -> None:
        kinds: dict[FactorKind, dict[int, Factor]] = {}
        for each in factors:
            kinds.setdefault(each.kind, {})[each.year] = each
        self._kinds: Mapping[FactorKind, Mapping[int, Factor]] = MappingProxyType(kinds)

    def of_year(self, kind: FactorKind, year: int) -> Factor | None:
        """Return the factor of a year: its own, or that of the last year before it."""
        years = self._kinds.get(kind, {})
        before = [each for each in years if each <= year]
        return years[max(before)] if before else None

    def over(self, kind: FactorKind, series: Series) -> tuple[NDArray[np.float64], list[Factor]]:
        """Return a factor for each interval, NaN where there is none, and those used."""
        values = np.full(len(series), np.nan)
        used = list[Factor]()
        years = np.array([start.year for start in series.times()], dtype=int)
        for year in sorted(set(years.tolist())):
            factor = self.of_year(kind, year)
            if factor is not None:
                values[years == year] = factor.value
                if factor not in used:
                    used.append(factor)
        return values, used
