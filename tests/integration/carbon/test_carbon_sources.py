"""Intensities from publishers, against a local server that answers in the shapes they document."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fakes.manual_clock import ManualClock
from wattmesh_carbon.adapters.postgres import PostgresIntensityStore
from wattmesh_carbon.adapters.postgres_forecasts import PostgresForecastStore
from wattmesh_carbon.adapters.sources.entsoe import LIFE_CYCLE, EntsoE
from wattmesh_carbon.adapters.sources.file import read_sources
from wattmesh_carbon.app.follow_sources import FollowSources
from wattmesh_carbon.app.intensities import Intensities
from wattmesh_carbon.domain.intensity import Basis
from wattmesh_kernel.errors import FailedPrecondition
from wattmesh_kernel.ids import ZoneId
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.database import Database
from wattmesh_runtime.migrations import migrate

HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 15, 12, tzinfo=UTC)


def half_hour(start: str, end: str, actual: float | None) -> dict[str, Any]:
    intensity = {"forecast": 266, "actual": actual, "index": "moderate"}
    return {"from": start, "to": end, "intensity": intensity}


UK = {
    "data": [
        half_hour("2024-05-15T10:30Z", "2024-05-15T11:00Z", 200),
        half_hour("2024-05-15T11:00Z", "2024-05-15T11:30Z", 240),
        half_hour("2024-05-15T11:30Z", "2024-05-15T12:00Z", None),
    ]
}
ELECTRICITY_MAPS = {
    "zone": "DE",
    "history": [
        {
            "zone": "DE",
            "carbonIntensity": value,
            "datetime": f"2024-05-15T{hour}:00:00.000Z",
            "updatedAt": "2024-05-15T11:45:00.000Z",
            "emissionFactorType": "lifecycle",
            "isEstimated": estimated,
        }
        for hour, value, estimated in (("09", 302, False), ("10", 310, False), ("11", 333, True))
    ],
}
WATTTIME = {
    "data": [
        {"point_time": "2024-05-15T11:50:00+00:00", "value": 1000.0},
        {"point_time": "2024-05-15T11:55:00+00:00", "value": 500.0},
    ],
    "meta": {
        "data_point_period_seconds": 300,
        "region": "CAISO_NORTH",
        "signal_type": "co2_moer",
        "units": "lbs_co2_per_mwh",
    },
}


def entso_e_series(
    kind: str, points: dict[int, float], resolution: str, *, out: bool = False
) -> str:
    domain = "outBiddingZone_Domain.mRID" if out else "inBiddingZone_Domain.mRID"
    told = "".join(
        f"<Point><position>{position}</position><quantity>{power}</quantity></Point>"
        for position, power in points.items()
    )
    return (
        f'<TimeSeries><{domain} codingScheme="A01">10Y1001A1001A83F</{domain}>'
        f"<curveType>A03</curveType><MktPSRType><psrType>{kind}</psrType></MktPSRType>"
        "<Period><timeInterval><start>2024-05-15T09:00Z</start><end>2024-05-15T11:00Z</end>"
        f"</timeInterval><resolution>{resolution}</resolution>{told}</Period></TimeSeries>"
    )


ENTSO_E = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">'
    "<type>A75</type><process.processType>A16</process.processType>"
    # Gas by the quarter, the second hour as the last quarter before it; hourly wind; storage.
    + entso_e_series("B04", {1: 1000, 2: 2000, 3: 3000, 4: 2000}, "PT15M")
    + entso_e_series("B19", {1: 2000, 2: 6000}, "PT60M")
    + entso_e_series("B10", {1: 500}, "PT60M")
    + entso_e_series("B10", {1: 900}, "PT60M", out=True)
    + entso_e_series("B20", {1: 100, 2: 4000}, "PT60M")
    + "</GL_MarketDocument>"
)
NOTHING = '<Acknowledgement_MarketDocument xmlns="urn:x"><Reason/></Acknowledgement_MarketDocument>'


def entso_e_poison(end: str, position: str, quantity: str) -> str:
    return (
        "<x><TimeSeries><MktPSRType><psrType>B04</psrType></MktPSRType><Period><timeInterval>"
        f"<start>2024-05-15T09:00Z</start><end>{end}</end></timeInterval><resolution>PT15M"
        f"</resolution><Point><position>{position}</position><quantity>{quantity}</quantity>"
        "</Point></Period></TimeSeries></x>"
    )


def hourly_poison(instant: str, value: str) -> str:
    """Return what Electricity Maps, UK Carbon Intensity and WattTime might say, all at once."""
    sample = (
        f'{{"datetime": {instant}, "from": {instant}, "point_time": {instant}, "value": {value},'
        f' "carbonIntensity": {value}, "intensity": {{"actual": {value}}}}}'
    )
    meta = '{"units": "lbs_co2_per_mwh", "data_point_period_seconds": 300}'
    return f'{{"token": "t", "meta": {meta}, "data": [{sample}], "history": [{sample}]}}'


POISONS = (
    '{"data": "maintenance"}',
    "[" * 100_000,
    "<x>" * 100_000,
    "null",
    '{"data": null, "history": {"a": 1}, "token": []}',
    '{"history": ["x"], "data": ["x"], "token": "t", "meta": {"units": "lbs_co2_per_mwh"}}',
    hourly_poison('"2024-05-15T11:00"', "200"),  # in no time zone
    hourly_poison('"0001-01-01T00:00+14:00"', "200"),
    hourly_poison("1715770800", "200"),
    hourly_poison('"2024-05-15T11:00Z"', "1e300"),
    hourly_poison('"2024-05-15T11:00Z"', "9" * 400),
    hourly_poison('"2024-05-15T11:00Z"', "NaN"),
    hourly_poison('"2024-05-15T11:00Z"', '"two hundred"'),
    hourly_poison('"2024-05-15T11:00Z"', "[200]"),
    hourly_poison('"2024-05-15T11:00Z"', "-1e9"),
    entso_e_poison("9999-12-31T00:00Z", "1", "100"),  # would be 280 million quarters
    entso_e_poison("2024-05-15T11:00Z", "9" * 5_000, "100"),
    entso_e_poison("2024-05-15T11:00Z", "1", "NaN"),
    entso_e_poison("2024-05-15T08:00Z", "1", "100"),
)
"""What one publisher may answer that is none of an intensity's business."""


