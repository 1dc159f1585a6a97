"""Which sources there are: a JSON file that the settings name.

    [
      {"kind": "uk_carbon_intensity", "zone": "zones/gb"},
      {"kind": "electricity_maps", "zone": "zones/de", "region": "DE",
       "token_file": "/run/secrets/electricity-maps"},
      {"kind": "watttime", "zone": "zones/caiso", "region": "CAISO_NORTH", "user": "me",
       "password_file": "/run/secrets/watttime"},
      {"kind": "entso_e", "zone": "zones/de", "region": "10Y1001A1001A83F",
       "token_file": "/run/secrets/entso-e", "factors": {"B06": 650}},
      {"kind": "csv", "zone": "zones/fr", "file": "/data/fr.csv", "marginal": false}
    ]

Each may have a `url` in place of the publisher's. The first three publish forecasts, too; one whose
agreement is without says `"forecasts": false`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattmesh_carbon.adapters.sources.entsoe import LIFE_CYCLE, EntsoE
from wattmesh_carbon.adapters.sources.publishers import (
    CsvFile,
    ElectricityMaps,
    UkCarbonIntensity,
    WattTime,
)
from wattmesh_carbon.app.ports import ForecastSource, Source
from wattmesh_kernel.errors import FailedPrecondition, InvalidArgument
from wattmesh_kernel.ids import ZoneId


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Who says how clean the grid was, and who how clean it will be."""

    measured: Sequence[Source] = ()
    forecasting: Sequence[ForecastSource] = ()


def read_sources(file: Path) -> Sources:
    """Return the sources. Error: FailedPrecondition `SOURCES_UNUSABLE`."""
    try:
        told = [_source(each) for each in json.loads(file.read_text())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidArgument) as error:
        raise FailedPrecondition(
            "SOURCES_UNUSABLE", f"{file} does not say where intensities come from: {error}"
        ) from error
    return Sources(
        measured=[source for source, _ in told],
        forecasting=[forecasts for _, forecasts in told if forecasts is not None],
    )


def _source(said: Mapping[str, Any]) -> tuple[Source, ForecastSource | None]:
    """Return a source, and the same as one of forecasts where it publishes them."""
    zone = ZoneId.parse(said["zone"])
    at = {"url": said["url"].rstrip("/")} if "url" in said else {}
    publisher: UkCarbonIntensity | ElectricityMaps | WattTime
    match said["kind"]:
        case "uk_carbon_intensity":
            publisher = UkCarbonIntensity(zone=zone, **at)
        case "electricity_maps":
            token = _secret(said["token_file"])
            publisher = ElectricityMaps(zone=zone, region=said["region"], token=token, **at)
        case "watttime":
            publisher = WattTime(
                zone=zone,
                region=said["region"],
                user=said["user"],
                password=_secret(said["password_file"]),
                **at,
            )
        case _:
            return _without_forecasts(said, zone, at), None
    return publisher, publisher if said.get("forecasts", True) else None


def _without_forecasts(said: Mapping[str, Any], zone: ZoneId, at: Mapping[str, str]) -> Source:
    match said["kind"]:
        case "entso_e":
            factors = {str(kind): float(value) for kind, value in said.get("factors", {}).items()}
            return EntsoE(
                zone=zone,
                region=said["region"],
                token=_secret(said["token_file"]),
                factors={**LIFE_CYCLE, **factors},
                **at,
            )
        case "csv":
            marginal = bool(said.get("marginal", False))
            return CsvFile(zone=zone, file=Path(said["file"]), marginal=marginal)
        case kind:
            raise ValueError(f"there is no kind of source {kind!r}")


def _secret(file: str) -> str:
    return Path(file).read_text().strip()
