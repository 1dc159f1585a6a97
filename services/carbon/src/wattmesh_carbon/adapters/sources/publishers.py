"""Publishers of intensities over HTTP, and files.

Their shapes: UK Carbon Intensity API (carbon-intensity.github.io/api-definitions, CC BY 4.0),
Electricity Maps v3 (its terms ask for an agreement), WattTime v3 (docs.watttime.org; an account).
"""

import base64
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from wattmesh_carbon.adapters.sources.http import get_json
from wattmesh_carbon.adapters.sources.samples import OF_ANOTHER_SHAPE, regular, when
from wattmesh_carbon.domain.intensity import Basis, Intensity
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange

_UK, _ELECTRICITY_MAPS = "UK Carbon Intensity API", "Electricity Maps"
_HALF_HOUR, _HOUR = timedelta(minutes=30), timedelta(hours=1)
_GRAMS_PER_KWH = 453.59237 / 1000
"""Of a pound per megawatt-hour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UkCarbonIntensity:
    """Great Britain's average intensity, half-hourly: `actual`, once it is known."""

    zone: ZoneId
    url: str = "https://api.carbonintensity.org.uk"

    async def fetch(self, span: TimeRange) -> Intensity | None:
        """Return what was published of a span."""
        bounds = [f"{end:%Y-%m-%dT%H:%MZ}" for end in (span.start, span.end)]
        answer = await get_json(f"{self.url}/intensity/{bounds[0]}/{bounds[1]}")
        with _as_documented(self.url):
            samples = [
                (when(each["from"]), each["intensity"]["actual"])
                for each in answer["data"]
                if each["intensity"]["actual"] is not None
            ]
            series = regular(samples, _HALF_HOUR)
        return _intensity(self.zone, Basis.AVERAGE, series, _UK)

    async def forecast(self, now: datetime) -> Intensity | None:
        """Return the next two days; it does not say when they were issued, so they are of now."""
        answer = await get_json(f"{self.url}/intensity/{now:%Y-%m-%dT%H:%MZ}/fw48h")
        with _as_documented(self.url):
            samples = [
                (when(each["from"]), each["intensity"]["forecast"])
                for each in answer["data"]
                if each["intensity"]["forecast"] is not None
            ]
            series = regular(samples, _HALF_HOUR)
        return _issued(_intensity(self.zone, Basis.AVERAGE, series, _UK), now)


@dataclass(frozen=True, kw_only=True, slots=True)
class ElectricityMaps:
    """A zone's average intensity of the last day, hourly, by life-cycle factors."""

    zone: ZoneId
    region: str
    token: str
    url: str = "https://api.electricitymap.org"

    async def fetch(self, span: TimeRange) -> Intensity | None:
        """Return what was published of a span; what is still estimated waits."""
        answer = await get_json(
            f"{self.url}/v3/carbon-intensity/history",
            {"zone": self.region},
            {"auth-token": self.token},
        )
        with _as_documented(self.url):
            samples = [
                (when(each["datetime"]), each["carbonIntensity"])
                for each in answer["history"]
                if each["carbonIntensity"] is not None
                and not each.get("isEstimated")
                and span.contains(when(each["datetime"]))
            ]
            series = regular(samples, _HOUR)
        return _intensity(self.zone, Basis.AVERAGE, series, _ELECTRICITY_MAPS)

    async def forecast(self, now: datetime) -> Intensity | None:
        """Return the newest forecast; an agreement may be without."""
        answer = await get_json(
            f"{self.url}/v3/carbon-intensity/forecast",
            {"zone": self.region},
            {"auth-token": self.token},
        )
        with _as_documented(self.url):
            samples = [
                (when(each["datetime"]), each["carbonIntensity"])
                for each in answer["forecast"]
                if each["carbonIntensity"] is not None
            ]
            issue_time, series = when(answer["updatedAt"]), regular(samples, _HOUR)
        found = _intensity(self.zone, Basis.AVERAGE, series, _ELECTRICITY_MAPS)
        return _issued(found, issue_time)


@dataclass(frozen=True, kw_only=True, slots=True)
class WattTime:
    """A region's marginal intensity, every five minutes, in pounds per megawatt-hour."""

    zone: ZoneId
    region: str
    user: str
    password: str
    url: str = "https://api.watttime.org"

    async def fetch(self, span: TimeRange) -> Intensity | None:
        """Return what was published of a span."""
        query = {"start": span.start.isoformat(), "end": span.end.isoformat()}
        found, _ = await self._ask("historical", query)
        return found

    async def forecast(self, now: datetime) -> Intensity | None:
        """Return the newest forecast of two days; an account may be without."""
        found, meta = await self._ask("forecast", {"horizon_hours": "48"})
        with _as_documented(self.url):
            return _issued(found, when(meta["generated_at"]))

    async def _ask(self, what: str, query: Mapping[str, str]) -> tuple[Intensity | None, Any]:
        """Return what is answered, and what is said about it."""
        basic = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        login = await get_json(f"{self.url}/login", headers={"Authorization": f"Basic {basic}"})
        with _as_documented(self.url):
            token = str(login["token"])
        answer = await get_json(
            f"{self.url}/v3/{what}",
            {"region": self.region, "signal_type": "co2_moer", **query},
            {"Authorization": f"Bearer {token}"},
        )
        with _as_documented(self.url):
            meta = answer["meta"]
            if meta["units"] != "lbs_co2_per_mwh":
                raise Unavailable("DEPENDENCY_UNAVAILABLE", f"{self.url} has another unit")
            step = timedelta(seconds=float(meta["data_point_period_seconds"]))
            samples = [
                (when(each["point_time"]), each["value"] * _GRAMS_PER_KWH)
                for each in answer["data"]
            ]
            series = regular(samples, step)
        return _intensity(self.zone, Basis.MARGINAL, series, "WattTime"), meta


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvFile:
    """A file with the columns `start` (ISO 8601 with a zone) and `gco2e_per_kwh`, regular."""

    zone: ZoneId
    file: Path
    marginal: bool = False
    resolution: timedelta = _HOUR

    async def fetch(self, span: TimeRange) -> Intensity | None:
        """Return what the file says of a span."""
        with _as_documented(str(self.file)):
            series = regular(self._rows(span), self.resolution)
        basis = Basis.MARGINAL if self.marginal else Basis.AVERAGE
        return _intensity(self.zone, basis, series, self.file.name)

    def _rows(self, span: TimeRange) -> Iterator[tuple[datetime, float]]:
        with self.file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                start = when(row["start"])
                if span.contains(start):
                    yield start, float(row["gco2e_per_kwh"])


class _as_documented:  # noqa: N801 (reads as a function where it is used)
    """Raise Unavailable when an answer has not the shape that its publisher documents."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        if isinstance(error, OF_ANOTHER_SHAPE):
            raise Unavailable(
                "DEPENDENCY_UNAVAILABLE",
                f"{self._where} answers otherwise than it documents: {error!r:.200}",
            ) from error


def _intensity(zone: ZoneId, basis: Basis, series: Series | None, source: str) -> Intensity | None:
    if series is None:
        return None
    return Intensity(zone=zone, basis=basis, gco2e_per_kwh=series, source=source)


def _issued(found: Intensity | None, issue_time: datetime) -> Intensity | None:
    return None if found is None else replace(found, issue_time=issue_time)
