"""Our VEN of OpenADR 2.0b, called by a VTN: what openleadr writes, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openleadr import utils
from starlette.applications import Starlette

from tests.fakes.demandresponse_world import HOUR, DemandResponseWorld, demandresponse_world
from tests.fakes.identities import Identities
from tests.fakes.openadr2_vtn import (
    MARKET,
    REGISTRATION_ID,
    VEN_ID,
    RegistrationInMemory,
    Ven2b,
    Vtn2b,
    ven_2b,
    vtn_2b,
)
from wattmesh.demandresponse.v1 import demand_response_service_pb2 as pb
from wattmesh.demandresponse.v1 import event_pb2
from wattmesh_demandresponse.adapters.openadr2_line import Registration
from wattmesh_demandresponse.adapters.openadr2_messages import Signing, write
from wattmesh_demandresponse.adapters.openadr2_pushed import Oadr2Pushed
from wattmesh_demandresponse.adapters.postgres_objects import PostgresObjects
from wattmesh_demandresponse.api.openadr2_push import push_route
from wattmesh_demandresponse.app.follow_pushed import FollowPushed
from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_demandresponse.wiring_openadr import OpenAdr
from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.time import floor_time
from wattmesh_local.identities.authority import CERTIFICATE, KEY
from wattmesh_runtime.database import Database
from wattmesh_runtime.web_server import WebServer

THEIRS = "programmes/theirs"
SOON = floor_time(datetime.now(UTC), HOUR) + 6 * HOUR
OK, NOT_OURS, NOT_FOR_THIS, NOT_REGISTERED = 200, 452, 453, 463


@dataclass
class Called:
    """A VEN that is called, and the turn of the process that follows."""

    ven: Ven2b
    pushed: Oadr2Pushed
    turn: FollowPushed
    wall_s: list[float]


@asynccontextmanager
async def called(
    world: DemandResponseWorld, vtn: Vtn2b, database_url: str, signing: Signing | None = None
) -> AsyncIterator[Called]:
    """Serve a VEN; its VTN is told where when it registers."""
    async with Database(database_url, "demandresponse") as database:
        registrations = RegistrationInMemory()
        objects = PostgresObjects(database)
        pushed = Oadr2Pushed(registrations, signing or Signing(), objects, world.clock)
        async with WebServer(Starlette(routes=[push_route(pushed.take)]), "127.0.0.1:0") as server:
            ven = ven_2b(
                world,
                vtn.url,
                registrations=registrations,
                push_url=f"http://{server.address}",
                pushed=pushed,
            )
            wall_s = [0.0]
            yield Called(
                ven, pushed, FollowPushed(ven.follow, pushed.any, 30.0, lambda: wall_s[0]), wall_s
            )


@pytest.fixture
async def vtn() -> AsyncIterator[Vtn2b]:
    async with vtn_2b() as vtn:
        yield vtn


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[DemandResponseWorld]:
    async with demandresponse_world(database_url) as world:
        world.clock.set(SOON - 5 * HOUR)
        await world.programme(name=THEIRS, external_id=MARKET)
        await world.enrol(of=THEIRS, external_id="meter-1")
        yield world


@pytest.fixture
async def us(world: DemandResponseWorld, vtn: Vtn2b, database_url: str) -> AsyncIterator[Called]:
    async with called(world, vtn, database_url) as us:
        await us.turn()
        yield us


async def events(world: DemandResponseWorld) -> list[event_pb2.Event]:
    request = pb.ListEventsRequest(parent=THEIRS)
    return list((await world.call("ListEvents", request)).events)


async def test_an_event_that_is_pushed_is_here_at_once_changed_and_called_off_without_a_poll(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    (registered,) = vtn.registered
    assert (registered["http_pull_model"], registered["transport_name"]) == (False, "simpleHttp")

    vtn.call("evening", SOON, -2.0)
    await us.turn()
    assert await events(world) == []  # nobody has called, and nobody asks

    told = await vtn.push(vtn.distribution())
    assert (told.status, told.kind) == (200, "oadrResponse")
    assert (told.content["ven_id"], told.content["response"]["response_code"]) == (VEN_ID, OK)
    await us.turn()
    (event,) = await events(world)
    assert list(event.reduction.reduction_powers_w) == [2_000.0]
    assert vtn.opts == [("evening", "optIn")]

    vtn.change("evening", SOON, -3.0)
    await vtn.push(vtn.distribution())
    await us.turn()
    (event,) = await events(world)
    assert (event.modification_number, list(event.reduction.reduction_powers_w)) == (1, [3_000.0])

    vtn.cancel("evening")
    await vtn.push(vtn.distribution())
    await us.turn()
    (event,) = await events(world)
    assert event.state == event_pb2.EVENT_STATE_CANCELLED


async def test_a_push_that_comes_twice_or_a_hundred_times_is_one_event_with_one_answer(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    vtn.call("evening", SOON, -2.0)
    content = vtn.distribution()
    for _ in range(100):
        assert (await vtn.push(content)).content["response"]["response_code"] == OK
    await us.turn()
    await vtn.push(content)
    await us.turn()

    assert len(await events(world)) == 1
    assert vtn.opts == [("evening", "optIn")]


async def test_a_push_that_was_lost_is_made_up_for_by_a_look_from_time_to_time(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    vtn.call("evening", SOON, -2.0)  # and our endpoint could not be reached
    for _ in range(10):
        us.wall_s[0] += 31.0
        await us.turn()
    assert [each.external_id for each in await events(world)] == ["evening"]


async def test_what_was_pushed_while_the_vtn_cannot_be_asked_waits_and_is_not_lost(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    vtn.call("evening", SOON, -2.0)
    vtn.away = True
    await vtn.push(vtn.distribution())
    with pytest.raises(Unavailable):
        await us.turn()
    assert await events(world) == []

    vtn.away = False
    await us.turn()
    assert len(await events(world)) == 1


async def test_a_call_for_another_ven_or_of_another_vtn_is_refused_and_changes_nothing(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    vtn.call("evening", SOON, -2.0, targets=[{"ven_id": "ven-9"}])
    told = await vtn.push(vtn.distribution())
    assert (told.kind, told.content["response"]["response_code"]) == ("oadrResponse", NOT_OURS)
    told = await vtn.push(vtn.distribution(vtn_id="somebody", events=[]))
    assert told.content["response"]["response_code"] == NOT_OURS
    ended = {"registration_id": "registration-9", "ven_id": VEN_ID}
    content = write("oadrCancelPartyRegistration", Signing(), **ended)
    told = await vtn.push(content, "EiRegisterParty")
    assert told.content["response"]["response_code"] == NOT_OURS

    assert not await us.pushed.any()


async def test_what_is_no_message_is_refused_in_words_and_the_next_call_is_taken(
    vtn: Vtn2b, us: Called
) -> None:
    whole = vtn.distribution(events=[])
    for content, why in (
        (b"<", "XML"),
        (b"", "nothing"),
        (whole[:-20], "XML"),
        (whole.replace(b"vtnID", b"vtnId"), "OpenADR 2.0b"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', ""),
        (b"<x>" + b"y" * 1_100_000 + b"</x>", "megabyte"),
    ):
        told = await vtn.push(content)
        said = f"{told.kind} {told.content}"
        assert told.status == 400 or told.content["response"]["response_code"] != OK
        assert why in said
    told = await vtn.push(write("oadrPoll", Signing(), ven_id=VEN_ID))
    assert told.content["response"]["response_code"] == NOT_FOR_THIS
    assert not await us.pushed.any()

    told = await vtn.push(whole)
    assert told.content["response"]["response_code"] == OK
    assert await us.pushed.any()


async def test_a_call_before_we_are_registered_is_refused(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    us.ven.registrations.registration = None
    told = await vtn.push(vtn.distribution(events=[]))
    assert told.content["response"]["response_code"] == NOT_REGISTERED


async def test_only_what_the_vtn_signed_is_taken(
    world: DemandResponseWorld, vtn: Vtn2b, database_url: str, tmp_path: Path
) -> None:
    identities = Identities(tmp_path)
    theirs, forger = identities.issue("spiffe://x/vtn"), identities.issue("spiffe://x/forger")
    fingerprint = utils.certificate_fingerprint((theirs / CERTIFICATE).read_text())
    async with called(world, vtn, database_url, Signing(vtn_fingerprint=fingerprint)) as us:
        await us.turn()
        vtn.call("evening", SOON, -2.0)
        signed = Signing(certificate=theirs / CERTIFICATE, key=theirs / KEY)
        forged = Signing(certificate=forger / CERTIFICATE, key=forger / KEY)
        vtn.signed = signed
        good = vtn.distribution()
        for signing, content in (
            (Signing(), None),
            (forged, None),
            (signed, good.replace(b"evening", b"morning")),
        ):
            vtn.signed = signing
            told = await vtn.push(content or vtn.distribution())
            assert told.status == 403
            assert "signature" in told.kind
        assert not await us.pushed.any()

        assert (await vtn.push(good)).status == 200
        assert (await vtn.push(good)).status == 403  # what was heard once may not be said again
        await us.turn()
        assert len(await events(world)) == 1


async def test_reports_are_wanted_and_cancelled_and_a_registration_renewed_and_ended_by_a_call(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    await us.ven.report()
    wanted = {each.id for each in await us.ven.reports.report_requests(["meter-1"])}
    (report_id,) = wanted
    ours = {"ven_id": VEN_ID}
    cancel = write(
        "oadrCancelReport",
        Signing(),
        report_request_id=report_id,
        report_to_follow=False,
        **ours,
    )
    told = await vtn.push(cancel, "EiReport")
    assert told.kind == "oadrCanceledReport"
    await us.turn()
    assert await us.ven.reports.report_requests(["meter-1"]) == []

    told = await vtn.push(write("oadrRequestReregistration", Signing(), **ours), "EiRegisterParty")
    assert told.kind == "oadrResponse"
    await us.turn()
    assert len(vtn.registered) == 2

    ended = write("oadrCancelPartyRegistration", Signing(), registration_id=REGISTRATION_ID, **ours)
    told = await vtn.push(ended, "EiRegisterParty")
    assert told.kind == "oadrCanceledPartyRegistration"
    assert told.content["registration_id"] == REGISTRATION_ID
    with pytest.raises(Unavailable):
        await us.turn()
    assert us.ven.registrations.registration is None


async def test_a_vtn_that_forgot_us_ends_no_event_and_is_registered_with_again(
    world: DemandResponseWorld, vtn: Vtn2b, us: Called
) -> None:
    vtn.call("evening", SOON, -2.0)
    await vtn.push(vtn.distribution())
    await us.turn()
    vtn.known = False
    await vtn.push(vtn.distribution())
    with pytest.raises(Unavailable):
        await us.turn()
    (event,) = await events(world)
    assert event.state == event_pb2.EVENT_STATE_SCHEDULED

    await us.turn()
    assert len(vtn.registered) == 2
    known = us.ven.registrations.registration
    assert known == replace(
        Registration(ven_id=VEN_ID, registration_id=REGISTRATION_ID), vtn_id="grid"
    )
    (event,) = await events(world)
    assert event.state == event_pb2.EVENT_STATE_SCHEDULED


async def test_the_service_serves_calls_and_registers_by_its_settings(
    world: DemandResponseWorld, vtn: Vtn2b, database_url: str
) -> None:
    settings = DemandResponseSettings(
        database_url=database_url,
        metering_target="127.0.0.1:9",
        openadr_listen_address="127.0.0.1:0",
        openadr2_vtn_url=vtn.url,
        openadr2_push_url="http://ven.example",
    )
    async with Database(database_url, "demandresponse") as database:
        openadr = OpenAdr.of(settings, world.use, world.records, database)
        async with openadr.web as server:
            assert isinstance(server, WebServer)
            (turn,) = openadr.turns
            turn.forget()
            await turn.work()
            (registered,) = vtn.registered
            assert registered["transport_address"] == "http://ven.example"

            vtn.registered[0] = {"transport_address": f"http://{server.address}"}
            vtn.call("evening", SOON, -2.0)
            told = await vtn.push(vtn.distribution())
            assert told.content["response"]["response_code"] == OK
            await turn.work()
    assert [each.external_id for each in await events(world)] == ["evening"]
