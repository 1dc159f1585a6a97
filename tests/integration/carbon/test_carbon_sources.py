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


@dataclass
class Publisher:
    """All publishers at one address; `away` answers 503."""

    url: str = ""
    away: set[str] = field(default_factory=set)
    odd: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str, header: str) -> tuple[int, Any]:
        self.asked.append((path, header))
        name = path.split("?", maxsplit=1)[0].split("/")[1]
        if name in self.away:
            return 503, {}
        if self.odd:
            return 200, {"data": "maintenance"}
        match name:
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
            self.wfile.write(json.dumps(body).encode())

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
    ]
    file = folder / "sources.json"
    file.write_text(json.dumps(said))
    return file


async def test_what_publishers_say_is_stored_and_one_that_is_away_takes_no_other_with_it(
    database_url: str, publisher: Publisher, tmp_path: Path
) -> None:
    async with Database(database_url, "carbon") as database:
        await migrate(database, "wattmesh_carbon")
        intensities = Intensities(PostgresIntensityStore(database), ManualClock(NOW))
        sources = read_sources(sources_file(tmp_path, publisher))
        follow = FollowSources(ManualClock(NOW), intensities, sources)
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
        publisher.odd = True
        assert await follow.fetch() == 1  # the file alone: the others answer oddly
    headers = {path.split("?")[0]: header for path, header in publisher.asked}
    assert headers["/v3/carbon-intensity/history"] == "s3cret"
    assert headers["/v3/historical"] == "Bearer granted"


@pytest.mark.parametrize("said", ["{", '[{"kind": "tea leaves", "zone": "zones/de"}]', "[1]"])
def test_a_file_that_makes_no_sense_keeps_the_service_from_starting(
    said: str, tmp_path: Path
) -> None:
    (tmp_path / "sources.json").write_text(said)
    with pytest.raises(FailedPrecondition, match="where intensities come from"):
        read_sources(tmp_path / "sources.json")
