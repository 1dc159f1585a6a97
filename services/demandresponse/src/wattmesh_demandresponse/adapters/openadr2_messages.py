"""Messages of OpenADR 2.0b: openleadr writes them, checks them by its schema and signs them.

They are read here: its own reader takes an id of digits for a number ("007" for 7), and its client
keeps time and events by itself. What comes from a VTN is text of a stranger: no entities, no
document types, no network, a bound on its size.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree
from openleadr import messaging

from wattmesh_demandresponse.domain.metered_reports import ReportRequest
from wattmesh_demandresponse.domain.openadr2_events import Event2b, Signal2b
from wattmesh_demandresponse.domain.openadr_time import duration_from_text, time_from_text
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.time import EPOCH

LARGEST = 5_000_000
"""[bytes] of one message."""
_MOST_EVENTS = 1000
_NAMES = {
    "oadr": "http://openadr.org/oadr-2.0b/2012/07",
    "ei": "http://docs.oasis-open.org/ns/energyinterop/201110",
    "pyld": "http://docs.oasis-open.org/ns/energyinterop/201110/payloads",
    "xcal": "urn:ietf:params:xml:ns:icalendar-2.0",
    "strm": "urn:ietf:params:xml:ns:icalendar-2.0:stream",
    "emix": "http://docs.oasis-open.org/ns/emix/2011/06",
    "power": "http://docs.oasis-open.org/ns/emix/2011/06/power",
    "scale": "http://docs.oasis-open.org/ns/emix/2011/06/siscale",
}
_ITEMS = ("power:powerReal", "oadr:currencyPerKWh", "power:energyReal", "oadr:customUnit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Signing:
    """With what messages are signed (PEM files), and the VTN's fingerprint; None: not."""

    certificate: Path | None = None
    key: Path | None = None
    vtn_fingerprint: str | None = None


class Forged(InvalidArgument):
    """A message whose signature is not the VTN's, is of something else, or was used before."""


