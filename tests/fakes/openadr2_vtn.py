"""openleadr's own VTN of OpenADR 2.0b on loopback, and a VEN of ours on it."""

import contextlib
import io
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from openleadr import OpenADRServer, objects
from openleadr.service.opt_service import OptService

from tests.fakes.demandresponse_world import DemandResponseWorld
from wattmesh_demandresponse.adapters.openadr2_line import Line, Registration
from wattmesh_demandresponse.adapters.openadr2_messages import Signing
from wattmesh_demandresponse.adapters.openadr2_reports import Oadr2Reports
from wattmesh_demandresponse.adapters.openadr2_vtn import Oadr2Vtn
from wattmesh_demandresponse.app.report_metered import ReportMetered
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
        return "oadrCreatedOpt", {"opt_id": payload["opt_id"]}

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
    vtn: Oadr2Vtn
    reports: Oadr2Reports
    registrations: RegistrationInMemory


def ven_2b(world: DemandResponseWorld, url: str, signing: Signing | None = None) -> Ven2b:
    kept = RegistrationInMemory()
    vtn, reports = ven_of(Line(url, signing or Signing()), "street", kept, world.clock)
    use = world.use
    report = ReportMetered(reports, use.programmes, use.enrolments, use.baselines, world.clock)
    return Ven2b(follow_vtn(vtn, use), report, vtn, reports, kept)


@asynccontextmanager
async def vtn_2b(**settings: Any) -> AsyncIterator[Vtn2b]:
    """Serve openleadr's VTN, which prints and logs much, on a free port."""
    logging.getLogger("openleadr").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        vtn = Vtn2b(OpenADRServer(vtn_id="grid", http_port=0, ven_lookup=None, **settings))
        vtn.server.add_handler("on_create_party_registration", vtn.on_register)
        vtn.server.add_handler("on_register_report", vtn.on_report)
        opts = OptService("grid")  # its server has it, and does not serve it
        opts.handlers["oadrCreateOpt"] = vtn.on_opt
        vtn.server.services["opt_service"] = opts
        vtn.server.app.add_routes([web.post("/OpenADR2/Simple/2.0b/EiOpt", opts.handler)])
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
