"""Subscribers of our VTN are called back; our VEN subscribes where a VTN offers that."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.demandresponse_world import HOUR, DemandResponseWorld, demandresponse_world
from tests.fakes.eventually import eventually
from tests.fakes.openadr_vtn import BUSINESS, OTHER, VEN, ServedVtn, secret, served_vtn
from tests.fakes.subscriber import Subscriber, subscriber
from wattmesh_demandresponse.adapters.call_back_line import HttpCallBacks
from wattmesh_demandresponse.adapters.other_vtn import CallBackAddress, HttpVtn
from wattmesh_demandresponse.adapters.postgres_objects import PostgresObjects
from wattmesh_demandresponse.adapters.postgres_outbox import PostgresOutbox
from wattmesh_demandresponse.api.openadr_call_backs import PATH, call_back_route
from wattmesh_demandresponse.app.call_backs import KEPT_FOR, Deliver
from wattmesh_demandresponse.app.hear_vtn import SELDOM, HearVtn
from wattmesh_demandresponse.domain.subscriptions import CallBack
from wattmesh_demandresponse.wiring_openadr import follow_vtn
from wattmesh_kernel.errors import Unavailable
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.database import Database

LIMIT: dict[str, Any] = {
    "programID": "street",
    "eventName": "evening",
    "intervalPeriod": {"start": "2024-05-15T15:00:00Z", "duration": "PT1H"},
    "intervals": [
        {"id": 0, "payloads": [{"type": "DISPATCH_SETPOINT_RELATIVE", "values": [-2.0]}]}
    ],
}
TOMORROW = {"intervalPeriod": {"start": "2024-05-16T15:00:00Z", "duration": "PT1H"}}
ALL = ["CREATE", "UPDATE", "DELETE"]
HERE = ("127.0.0.1",)


def subscription(heard: Subscriber, **fields: Any) -> dict[str, Any]:
    operation = {
        "objects": ["EVENT"],
        "operations": ALL,
        "callbackUrl": f"{heard.address}/told",
        "bearerToken": "ours",
        **fields,
    }
    return {"clientName": "home", "programID": "street", "objectOperations": [operation]}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        await world.programme()
        await world.enrol(external_id=VEN)
        yield world


@pytest.fixture
async def database(world: DemandResponseWorld, database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, "demandresponse") as database:
        yield database


@pytest.fixture
async def vtn(world: DemandResponseWorld, database: Database) -> AsyncIterator[ServedVtn]:
    async with served_vtn(world, database, hosts=HERE) as vtn:
        await vtn.calls.tell_events()
        yield vtn


@pytest.fixture
async def heard() -> AsyncIterator[Subscriber]:
    async with subscriber() as heard:
        yield heard


async def tell(vtn: ServedVtn, *, away: str = "") -> None:
    """Have told what happened, however long it takes; one subscription may be away."""
    await vtn.calls.tell_events()
    await delivered(vtn, vtn.calls.deliver, away)


async def delivered(vtn: ServedVtn, deliver: Deliver, away: str = "") -> None:
    async def done() -> bool:
        await deliver()
        waiting = await vtn.calls.outbox.waiting(1_000)
        return {each.subscription for each in waiting} <= {away}

    await eventually(done, 40)


async def test_a_subscriber_hears_of_an_event_once_each_whoever_called_it(
    world: DemandResponseWorld, vtn: ServedVtn, heard: Subscriber, database: Database
) -> None:
    made = await vtn.call("POST", "/subscriptions", subscription(heard), as_client=VEN)
    assert (made.status, made.body["objectType"]) == (201, "SUBSCRIPTION")
    assert "ours" not in str((await vtn.call("GET", "/subscriptions")).body)
    called = await vtn.call("POST", "/events", LIMIT)
    await world.create(name="by-grpc", display_name="grpc")
    await vtn.call("POST", "/events", {**LIMIT, "eventName": "mine", "targets": [VEN]})
    await tell(vtn)
    assert sorted(heard.operations) == [("CREATE", each) for each in ("evening", "grpc", "mine")]
    assert called.body in [each["object"] for each in heard.told]
    assert heard.tokens == {"Bearer ours"}

    heard.told.clear()
    await vtn.call("PUT", f"/events/{called.body['id']}", {**LIMIT, "eventName": "later"})
    await tell(vtn)
    async with served_vtn(world, database, hosts=HERE) as another:  # goes on where it was left
        await vtn.call("DELETE", f"/events/{called.body['id']}")
        await world.at(world.clock.now() + 8 * HOUR)  # the others begin and end: nothing changed
        await tell(another)
        await tell(another)
    await tell(vtn)
    assert heard.operations == [("UPDATE", "later"), ("DELETE", "later")]

    heard.told.clear()
    at_once = await vtn.call("POST", "/events", {**LIMIT, "targets": [VEN], **TOMORROW})
    path = f"/events/{at_once.body['id']}"
    await vtn.call("PUT", path, {**LIMIT, "eventName": "together", **TOMORROW})
    await tell(vtn)
    await vtn.call("DELETE", path)
    await tell(vtn)
    assert heard.operations == [("CREATE", "together"), ("DELETE", "together")]


async def test_who_may_be_told_what_and_where(vtn: ServedVtn, heard: Subscriber) -> None:
    await vtn.call("POST", "/subscriptions", subscription(heard), as_client=OTHER)
    older = subscription(heard, objects=["REPORT"], operations=["POST", "DELETE"])
    await vtn.call("POST", "/subscriptions", {**older, "programID": ""}, as_client=BUSINESS)
    event = await vtn.call("POST", "/events", {**LIMIT, "targets": [VEN]})
    report = {"eventID": event.body["id"], "clientName": "home", "resources": []}
    sent = await vtn.call("POST", "/reports", report, as_client=VEN)
    await vtn.call("PUT", f"/reports/{sent.body['id']}", report, as_client=VEN)
    await vtn.call("DELETE", f"/reports/{sent.body['id']}", as_client=VEN)
    await tell(vtn)

    assert [(each["objectType"], each["operation"]) for each in heard.told] == [
        ("REPORT", "POST"),
        ("REPORT", "DELETE"),
    ]

    refused: list[dict[str, Any]] = [
        {"callbackUrl": "http://metering:50051/"},
        {"callbackUrl": "file:///etc/passwd"},
        {"callbackUrl": "http://127.0.0.1@elsewhere.example/"},
        {"callbackUrl": "http://[::1/"},
        {"callbackUrl": 7},
        {"bearerToken": "a\r\nHost: b"},
        {"operations": ["SHOUT"]},
        {"operations": []},
        {"objects": "EVENT"},
    ]
    for fields in refused:
        answer = await vtn.call("POST", "/subscriptions", subscription(heard, **fields))
        assert answer.status == 400, fields


async def test_who_is_away_hears_in_order_later_and_holds_up_nobody(
    world: DemandResponseWorld, vtn: ServedVtn, heard: Subscriber
) -> None:
    async with subscriber() as away:
        away.status = 302
        await vtn.call("POST", "/subscriptions", subscription(heard), as_client=VEN)
        kept = await vtn.call("POST", "/subscriptions", subscription(away), as_client=VEN)
        for name in ("one", "two"):
            await vtn.call("POST", "/events", {**LIMIT, "eventName": name})
            await tell(vtn, away=kept.body["id"])
        assert [name for _, name in heard.operations] == ["one", "two"]
        assert away.told == []

        away.status = 200
        calls = vtn.calls
        later = Deliver(calls.outbox, calls.line, calls.objects, world.clock)
        await delivered(vtn, later)
        assert [name for _, name in away.operations] == ["one", "two"]

        away.status = 410
        await vtn.call("POST", "/events", {**LIMIT, "eventName": "three"})
        await vtn.calls.tell_events()
        await delivered(vtn, later)
        gone = await vtn.call("GET", f"/subscriptions/{kept.body['id']}", as_client=VEN)
        assert gone.status == 404


class Broken:
    """A line on which nothing arrives; counts what was tried."""

    def __init__(self) -> None:
        self.tried = 0

    async def post(self, call_back: CallBack) -> bool:
        self.tried += 1
        raise Unavailable("DEPENDENCY_UNAVAILABLE", "away")


async def test_what_waits_is_bounded_and_tried_more_and_more_seldom(
    world: DemandResponseWorld, database: Database
) -> None:
    outbox, line, wall_s = PostgresOutbox(database), Broken(), [0.0]
    deliver = Deliver(outbox, line, PostgresObjects(database), world.clock, lambda: wall_s[0])
    one = CallBack(url="http://127.0.0.1:9/", token="", body={})
    await outbox.put([("s", one)] * 1_100, world.clock.now())
    while wall_s[0] < 3_600:
        await deliver()
        wall_s[0] += 60
    assert 10 < line.tried < 40
    assert len(await outbox.waiting(2_000)) == 1_000

    world.clock.advance(2 * KEPT_FOR)
    wall_s[0] += 1_000
    await deliver()
    assert await outbox.waiting(2_000) == []


async def test_our_ven_subscribes_once_and_follows_when_it_is_called(
    world: DemandResponseWorld, vtn: ServedVtn, database: Database
) -> None:
    await world.programme(name="programmes/theirs", external_id="street")

    def rouse() -> None:
        hear.rouse()

    async with subscriber(call_back_route("word", rouse)) as ours:
        address = CallBackAddress(url=f"{ours.address}{PATH}", token="word")
        other = HttpVtn(vtn.url, VEN, secret(VEN), world.clock, call_back=address)
        hear = HearVtn(follow_vtn(other, world.use), other, 30.0)
        await hear()
        await hear()
        subscriptions = (await vtn.call("GET", "/subscriptions", as_client=VEN)).body
        assert len(subscriptions) == 1
        assert hear.seconds == 30.0 * SELDOM

        async with BackgroundTasks() as tasks:
            tasks.start(hear.attend())
            await vtn.call("POST", "/events", LIMIT)
            await tell(vtn)

            async def followed() -> bool:
                events = await world.records.open_events()
                return len(events) == 2

            await eventually(followed)
        with pytest.raises(Unavailable):
            await HttpCallBacks().post(CallBack(url=address.url, token="guess", body={}))


async def test_a_vtn_that_calls_nobody_back_is_asked(
    world: DemandResponseWorld, database: Database
) -> None:
    await world.programme(name="programmes/theirs", external_id="street")
    async with served_vtn(world, database) as vtn:
        address = CallBackAddress(url="http://127.0.0.1:9/", token="word")
        other = HttpVtn(vtn.url, VEN, secret(VEN), world.clock, call_back=address)
        hear = HearVtn(follow_vtn(other, world.use), other, 30.0)
        await vtn.call("POST", "/events", LIMIT)
        await hear()

        assert hear.seconds == 30.0
        assert len(await world.records.open_events()) == 2
