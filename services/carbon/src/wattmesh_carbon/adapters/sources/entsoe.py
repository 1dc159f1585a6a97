"""ENTSO-E's transparency platform: generation by type, weighed with what each type emits.

Document A75 (actual generation per production type, process A16) of its REST API; it wants a token.
Its data are free for reuse (CC BY 4.0 for most). Curve type A03 leaves out what repeats.
"""

import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np

from wattmesh_carbon.adapters.sources.http import get_bytes
from wattmesh_carbon.adapters.sources.samples import MOST_SAMPLES, OF_ANOTHER_SHAPE, regular, when
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.time import TimeRange

LIFE_CYCLE: Mapping[str, float] = MappingProxyType(
    {
        "B01": 230.0,
        "B02": 820.0,
        "B04": 490.0,
        "B05": 820.0,
        "B09": 38.0,
        "B11": 24.0,
        "B12": 24.0,
        "B14": 12.0,
        "B16": 48.0,
        "B18": 12.0,
        "B19": 11.0,
    }
)
"""gCO2e/kWh by production type: medians of IPCC AR5 WG III, annex III, table A.III.2 (biomass, coal
for lignite and hard coal, gas combined cycle, geothermal, hydro, nuclear, PV at utility scale, wind
offshore and onshore). What is not here (oil, waste, other) has to be said in the sources file."""
_STORAGE = "B10"
"""Pumped storage: it has emitted nothing of its own, and what it gives was counted before."""
_MOST_UNKNOWN = 0.1
"""With a larger share of generation without a factor, an interval is not known."""
_RESOLUTIONS = {"PT15M": 15, "PT30M": 30, "PT60M": 60}

Generation = dict[datetime, dict[str, float]]
"""By interval and production type [MW]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntsoE:
    """A bidding zone's average intensity, by its EIC code: 10Y1001A1001A83F is Germany."""

    zone: ZoneId
    region: str
    token: str = field(repr=False)
    url: str = "https://web-api.tp.entsoe.eu/api"
    factors: Mapping[str, float] = field(default_factory=lambda: LIFE_CYCLE)

    async def fetch(self, span: TimeRange) -> Intensity | None:
        """Return what was published of a span, by the coarsest resolution of its types."""
        answer = await get_bytes(
            self.url,
            {
                "securityToken": self.token,
                "documentType": "A75",
                "processType": "A16",
                "in_Domain": self.region,
                "periodStart": f"{span.start:%Y%m%d%H%M}",
                "periodEnd": f"{span.end:%Y%m%d%H%M}",
            },
        )
        try:
            generation, resolution = _read(ElementTree.fromstring(answer))
        except (ElementTree.ParseError, *OF_ANOTHER_SHAPE) as error:
            raise Unavailable(
                "DEPENDENCY_UNAVAILABLE",
                f"{self.url} answers otherwise than it documents: {error!r:.200}",
            ) from error
        series = regular(self._weighed(generation), resolution)
        if series is None:
            return None
        return Intensity(
            zone=self.zone,
            basis=Basis.AVERAGE,
            gco2e_per_kwh=series,
            source="ENTSO-E, by type of generation",
        )

    def _weighed(self, generation: Generation) -> Iterator[tuple[datetime, float]]:
        """Yield the mean intensity of each interval that is known."""
        for start, by_type in sorted(generation.items()):
            told = {kind: power for kind, power in by_type.items() if kind != _STORAGE}
            known = {kind: power for kind, power in told.items() if kind in self.factors}
            total, weighed = sum(told.values()), sum(known.values())
            if total > 0 and weighed >= (1 - _MOST_UNKNOWN) * total:
                grams = sum(self.factors[kind] * power for kind, power in known.items())
                yield start, grams / weighed


def _read(document: ElementTree.Element) -> tuple[Generation, timedelta]:
    """Return generation on the coarsest raster of its types; empty: nothing was published."""
    names = "{*}MktPSRType/{*}psrType"
    samples: list[tuple[str, timedelta, dict[datetime, float]]] = []
    for series in document.iterfind("{*}TimeSeries"):
        if series.find("{*}outBiddingZone_Domain.mRID") is not None:
            continue  # what storage took
        kind = series.findtext(names)
        if kind is None:
            raise ValueError("a series without a type")
        for period in series.iterfind("{*}Period"):
            resolution, powers = _period(period)
            samples.append((kind, resolution, powers))
    coarsest = max((each[1] for each in samples), default=timedelta(hours=1))
    generation: defaultdict[datetime, dict[str, float]] = defaultdict(dict)
    for kind, resolution, powers in samples:
        for start, power in _coarser(powers, resolution, coarsest).items():
            generation[start][kind] = generation[start].get(kind, 0.0) + power
    return generation, coarsest


def _period(period: ElementTree.Element) -> tuple[timedelta, dict[datetime, float]]:
    """Return a period's resolution and powers; a position left out is as the one before."""
    start = when(_text(period, "{*}timeInterval/{*}start"))
    end = when(_text(period, "{*}timeInterval/{*}end"))
    resolution = timedelta(minutes=_RESOLUTIONS[_text(period, "{*}resolution")])
    said = {
        int(_text(point, "{*}position")): float(_text(point, "{*}quantity"))
        for point in period.iterfind("{*}Point")
    }
    count = (end - start) // resolution
    if count > MOST_SAMPLES:
        raise ValueError(f"a period of {count} positions")
    powers, last = dict[datetime, float](), 0.0
    for position in range(1, count + 1):
        last = said.get(position, last)
        powers[start + (position - 1) * resolution] = last
    return resolution, powers


def _coarser(
    powers: Mapping[datetime, float], resolution: timedelta, coarsest: timedelta
) -> dict[datetime, float]:
    """Return means over longer intervals, where all of it is there."""
    count = coarsest // resolution
    return {
        start: float(np.mean([powers[start + n * resolution] for n in range(count)]))
        for start in powers
        if not (start.timestamp() % coarsest.total_seconds())
        and all(start + n * resolution in powers for n in range(count))
    }


def _text(element: ElementTree.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"no {path}")
    return text
