"""Metered energy is reported to somebody else's VTN of OpenADR 3.1, as its events ask for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.fakes.demandresponse_world import (
    EVENING,
    HOUR,
    DemandResponseWorld,
    demandresponse_world,
)
from wattmesh_demandresponse.adapters.other_vtn import HttpVtn
from wattmesh_demandresponse.app.report_metered import ReportMetered
from wattmesh_demandresponse.wiring_openadr import follow_vtn
from wattmesh_runtime.web_server import WebServer

EVENT: dict[str, Any] = {
    "id": "e1",
    "programID": "street",
    "intervalPeriod": {"start": "2024-05-15T15:00:00Z", "duration": "PT1H"},
    "reportDescriptors": [{"payloadType": "USAGE"}],
    "intervals": [
        {"id": 0, "payloads": [{"type": "DISPATCH_SETPOINT_RELATIVE", "values": [-2.0]}]},
        {"id": 1, "payloads": [{"type": "DISPATCH_SETPOINT_RELATIVE", "values": [-1.0]}]},
    ],
}


@dataclass
class TheirVtn:
    """What it asks, and the reports that it got."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def values(self) -> list[list[tuple[str, float]]]:
        return [
            [
                (each["intervalPeriod"]["start"], each["payloads"][0]["values"][0])
                for resource in report["resources"]
                for each in resource["intervals"]
            ]
            for report in self.reports
        ]


@asynccontextmanager
async def their_vtn() -> AsyncIterator[TheirVtn]:
    vtn = TheirVtn()

    async def token(request: Request) -> JSONResponse:
        return JSONResponse({"access_token": "t"})

    async def events(request: Request) -> JSONResponse:
        return JSONResponse(vtn.events)

    async def reports(request: Request) -> JSONResponse:
        vtn.reports.append(await request.json())
        return JSONResponse({}, status_code=201)

    routes = [
        Route("/token", token, methods=["POST"]),
        Route("/events", events),
        Route("/reports", reports, methods=["POST"]),
    ]
    async with WebServer(Starlette(routes=routes), "127.0.0.1:0") as server:
        vtn.url = f"http://{server.address}"
        yield vtn


@dataclass
class Ven:
    follow: Any
    report: Any


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        await world.programme(external_id="street")
        await world.enrol(external_id="meter-1")
        yield world


@pytest.fixture
async def vtn() -> AsyncIterator[TheirVtn]:
    async with their_vtn() as vtn:
        yield vtn


@pytest.fixture
def ven(world: DemandResponseWorld, vtn: TheirVtn) -> Ven:
    use = world.use
    other = HttpVtn(vtn.url, "ven", "word", world.clock, token_url=f"{vtn.url}/token")
    report = ReportMetered(other, use.programmes, use.enrolments, use.baselines, world.clock)
    return Ven(follow_vtn(other, use), report)


async def test_an_event_is_reported_whole_once_it_was_metered(
    world: DemandResponseWorld, vtn: TheirVtn, ven: Ven
) -> None:
    vtn.events = [EVENT, {**EVENT, "id": "e2", "reportDescriptors": [{"payloadType": "BASELINE"}]}]
    for after in (-1, 0, 1):
        world.clock.set(EVENING + after * HOUR)
        await ven.follow()
        await ven.report()
    assert vtn.reports == []

    world.meter.hours[EVENING + HOUR] = float("nan")
    world.clock.set(EVENING + 2 * HOUR)
    await ven.report()
    assert vtn.reports == [], "its second hour is not known yet"
    world.meter.hours.clear()
    for later in (2.5, 3, 3.5, 4, 5):
        world.clock.set(EVENING + later * HOUR)
        await ven.report()
    assert vtn.values() == [[("2024-05-15T15:00:00Z", 3.0), ("2024-05-15T16:00:00Z", 3.0)]]
    (report,) = vtn.reports
    assert (report["eventID"], report["programID"], report["clientName"]) == ("e1", "street", "ven")
    assert report["resources"][0]["resourceName"] == "meter-1"


async def test_an_event_is_reported_as_often_as_it_asks(
    world: DemandResponseWorld, vtn: TheirVtn, ven: Ven
) -> None:
    vtn.events = [{**EVENT, "reportDescriptors": [{"payloadType": "USAGE", "frequency": 1}]}]
    for after in (0, 0.5, 1, 1.5, 2, 3):
        world.clock.set(EVENING + after * HOUR)
        await ven.follow()
        await ven.report()

    assert vtn.values() == [
        [("2024-05-15T15:00:00Z", 3.0)],
        [("2024-05-15T16:00:00Z", 3.0)],
    ]


async def test_what_asks_nonsense_gets_no_report_and_harms_no_other(
    world: DemandResponseWorld, vtn: TheirVtn, ven: Ven
) -> None:
    wrong: list[Any] = [7, {}, [None], [{"payloadType": "USAGE", "historical": False}]]
    vtn.events = [
        *(
            {**EVENT, "id": f"w{index}", "reportDescriptors": each}
            for index, each in enumerate(wrong)
        ),
        {**EVENT, "id": "cut", "intervals": []},
        EVENT,
    ]
    await ven.follow()
    world.clock.set(EVENING + 2 * HOUR)
    await ven.report()

    assert [each["eventID"] for each in vtn.reports] == ["e1"]
