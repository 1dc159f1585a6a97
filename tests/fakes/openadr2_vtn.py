"""openleadr's own VTN of OpenADR 2.0b on loopback, and a VEN of ours on it."""

import contextlib
import io
import logging
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from aiohttp import ClientSession, web
from openleadr import OpenADRServer, errors, messaging, objects
from openleadr.service.opt_service import OptService

from tests.fakes.demandresponse_world import DemandResponseWorld
from wattmesh_demandresponse.adapters.openadr2_line import Line, Registration
from wattmesh_demandresponse.adapters.openadr2_messages import Signing, write
from wattmesh_demandresponse.adapters.openadr2_pushed import Oadr2Pushed
from wattmesh_demandresponse.adapters.openadr2_reports import Oadr2Reports
from wattmesh_demandresponse.adapters.openadr2_vtn import Oadr2Vtn
from wattmesh_demandresponse.app.report_metered import ReportMetered
from wattmesh_demandresponse.app.tell_absences import TellAbsences
from wattmesh_demandresponse.wiring_openadr import follow_vtn
from wattmesh_demandresponse.wiring_openadr2 import ven_of

MARKET = "http://grid.example/evening"
VEN_ID, REGISTRATION_ID = "ven-1", "registration-1"
KW = objects.Measurement(
    name="powerReal",
    description="RealPower",
    unit="W",
    scale="k",
    power_attributes=objects.PowerAttributes(),
)


class RegistrationInMemory:
    """Keeps it."""

    def __init__(self) -> None:
        self.registration: Registration | None = None

    async def kept(self) -> Registration | None:
        return self.registration

    async def keep(self, registration: Registration | None) -> None:
        self.registration = registration


class Told(NamedTuple):
    """What a VEN answered to a call: HTTP's status, and what kind of message with what."""

    status: int
    kind: str
    content: Mapping[str, Any]


class OptsInMemory:
    """Keeps them."""

    def __init__(self) -> None:
        self.opts: Mapping[str, str] = {}

    async def kept(self) -> Mapping[str, str]:
        return self.opts

    async def keep(self, opts: Mapping[str, str]) -> None:
        self.opts = dict(opts)