class Message:
    """What a VTN said: `kind` is its name, e.g. `oadrDistributeEvent`; empty: nothing."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self.kind = "" if body is None else str(etree.QName(body).localname)

    def text(self, path: str) -> str:
        """Return the text at a path; empty where there is none."""
        return "" if self._body is None else _text(self._body, path)

    @property
    def code(self) -> int:
        """The response code, 200 where none is said."""
        text = self.text(".//ei:eiResponse/ei:responseCode")
        return int(text) if text.isdecimal() and len(text) < 6 else 200

    @property
    def poll_every(self) -> timedelta | None:
        """How often the VTN wants to be asked."""
        text = self.text("oadr:oadrRequestedOadrPollFreq/xcal:duration")
        return duration_from_text(text) if text else None

    @property
    def request_id(self) -> str:
        """The id by which it is answered."""
        return self.text("pyld:requestID") or self.text(".//pyld:requestID")

    def texts(self, path: str) -> list[str]:
        """Return the texts at a path."""
        return [str(each.text or "").strip() for each in self._elements(path)]

    def _elements(self, path: str) -> list[Any]:
        return [] if self._body is None else list(self._body.findall(path, _NAMES))

    def events(self) -> list["Part"]:
        """Return the events that are distributed, at most 1,000."""
        return [Part(each) for each in self._elements("oadr:oadrEvent")[:_MOST_EVENTS]]

    @property
    def told_vens(self) -> set[str]:
        """Whom it names: VENs that it, or an event in it, is for."""
        return set(self.texts(".//ei:venID"))

    def report_requests(self) -> list[ReportRequest]:
        """Return which reports are wanted. Error: InvalidArgument."""
        return [_report_request(each) for each in self._elements("oadr:oadrReportRequest")]


class Part:
    """An event as it was distributed; read by and by: a part that makes no sense harms no other."""

    def __init__(self, element: Any) -> None:
        self._event = element.find("ei:eiEvent", _NAMES)
        self.id = _text(self._event, "ei:eventDescriptor/ei:eventID")
        self.modification_number = _count(
            _text(self._event, "ei:eventDescriptor/ei:modificationNumber")
        )
        self.answer_required = _text(element, "oadr:oadrResponseRequired") != "never"

    def read(self, now: datetime) -> Event2b:
        """Return the event. Error: InvalidArgument."""
        about = self._event.find("ei:eventDescriptor", _NAMES)
        period = self._event.find("ei:eiActivePeriod/xcal:properties", _NAMES)
        created = _text(about, "ei:createdDateTime")
        return Event2b(
            id=self.id,
            modification_number=self.modification_number,
            market_context=_text(about, "ei:eiMarketContext/emix:marketContext"),
            cancelled=_text(about, "ei:eventStatus") == "cancelled",
            start=time_from_text(_text(period, "xcal:dtstart/xcal:date-time"), now),
            duration=duration_from_text(_text(period, "xcal:duration/xcal:duration")),
            signals=tuple(
                _signal(each)
                for each in self._event.findall("ei:eiEventSignals/ei:eiEventSignal", _NAMES)
            ),
            created=time_from_text(created, now) if created else now,
            priority=_count(_text(about, "ei:priority")),
            test=_text(about, "ei:testEvent") not in ("", "false"),
            resources=tuple(
                str(each.text or "").strip()
                for each in self._event.findall("ei:eiTarget/ei:resourceID", _NAMES)
            ),
        )


def write(kind: str, signing: Signing, **content: Any) -> bytes:
    """Return a message, signed where there is something to sign with."""
    signed: dict[str, Any] = {}
    if signing.certificate is not None and signing.key is not None:
        signed = {"cert": signing.certificate.read_bytes(), "key": signing.key.read_bytes()}
    safe: dict[str, Any] = _escaped({"request_id": uuid.uuid4().hex, **content})
    return str(messaging.create_message(kind, **signed, **safe)).encode()


def read(content: bytes, signing: Signing) -> Message:
    """Return what a VTN said.

    Errors: InvalidArgument for what is not OpenADR 2.0b, `Forged` for what the VTN did not sign.
    """
    if not content.strip():
        return Message(None)
    tree = _checked(content)
    if signing.vtn_fingerprint is not None:
        try:
            messaging.validate_xml_signature(tree, signing.vtn_fingerprint)
        except Exception as error:  # whatever a forged signature makes of its reader
            raise Forged(
                "INVALID_VALUE", f"the signature does not hold: {type(error).__name__}"
            ) from error
    body = tree.find("oadr:oadrSignedObject/*", _NAMES)
    return Message(body)


def _checked(content: bytes) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
    )
    try:
        if len(content) > LARGEST:
            raise InvalidArgument("INVALID_VALUE", "the message is too long")
        tree = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidArgument("INVALID_VALUE", f"that is no XML: {error}") from error
    if tree.getroottree().docinfo.doctype:
        raise InvalidArgument("INVALID_VALUE", "a message has no document type")
    if not messaging.XML_SCHEMA.validate(tree):
        fault = messaging.XML_SCHEMA.error_log.last_error
        raise InvalidArgument("INVALID_VALUE", f"that is not OpenADR 2.0b: {fault}"[:400])
    return tree


def _signal(element: Any) -> Signal2b:
    item = next((each for each in _ITEMS if element.find(each, _NAMES) is not None), "")
    prefix = item.partition(":")[0]
    return Signal2b(
        name=_text(element, "ei:signalName"),
        type=_text(element, "ei:signalType"),
        intervals=tuple(
            _interval(each) for each in element.findall("strm:intervals/ei:interval", _NAMES)
        ),
        item=item.partition(":")[2],
        unit=_text(element, f"{item}/{prefix}:itemUnits") if item else "",
        scale=_text(element, f"{item}/scale:siScaleCode") if item else "",
    )


def _interval(element: Any) -> tuple[timedelta, float]:
    length = _text(element, "xcal:duration/xcal:duration")
    value = _text(element, "ei:signalPayload/ei:payloadFloat/ei:value")
    try:
        number = float(value)
    except ValueError as error:
        raise InvalidArgument(
            "INVALID_VALUE", f"{value[:40]!r} is no number", field="signals"
        ) from error
    return (duration_from_text(length) if length else timedelta(0)), number


def _report_request(element: Any) -> ReportRequest:
    specifier = element.find("ei:reportSpecifier", _NAMES)
    granularity = duration_from_text(_text(specifier, "xcal:granularity/xcal:duration"))
    every = duration_from_text(_text(specifier, "ei:reportBackDuration/xcal:duration"))
    period = "ei:reportInterval/xcal:properties"
    start = _text(specifier, f"{period}/xcal:dtstart/xcal:date-time")
    length = _text(specifier, f"{period}/xcal:duration/xcal:duration")
    lasts = duration_from_text(length) if length else timedelta(0)
    bounded = bool(start) and bool(lasts)
    return ReportRequest(
        id=_text(element, "ei:reportRequestID"),
        specifier_id=_text(specifier, "ei:reportSpecifierID"),
        resources=tuple(
            str(each.text or "").strip()
            for each in specifier.findall("ei:specifierPayload/ei:rID", _NAMES)
        ),
        granularity=granularity or every,
        every=every or granularity,
        end=time_from_text(start, EPOCH) + lasts if bounded else None,
    )


def _text(element: Any, path: str) -> str:
    found = None if element is None else element.find(path, _NAMES)
    return "" if found is None else str(found.text or "").strip()


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _escaped(value: Any) -> Any:
    """Return what templates may be given: they write text as it is."""
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(each) for each in value]
    return value
