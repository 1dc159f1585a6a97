"""Builds the VEN of OpenADR 2.0b: imported only where one is set, for what it brings along."""

import ssl
from dataclasses import dataclass

from wattmesh_demandresponse.adapters.openadr2_line import Line, Party, Registrations
from wattmesh_demandresponse.adapters.openadr2_messages import Signing
from wattmesh_demandresponse.adapters.openadr2_opts import KeptOpts, Oadr2Opts
from wattmesh_demandresponse.adapters.openadr2_pushed import Oadr2Pushed
from wattmesh_demandresponse.adapters.openadr2_registrations import (
    OPTS,
    REGISTRATION,
    KeptDocument,
    KeptOptIds,
    KeptRegistrations,
)
from wattmesh_demandresponse.adapters.openadr2_reports import Oadr2Reports
from wattmesh_demandresponse.adapters.openadr2_vtn import Oadr2Vtn
from wattmesh_demandresponse.app.openadr_objects import Objects
from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_kernel.clock import Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Ven:
    """What it is made of; `pushed` takes the VTN's calls: None where it is polled."""

    vtn: Oadr2Vtn
    reports: Oadr2Reports
    opts: Oadr2Opts
    pushed: Oadr2Pushed | None = None


def ven_2b(settings: DemandResponseSettings, objects: Objects, clock: Clock) -> Ven:
    """Return the VEN that is set."""
    url, name = settings.openadr2_vtn_url or "", settings.openadr2_ven_name
    signing = Signing(
        certificate=settings.openadr2_certificate_file,
        key=settings.openadr2_key_file,
        vtn_fingerprint=settings.openadr2_vtn_fingerprint,
    )
    registrations = KeptRegistrations(KeptDocument(objects, REGISTRATION, url, name, clock))
    opts = KeptOptIds(KeptDocument(objects, OPTS, url, name, clock))
    line = Line(url, signing, _tls(settings) if url.startswith("https:") else None)
    push_url = settings.openadr2_push_url
    if push_url is None or settings.openadr_listen_address is None:
        return ven_of(line, name, registrations, opts, clock)
    pushed = Oadr2Pushed(registrations, signing, objects, clock)
    return ven_of(line, name, registrations, opts, clock, push_url=push_url, pushed=pushed)


def ven_of(
    line: Line,
    name: str,
    registrations: Registrations,
    kept_opts: KeptOpts,
    clock: Clock,
    *,
    push_url: str | None = None,
    pushed: Oadr2Pushed | None = None,
) -> Ven:
    """Return a VEN on a line: polled, or called at `push_url`."""
    party = Party(line, name, registrations, push_url)
    reports = Oadr2Reports(line, party, clock)
    opts = Oadr2Opts(line, party, kept_opts, clock)
    vtn = Oadr2Vtn(line, party, reports, opts, clock, pushed)
    return Ven(vtn=vtn, reports=reports, opts=opts, pushed=pushed)


def _tls(settings: DemandResponseSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.openadr2_ca_file)
    if settings.openadr2_certificate_file is not None:
        context.load_cert_chain(settings.openadr2_certificate_file, settings.openadr2_key_file)
    return context