@dataclass
class Publisher:
    """All publishers at one address; `away` answers 503."""

    url: str = ""
    away: set[str] = field(default_factory=set)
    poison: str | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str, header: str) -> tuple[int, Any]:
        self.asked.append((path, header))
        name = path.split("?", maxsplit=1)[0].split("/")[1]
        if name in self.away:
            return 503, {}
        if self.poison is not None:
            return 200, self.poison
        match name:
            case "entso-e":
                return 200, ENTSO_E if "periodStart=202405" in path else NOTHING
            case "intensity":
                return 200, UK
            case "login":
                return 200, {"token": "granted"}
            case _:
                return 200, ELECTRICITY_MAPS if "carbon-intensity" in path else WATTTIME


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    found = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            header = self.headers.get("auth-token") or self.headers.get("Authorization") or ""
            code, body = found.answer(self.path, header)
            self.send_response(code)
            self.end_headers()
            text = body if isinstance(body, str) else json.dumps(body)
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def sources_file(folder: Path, publisher: Publisher) -> Path:
    (folder / "secret").write_text("s3cret\n")
    (folder / "fr.csv").write_text("start,gco2e_per_kwh\n2024-05-15T10:00:00+00:00,55\n")
    secret = str(folder / "secret")
    said = [
        {"kind": "uk_carbon_intensity", "zone": "zones/gb", "url": publisher.url},
        {
            "kind": "electricity_maps",
            "zone": "zones/de",
            "region": "DE",
            "token_file": secret,
            "url": publisher.url,
        },
        {
            "kind": "watttime",
            "zone": "zones/caiso",
            "region": "CAISO_NORTH",
            "user": "me",
            "password_file": secret,
            "url": publisher.url,
        },
        {"kind": "csv", "zone": "zones/fr", "file": str(folder / "fr.csv")},
        {
            "kind": "entso_e",
            "zone": "zones/at",
            "region": "10YAT-APG------L",
            "token_file": secret,
            "url": f"{publisher.url}/entso-e",
        },
    ]
    file = folder / "sources.json"
    file.write_text(json.dumps(said))
    return file


