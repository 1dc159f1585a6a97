"""Our VTN over HTTP, and our VEN on it: programmes here that are others' there."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.demandresponse_world import (
    EVENING,
    HOUR,
    NOW,
    DemandResponseWorld,
    P,
    demandresponse_world,
)
from tests.fakes.openadr_vtn import BUSINESS, OTHER, VEN, ServedVtn, secret, served_vtn
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_demandresponse.adapters.other_vtn import HttpVtn
from wattmesh_demandresponse.wiring_openadr import follow_vtn
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.database import Database

REDUCTION: dict[str, Any] = {
    "programID": "street",
    "eventName": "evening",
    "priority": 10,
    "intervalPeriod": {"start": "2024-05-15T15:00:00Z", "duration": "PT1H"},
    "intervals": [
        {"id": 0, "payloads": [{"type": "DISPATCH_SETPOINT_RELATIVE", "values": [-2.0]}]},
        {"id": 1, "payloads": [{"type": "DISPATCH_SETPOINT_RELATIVE", "values": [-1.0]}]},
    ],
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        await world.programme()
        await world.enrol(external_id=VEN)
        yield world


@pytest.fixture
async def vtn(world: DemandResponseWorld, database_url: str) -> AsyncIterator[ServedVtn]:
    async with (
        Database(database_url, "demandresponse") as database,
        served_vtn(world, database) as vtn,
    ):
        yield vtn


async def test_business_logic_calls_changes_and_calls_off_an_event(
    world: DemandResponseWorld, vtn: ServedVtn
) -> None:
    called = await vtn.call("POST", "/events", REDUCTION)
    assert called.status == 201
    path = f"/events/{called.body['id']}"
    seen = await vtn.call("GET", path, as_client=VEN)
    assert seen.body == called.body
    assert [each["payloads"][0]["values"] for each in seen.body["intervals"]] == [[-2.0], [-1.0]]

    less = {**REDUCTION, "intervals": REDUCTION["intervals"][:1]}
    changed = await vtn.call("PUT", path, less)
    assert (changed.status, len(changed.body["intervals"])) == (200, 1)
    kept = (await world.call("ListEvents", pb.ListEventsRequest(parent=P))).events[0]
    assert list(kept.reduction.reduction_powers_w) == [2_000.0]
    assert (kept.priority, kept.display_name) == (90, "evening")

    assert (await vtn.call("DELETE", path)).status == 200
    assert (await vtn.call("GET", path)).status == 404
    (gone,) = (await world.call("ListEvents", pb.ListEventsRequest(parent=P))).events
    assert gone.state == event_pb2.EVENT_STATE_CANCELLED


async def test_a_ven_sees_what_is_for_all_and_for_itself(
    world: DemandResponseWorld, vtn: ServedVtn
) -> None:
    for_all = await vtn.call("POST", "/events", {**REDUCTION, "eventName": "all"})
    await vtn.call("POST", "/events", {**REDUCTION, "eventName": "one", "targets": [VEN]})

    async def names(client: str, query: str = "") -> list[str]:
        events = (await vtn.call("GET", f"/events{query}", as_client=client)).body
        return sorted(each["eventName"] for each in events)

    assert await names(VEN) == ["all", "one"]
    assert await names(OTHER) == ["all"]
    assert await names(BUSINESS, "?programID=street&limit=1") in (["all"], ["one"])
    assert await names(BUSINESS, f"?targets={VEN}") == ["one"]
    assert (await vtn.call("PUT", f"/events/{for_all.body['id']}", {}, as_client=VEN)).status == 403
    assert (await vtn.call("POST", "/events", REDUCTION, as_client=VEN)).status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**REDUCTION, "programID": "nowhere"}, 404),
        ({**REDUCTION, "intervals": []}, 400),
        ({**REDUCTION, "targets": ["nobody"]}, 400),
        (
            {**REDUCTION, "intervalPeriod": {"start": "2024-05-15T11:00:00Z", "duration": "PT1H"}},
            409,
        ),
        ("{", 400),
        ("[]", 400),
    ],
)
async def test_what_is_not_possible_is_a_problem(vtn: ServedVtn, body: Any, status: int) -> None:
    answer = await vtn.call("POST", "/events", body)

    assert answer.status == status
    assert answer.body["status"] == status
    assert answer.body["title"]


def _interval(value: Any, **more: Any) -> dict[str, Any]:
    payloads = [{"type": "DISPATCH_SETPOINT_RELATIVE", "values": [value]}]
    return {**REDUCTION, "intervals": [{"id": 0, "payloads": payloads, **more}]}


_PERIOD = {"start": "2024-05-15T15:00:00Z", "duration": "PT1H"}
POISONS: dict[str, Any] = {
    "nested": '{"programID":' + "[" * 100_000 + "]" * 100_000 + "}",
    "nested objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "huge": '{"programID": "' + "x" * 2_000_000 + '"}',
    "digits": '{"priority": ' + "9" * 5_000 + "}",
    "not utf-8": b'{"programID": "\xff\xfe"}',
    "half a character": {**REDUCTION, "eventName": "\ud800"},
    "null character": {**REDUCTION, "eventName": "a\x00b"},
    "NaN price": _interval(float("nan")),
    "infinite": _interval(float("inf")),
    "beyond floats": json.dumps(REDUCTION).replace("-2.0", "-1e999"),
    "a text for a number": _interval("-2.0"),
    "yes for a number": _interval(True),
    "negative duration": {**REDUCTION, "intervalPeriod": {**_PERIOD, "duration": "-PT1H"}},
    "no duration": {**REDUCTION, "intervalPeriod": {**_PERIOD, "duration": "PT0S"}},
    "endless duration": {**REDUCTION, "intervalPeriod": {**_PERIOD, "duration": "P9999999W"}},
    "no zone": {**REDUCTION, "intervalPeriod": {**_PERIOD, "start": "2024-05-15T15:00:00"}},
    "no such zone": {**REDUCTION, "intervalPeriod": {**_PERIOD, "start": "2024-05-15T15:00+99:00"}},
    "beyond time": {
        **REDUCTION,
        "intervalPeriod": {**_PERIOD, "start": "9999-12-31T23:00:00-20:00"},
    },
    "no such day": {**REDUCTION, "intervalPeriod": {**_PERIOD, "start": "2024-02-30T15:00:00Z"}},
    "twice at a time": {
        **REDUCTION,
        "intervals": [{**each, "intervalPeriod": _PERIOD} for each in REDUCTION["intervals"]],
    },
    "too many intervals": {**REDUCTION, "intervals": REDUCTION["intervals"] * 20_000},
    "intervals that are none": {**REDUCTION, "intervals": {"0": 1}},
    "a period that is none": {**REDUCTION, "intervalPeriod": "PT1H"},
    "targets that are none": {**REDUCTION, "targets": {"a": 1}},
    "targets without a name": {**REDUCTION, "targets": [1, None]},
    "a programme that is none": {**REDUCTION, "programID": ["street"]},
    "negative priority": {**REDUCTION, "priority": -1},
}


async def test_a_poison_is_refused_by_name_and_nothing_else_is_harmed(
    world: DemandResponseWorld, vtn: ServedVtn
) -> None:
    answers = {name: await vtn.call("POST", "/events", body) for name, body in POISONS.items()}

    odd = {name: each for name, each in answers.items() if not 400 <= each.status < 500}
    assert odd == {}
    assert all(each.body["title"] and each.body["detail"] for each in answers.values())
    assert (await vtn.call("POST", "/events", REDUCTION)).status == 201
    kept = await world.call("ListEvents", pb.ListEventsRequest(parent=P))
    assert len(kept.events) == 1


async def test_only_who_knows_a_secret_gets_in(vtn: ServedVtn) -> None:
    assert await vtn.token(VEN, "guess") == "401"
    assert await vtn.token("nobody") == "401"
    token = await vtn.token(VEN)
    name, end, signed = token.rsplit(".", 2)
    for forged in (f"{BUSINESS}.{end}.{signed}", f"{name}.{int(end) + 9}.{signed}", "x", "a.b.c"):
        headers = {"Authorization": f"Bearer {forged}"}
        assert (await vtn.send("GET", "/programs", headers=headers)).status == 401
    assert (await vtn.send("GET", "/programs")).status == 401
    server = (await vtn.send("GET", "/auth/server")).body
    assert server == {"tokenURL": f"{vtn.url}/auth/token"}


async def test_vens_resources_and_reports_are_their_clients_own(vtn: ServedVtn) -> None:
    ven = await vtn.call("POST", "/vens", {"venName": "home-1"}, as_client=VEN)
    assert (ven.status, ven.body["objectType"], ven.body["clientID"]) == (201, "VEN", VEN)
    assert (await vtn.call("POST", "/vens", {"venName": "home-1"}, as_client=VEN)).status == 409
    battery = {"resourceName": "battery", "venID": ven.body["id"]}
    assert (await vtn.call("POST", "/resources", battery, as_client=VEN)).status == 201
    event = await vtn.call("POST", "/events", REDUCTION)
    report = {"eventID": event.body["id"], "clientName": "home-1", "resources": []}
    sent = await vtn.call("POST", "/reports", report, as_client=VEN)
    assert sent.status == 201

    path = f"/reports/{sent.body['id']}"
    changed = await vtn.call("PUT", path, {**report, "reportName": "usage"}, as_client=VEN)
    assert changed.body["reportName"] == "usage"
    assert (await vtn.call("GET", path, as_client=OTHER)).status == 404
    assert (await vtn.call("GET", "/reports", as_client=OTHER)).body == []
    (seen,) = (await vtn.call("GET", f"/reports?eventID={event.body['id']}")).body
    assert seen == changed.body
    assert (await vtn.call("DELETE", path, as_client=VEN)).status == 200
    assert (await vtn.call("POST", "/reports", {}, as_client=VEN)).status == 400


async def test_what_is_not_served_says_so(vtn: ServedVtn) -> None:
    assert (await vtn.call("GET", "/subscriptions")).status == 501
    assert (await vtn.call("POST", "/programs", {"programName": "x"})).status == 501
    (program,) = (await vtn.call("GET", "/programs", as_client=VEN)).body
    assert (program["id"], program["objectType"]) == ("street", "PROGRAM")


async def test_an_older_client_gets_targets_as_it_reads_them(
    world: DemandResponseWorld, database_url: str
) -> None:
    async with (
        Database(database_url, "demandresponse") as database,
        served_vtn(world, database, "3.0.1") as older,
    ):
        targets = [{"type": "VEN_NAME", "values": [VEN]}]
        called = await older.call("POST", "/events", {**REDUCTION, "targets": targets})
        assert (called.status, called.body["targets"]) == (201, targets)


class Ven:
    """A programme of ours that is the street's there, followed on its VTN."""

    def __init__(self, world: DemandResponseWorld, vtn: ServedVtn) -> None:
        self._world = world
        other = HttpVtn(vtn.url, VEN, secret(VEN), world.clock)
        self.ask = follow_vtn(other, world.use)

    async def events(self) -> list[event_pb2.Event]:
        request = pb.ListEventsRequest(parent="programmes/theirs")
        return list((await self._world.call("ListEvents", request)).events)