@dataclass
class Vtn2b:
    """The server, and what VENs told it."""

    server: OpenADRServer
    opts: list[tuple[str, str]] = field(default_factory=list)
    registered: list[Mapping[str, Any]] = field(default_factory=list)
    reported: list[tuple[datetime, float]] = field(default_factory=list)
    known: bool = True
    opted: list[Mapping[str, Any]] = field(default_factory=list)
    """What came by `EiOpt`."""
    opts_cancelled: list[str] = field(default_factory=list)
    takes_opts: bool = True
    away: bool = False
    refuses_opts: bool = False
    signed: Signing = field(default_factory=Signing)
    """With what it signs its calls."""

    def __post_init__(self) -> None:
        self._opts = OptService("grid")  # its server has it, and does not serve it
        self._opts.handlers = {
            "oadrCreateOpt": self.on_opt,
            "oadrCancelOpt": self.on_cancel_opt,
        }
        self.server.services["opt_service"] = self._opts
        route = web.post("/OpenADR2/Simple/2.0b/EiOpt", self.serve_opt)
        self.server.app.add_routes([route])

        @web.middleware
        async def unless_away(request: web.Request, handler: Any) -> web.StreamResponse:
            if self.away:
                return web.Response(status=503)
            answer: web.StreamResponse = await handler(request)
            return answer

        self.server.app.middlewares.append(unless_away)

    @property
    def url(self) -> str:
        host, port = self.server.app_runner.addresses[0][:2]
        return f"http://{host}:{port}/OpenADR2/Simple/2.0b"

    def call(
        self,
        event_id: str,
        start: datetime,
        *values: float,
        signal: tuple[str, str] = ("LOAD_DISPATCH", "delta"),
        measurement: objects.Measurement | None = KW,
        market: str = MARKET,
        targets: Sequence[Mapping[str, str]] = ({"ven_id": VEN_ID},),
    ) -> None:
        """Call an event of hours."""
        self.server.add_raw_event(
            ven_id=VEN_ID,
            event=_event(event_id, start, values, signal, measurement, market, targets),
            callback=self.answered,
        )

    def change(self, event_id: str, start: datetime, *values: float) -> None:
        """Change an event of dispatch: its next modification."""
        (before,) = [
            each
            for each in self.server.events[VEN_ID]
            if each.event_descriptor.event_id == event_id
        ]
        number = before.event_descriptor.modification_number + 1
        self.server.events[VEN_ID].remove(before)
        self.call(event_id, start, *values)
        self.server.events[VEN_ID][-1].event_descriptor.modification_number = number

    def cancel(self, event_id: str) -> None:
        self.server.cancel_event(VEN_ID, event_id)

    def answered(self, ven_id: str, event_id: str, opt_type: str) -> None:
        self.opts.append((event_id, opt_type))

    async def on_opt(self, payload: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Take one: openleadr's own handler of the message is empty."""
        self.opted.append(payload)
        if self.refuses_opts:
            raise errors.InvalidIdError
        return "oadrCreatedOpt", {"opt_id": payload["opt_id"]}

    async def on_cancel_opt(self, payload: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        self.opts_cancelled.append(payload["opt_id"])
        return "oadrCanceledOpt", {"opt_id": payload["opt_id"]}

    async def serve_opt(self, request: web.Request) -> web.Response:
        if not self.takes_opts:
            return web.Response(status=404)
        answer: web.Response = await self._opts.handler(request)
        return answer

    def distribution(self, **changed: Any) -> bytes:
        """Return what it calls a VEN with: all events that there are."""
        said = {
            "vtn_id": "grid",
            "request_id": uuid.uuid4().hex,
            "response": {"response_code": 200, "response_description": "OK", "request_id": ""},
            "events": [asdict(each) for each in self.server.events.get(VEN_ID, ())],
        }
        return write("oadrDistributeEvent", self.signed, **{**said, **changed})

    async def push(self, content: bytes, service: str = "EiEvent") -> Told:
        """Call the VEN where it has registered; its answer is of the schema, as openleadr reads."""
        url = f"{self.registered[-1]['transport_address']}/OpenADR2/Simple/2.0b/{service}"
        headers = {"Content-Type": "application/xml"}
        async with (
            ClientSession() as session,
            session.post(url, data=content, headers=headers) as response,
        ):
            said = await response.read()
        if response.status != 200:
            return Told(response.status, said.decode(), {})
        messaging.validate_xml_schema(said)
        return Told(response.status, *messaging.parse_message(said))

    def on_register(self, registration: Mapping[str, Any]) -> tuple[str, str]:
        self.registered.append(registration)
        self.known = True
        return VEN_ID, REGISTRATION_ID

    def lookup(self, ven_id: str) -> Mapping[str, Any]:
        return {"ven_id": ven_id, "registration_id": REGISTRATION_ID if self.known else None}

    async def on_report(
        self,
        ven_id: str,
        resource_id: str,
        measurement: str,
        unit: str,
        scale: str,
        min_sampling_interval: timedelta,
        max_sampling_interval: timedelta,
    ) -> tuple[Any, timedelta, timedelta]:
        return self._metered, timedelta(minutes=15), timedelta(hours=1)

    def _metered(self, values: Sequence[tuple[datetime, float]]) -> None:
        self.reported += values


@dataclass
class Ven2b:
    """A programme of ours that is a market there."""

    follow: Any
    report: Any
    opt: TellAbsences
    vtn: Oadr2Vtn
    reports: Oadr2Reports
    registrations: RegistrationInMemory
    opts: OptsInMemory


def ven_2b(
    world: DemandResponseWorld,
    url: str,
    signing: Signing | None = None,
    *,
    opts: OptsInMemory | None = None,
    registrations: RegistrationInMemory | None = None,
    push_url: str | None = None,
    pushed: Oadr2Pushed | None = None,
) -> Ven2b:
    kept, opts = registrations or RegistrationInMemory(), opts or OptsInMemory()
    line = Line(url, signing or Signing())
    ven = ven_of(line, "street", kept, opts, world.clock, push_url=push_url, pushed=pushed)
    use = world.use
    report = ReportMetered(ven.reports, use.programmes, use.enrolments, use.baselines, world.clock)
    opt = TellAbsences(ven.opts, use.programmes, use.enrolments, world.clock)
    return Ven2b(follow_vtn(ven.vtn, use), report, opt, ven.vtn, ven.reports, kept, opts)


@asynccontextmanager
async def vtn_2b(**settings: Any) -> AsyncIterator[Vtn2b]:
    """Serve openleadr's VTN, which prints and logs much, on a free port."""
    logging.getLogger("openleadr").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        vtn = Vtn2b(OpenADRServer(vtn_id="grid", http_port=0, ven_lookup=None, **settings))
        vtn.server.add_handler("on_create_party_registration", vtn.on_register)
        vtn.server.add_handler("on_register_report", vtn.on_report)
        for service in vtn.server.services.values():
            service.ven_lookup = vtn.lookup
        await vtn.server.run()
    try:
        yield vtn
    finally:
        await vtn.server.stop()


def _event(
    event_id: str,
    start: datetime,
    values: Sequence[float],
    signal: tuple[str, str],
    measurement: objects.Measurement | None,
    market: str,
    targets: Sequence[Mapping[str, str]],
) -> objects.Event:
    hour = timedelta(hours=1)
    intervals = [
        objects.Interval(dtstart=start + index * hour, duration=hour, signal_payload=value)
        for index, value in enumerate(values)
    ]
    return objects.Event(
        event_descriptor=objects.EventDescriptor(
            event_id=event_id,
            modification_number=0,
            market_context=market,
            event_status="far",
            priority=1,
        ),
        event_signals=[
            objects.EventSignal(
                intervals=intervals,
                signal_name=signal[0],
                signal_type=signal[1],
                signal_id=f"{event_id}-signal",
                measurement=None if measurement is None else asdict(measurement),
            )
        ],
        targets=[dict(each) for each in targets],
    )