async def test_what_publishers_say_is_stored_and_one_that_is_away_takes_no_other_with_it(
    database_url: str, publisher: Publisher, tmp_path: Path
) -> None:
    async with Database(database_url, "carbon") as database:
        await migrate(database, "wattmesh_carbon")
        intensities = Intensities(
            PostgresIntensityStore(database), PostgresForecastStore(database), ManualClock(NOW)
        )
        sources = read_sources(sources_file(tmp_path, publisher))
        follow = FollowSources(ManualClock(NOW), intensities, sources.measured)
        publisher.away = {"intensity"}
        await follow.fetch()
        publisher.away = set()
        await follow.fetch()

        async def read(zone: str, basis: Basis, resolution: timedelta) -> list[float]:
            span = TimeRange(NOW - 3 * HOUR, NOW)
            found = await intensities.query(ZoneId(zone), basis, span, resolution)
            return [each for each in found.gco2e_per_kwh.values if np.isfinite(each)]

        assert await read("gb", Basis.AVERAGE, HOUR / 2) == [200, 240]
        assert await read("de", Basis.AVERAGE, HOUR) == [302, 310]
        assert await read("caiso", Basis.MARGINAL, HOUR / 12) == pytest.approx(
            [453.592, 226.796], abs=1e-3
        )
        assert await read("fr", Basis.AVERAGE, HOUR) == [55]
        # 2 GW of gas and 2 of wind in the first hour; in the second too much without a factor.
        assert await read("at", Basis.AVERAGE, HOUR) == [(490 + 11) / 2]
        asked_well = list(publisher.asked)
        for publisher.poison in POISONS:
            assert await follow.fetch() == 1, publisher.poison[-200:]  # the file alone
    headers = {path.split("?")[0]: header for path, header in asked_well}
    assert headers["/v3/carbon-intensity/history"] == "s3cret"
    assert headers["/v3/historical"] == "Bearer granted"
    (asked, *_) = (path for path, _ in asked_well if path.startswith("/entso-e"))
    assert "documentType=A75&processType=A16&in_Domain=10YAT-APG------L" in asked
    assert "periodStart=202405141200&periodEnd=202405151200" in asked


async def test_entso_e_may_have_nothing_and_be_told_factors(publisher: Publisher) -> None:
    source = EntsoE(
        zone=ZoneId("at"),
        region="10YAT-APG------L",
        token="s3cret",
        url=f"{publisher.url}/entso-e",
        factors={**LIFE_CYCLE, "B20": 700.0},
    )
    found = await source.fetch(TimeRange(NOW - 3 * HOUR, NOW))
    assert found is not None
    second = (2000 * 490 + 6000 * 11 + 4000 * 700) / 12_000
    assert found.gco2e_per_kwh.values[1] == pytest.approx(second)
    assert "s3cret" not in repr(source)
    earlier = NOW - timedelta(days=90)
    assert await source.fetch(TimeRange(earlier - HOUR, earlier)) is None


@pytest.mark.parametrize("said", ["{", '[{"kind": "tea leaves", "zone": "zones/de"}]', "[1]"])
def test_a_file_that_makes_no_sense_keeps_the_service_from_starting(
    said: str, tmp_path: Path
) -> None:
    (tmp_path / "sources.json").write_text(said)
    with pytest.raises(FailedPrecondition, match="where intensities come from"):
        read_sources(tmp_path / "sources.json")
