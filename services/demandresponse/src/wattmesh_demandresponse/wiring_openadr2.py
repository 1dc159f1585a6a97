"""Builds the VEN of OpenADR 2.0b: imported only where one is set, for what it brings along."""

import ssl

from wattmesh_demandresponse.adapters.openadr2_line import Line, Party, Registrations
from wattmesh_demandresponse.adapters.openadr2_messages import Signing
from wattmesh_demandresponse.adapters.openadr2_registrations import KeptRegistrations
from wattmesh_demandresponse.adapters.openadr2_reports import Oadr2Reports
from wattmesh_demandresponse.adapters.openadr2_vtn import Oadr2Vtn
from wattmesh_demandresponse.app.openadr_objects import Objects
from wattmesh_demandresponse.settings import DemandResponseSettings
from wattmesh_kernel.clock import Clock


def ven_2b(
    settings: DemandResponseSettings, objects: Objects, clock: Clock
) -> tuple[Oadr2Vtn, Oadr2Reports]:
    """Return the VEN that is set, and its reports."""
    url = settings.openadr2_vtn_url or ""
    signing = Signing(
        certificate=settings.openadr2_certificate_file,
        key=settings.openadr2_key_file,
        vtn_fingerprint=settings.openadr2_vtn_fingerprint,
    )
    line = Line(url, signing, _tls(settings) if url.startswith("https:") else None)
    name = settings.openadr2_ven_name
    return ven_of(line, name, KeptRegistrations(objects, url, name, clock), clock)


def ven_of(
    line: Line, name: str, registrations: Registrations, clock: Clock
) -> tuple[Oadr2Vtn, Oadr2Reports]:
    """Return a VEN on a line, and its reports."""
    party = Party(line, name, registrations)
    reports = Oadr2Reports(line, party, clock)
    return Oadr2Vtn(line, party, reports, clock), reports


def _tls(settings: DemandResponseSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.openadr2_ca_file)
    if settings.openadr2_certificate_file is not None:
        context.load_cert_chain(settings.openadr2_certificate_file, settings.openadr2_key_file)
    return context