@pytest.fixture
async def ven(world: DemandResponseWorld, vtn: ServedVtn) -> Ven:
    await world.programme(name="programmes/theirs", external_id="street")
    return Ven(world, vtn)


async def test_what_others_ask_is_asked_here_and_once(
    world: DemandResponseWorld, vtn: ServedVtn, ven: Ven
) -> None:
    called = await vtn.call("POST", "/events", REDUCTION)
    await ven.ask()
    await ven.ask()

    (event,) = await ven.events()
    assert event.external_id == called.body["id"]
    assert list(event.reduction.reduction_powers_w) == [2_000.0, 1_000.0]
    assert event.range.start_time.ToDatetime() == EVENING.replace(tzinfo=None)

    less = {**REDUCTION, "intervals": REDUCTION["intervals"][:1]}
    await vtn.call("PUT", f"/events/{called.body['id']}", less)
    await ven.ask()
    (event,) = await ven.events()
    assert (event.modification_number, len(event.reduction.reduction_powers_w)) == (1, 1)

    await vtn.call("DELETE", f"/events/{called.body['id']}")
    await ven.ask()
    (event,) = await ven.events()
    assert event.state == event_pb2.EVENT_STATE_CANCELLED


async def test_an_event_that_is_over_there_stays_as_it_was(
    world: DemandResponseWorld, vtn: ServedVtn, ven: Ven
) -> None:
    await vtn.call("POST", "/events", REDUCTION)
    await ven.ask()
    await world.at(EVENING + 2 * HOUR)
    await ven.ask()

    (event,) = await ven.events()
    assert event.state == event_pb2.EVENT_STATE_COMPLETED


async def test_a_vtn_that_is_away_ends_nothing(
    world: DemandResponseWorld, vtn: ServedVtn, ven: Ven
) -> None:
    await vtn.call("POST", "/events", REDUCTION)
    await ven.ask()
    away = HttpVtn("http://127.0.0.1:9", VEN, secret(VEN), world.clock)

    with pytest.raises(Unavailable):
        await follow_vtn(away, world.use)()
    refused = HttpVtn(vtn.url, VEN, "guess", world.clock)
    with pytest.raises(Unavailable):
        await follow_vtn(refused, world.use)()
    (event,) = await ven.events()
    assert event.state == event_pb2.EVENT_STATE_SCHEDULED
    assert world.clock.now() == NOW
