"""Messages of a VTN of OpenADR 2.0b: read as they are, and nothing of a stranger's text harms."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openleadr import messaging, objects, utils

from tests.fakes.identities import Identities
from tests.fakes.openadr2_vtn import KW, MARKET
from wattmesh_demandresponse.adapters.openadr2_messages import Signing, read, write
from wattmesh_demandresponse.domain.event import LimitAsked, PriceAsked
from wattmesh_demandresponse.domain.offer import Place
from wattmesh_demandresponse.domain.openadr2_events import Event2b, Signal2b, event_from_2b
from wattmesh_demandresponse.domain.programme import EventKind, Payment, Programme
from wattmesh_kernel.baseline import Baseline, BaselineMethod
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.programme_ids import EventId, ProgrammeId
from wattmesh_local.identities.authority import CERTIFICATE, KEY

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OK = {"response_code": 200, "response_description": "OK", "request_id": "1"}


@cache
def distributed() -> str:
    interval = objects.Interval(dtstart=NOW, duration=HOUR, signal_payload=-2.0)
    signal = objects.EventSignal(
        signal_name="LOAD_DISPATCH",
        signal_type="delta",
        signal_id="s",
        measurement=KW,
        intervals=[interval],
    )
    descriptor = objects.EventDescriptor(
        event_id="007", modification_number=3, market_context=MARKET, event_status="far"
    )
    event = objects.Event(
        event_descriptor=descriptor, event_signals=[signal], targets=[{"resource_id": "0012"}]
    )
    return str(
        messaging.create_message(
            "oadrDistributeEvent",
            events=[asdict(event)],
            vtn_id="vtn",
            response=OK,
            request_id="r",
        )
    )


def test_ids_of_digits_stay_what_they_are() -> None:
    message = read(distributed().encode(), Signing())

    (part,) = message.events()
    event = part.read(NOW)
    assert (message.kind, message.request_id) == ("oadrDistributeEvent", "r")
    assert (event.id, event.modification_number, event.resources) == ("007", 3, ("0012",))
    assert event.signals[0] == Signal2b(
        name="LOAD_DISPATCH",
        type="delta",
        intervals=((HOUR, -2.0),),
        item="powerReal",
        unit="W",
        scale="k",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"<",
        b"hello",
        b"<oadrPayload/>",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"<x>" + b"y" * 5_000_001 + b"</x>",
    ],
)
def test_what_is_not_openadr_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidArgument):
        read(content, Signing())


def test_what_would_burst_its_reader_is_refused_at_once() -> None:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "ha">{laughs}]><l>&a8;</l>'
    for content in (
        bomb.encode(),
        b"<a>" * 200_000 + b"</a>" * 200_000,  # nested deeper than anybody reads
        b"<a>" + b"x" * 6_000_000 + b"</a>",
        b'<a b="' + b"&#65;" * 900_000 + b'"/>',
        "<a/>".encode("utf-16"),
        b"\x00\x00",
    ):
        with pytest.raises(InvalidArgument):
            read(content, Signing())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<ei:value>-2.0</ei:value>", "<ei:value>NaN</ei:value>"),
        ("<ei:value>-2.0</ei:value>", "<ei:value>INF</ei:value>"),
        ("PT1H", "-PT1H"),
        ("PT1H", "P9999999W"),
        ("PT1H", "P3661D"),
        ("2026-01-05T12:00:00", "9999-12-31T12:00:00"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused_by_itself(old: str, new: str) -> None:
    whole = distributed()
    assert old in whole
    reduction = of(EventKind.PAID_REDUCTION, baseline=Baseline(method=BaselineMethod.DECLARED))

    def taken() -> None:
        (part,) = read(whole.replace(old, new).encode(), Signing()).events()
        place = Place(event_id=EventId(reduction.id, "e"), now=NOW)
        event_from_2b(part.read(NOW), reduction, place)

    with pytest.raises(InvalidArgument):
        taken()


def test_a_document_type_is_refused_around_a_message_that_holds_too() -> None:
    head, rest = distributed().split("\n", 1)
    for prefix in ('<!DOCTYPE x [<!ENTITY a "b">]>', '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x">'):
        with pytest.raises(InvalidArgument):
            read(f"{head}{prefix}{rest}".encode(), Signing())


@settings(max_examples=40)
@given(at=st.integers(0, 3_000), text=st.text(max_size=8))
def test_a_message_with_anything_in_it_is_read_or_refused(at: int, text: str) -> None:
    whole = distributed()
    try:
        message = read((whole[:at] + text + whole[at:]).encode(errors="ignore"), Signing())
        for part in message.events():
            part.read(NOW)
    except InvalidArgument:
        pass


@settings(max_examples=40)
@given(name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_no_name_makes_another_message_of_ours(name: str) -> None:
    said = write("oadrPoll", Signing(), ven_id=name)

    tree = messaging.etree.fromstring(said)
    (ven,) = tree.iter("{http://docs.oasis-open.org/ns/energyinterop/201110}venID")
    assert len(list(tree.iter())) == 4
    assert "".join((ven.text or "").split()) == "".join(name.split())


def test_a_message_that_somebody_else_signed_is_refused(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    ours, theirs = identities.issue("spiffe://x/vtn"), identities.issue("spiffe://x/forger")
    fingerprint = utils.certificate_fingerprint((ours / CERTIFICATE).read_text())
    signing = Signing(certificate=ours / CERTIFICATE, key=ours / KEY, vtn_fingerprint=fingerprint)
    asked = read(write("oadrPoll", signing, ven_id="v"), signing)
    assert asked.kind == "oadrPoll"

    forged = Signing(certificate=theirs / CERTIFICATE, key=theirs / KEY)
    for message in (
        write("oadrPoll", forged, ven_id="v"),
        write("oadrPoll", Signing(), ven_id="v"),
        write("oadrPoll", signing, ven_id="v").replace(b">v<", b">w<"),
    ):
        with pytest.raises(InvalidArgument):
            read(message, signing)


def event(programme: Programme, *signals: Signal2b) -> Any:
    given = Event2b(
        id="e",
        modification_number=0,
        market_context=MARKET,
        cancelled=False,
        start=NOW,
        duration=HOUR,
        signals=signals,
        created=NOW - HOUR,
    )
    return event_from_2b(given, programme, Place(event_id=EventId(programme.id, "e"), now=NOW))


def of(kind: EventKind, **fields: Any) -> Programme:
    return Programme(id=ProgrammeId("p"), event_kind=kind, time_zone="UTC", **fields)


def signal(name: str, type_: str, *values: float, **fields: Any) -> Signal2b:
    return Signal2b(
        name=name, type=type_, intervals=tuple((HOUR, each) for each in values), **fields
    )


W: Mapping[str, str] = {"item": "powerReal", "unit": "W", "scale": "M"}


def test_the_signal_that_says_more_than_a_level_counts() -> None:
    limits = of(EventKind.LIMIT, level_powers_w=(10_000, 6_000))
    simple = signal("SIMPLE", "level", 0, 1)
    setpoint = signal("LOAD_DISPATCH", "setpoint", 0.004, 0.005, **W)
    share = signal("LOAD_CONTROL", "x-loadControlCapacity", 0.5)

    assert event(limits, simple, setpoint).asked == LimitAsked(max_import_w=(4_000.0, 5_000.0))
    assert event(limits, simple).asked == LimitAsked(max_import_w=(10_000.0, 6_000.0))
    assert event(limits, share).asked == LimitAsked(max_import_w=(5_000.0,))


def test_prices_are_in_the_programmes_currency_and_relative_ones_on_top() -> None:
    prices = of(EventKind.PRICE, payment=Payment(currency_code="EUR"))
    unit = {"item": "currencyPerKWh", "unit": "EUR", "scale": "c"}

    asked = event(prices, signal("ELECTRICITY_PRICE", "priceRelative", 5.0, **unit)).asked
    assert asked == PriceAsked(import_per_kwh=(0.05,), additional=True)
    with pytest.raises(InvalidArgument):
        event(prices, signal("ELECTRICITY_PRICE", "price", 5.0, **{**unit, "unit": "USD"}))


def test_intervals_of_different_lengths_share_a_measure_and_an_event_has_an_end() -> None:
    reductions = of(EventKind.LIMIT, level_powers_w=(9_000, 3_000))
    uneven = Signal2b(name="SIMPLE", type="level", intervals=((HOUR, 1), (HOUR / 2, 0)))

    found = event(reductions, uneven)
    assert (found.resolution, found.asked.max_import_w) == (HOUR / 2, (3_000.0, 3_000.0, 9_000.0))
    for lasts in (timedelta(0), -HOUR, HOUR + timedelta(microseconds=1)):
        endless = Signal2b(name="SIMPLE", type="level", intervals=((HOUR, 1), (lasts, 0)))
        with pytest.raises(InvalidArgument):
            event(reductions, endless)


@pytest.mark.parametrize(
    ("programme", "given"),
    [
        (of(EventKind.LIMIT), signal("SIMPLE", "level", 1)),
        (of(EventKind.LIMIT, level_powers_w=(1, 2)), signal("SIMPLE", "level", 2)),
        (of(EventKind.LIMIT, level_powers_w=(1, 2)), signal("SIMPLE", "level", 0.5)),
        (of(EventKind.LIMIT), signal("LOAD_DISPATCH", "setpoint", 4.0)),
        (of(EventKind.LIMIT), signal("LOAD_DISPATCH", "setpoint", -4.0, **W)),
        (of(EventKind.LIMIT), signal("LOAD_DISPATCH", "setpoint", float("nan"), **W)),
        (of(EventKind.LIMIT), signal("LOAD_CONTROL", "x-loadControlCapacity", 0.5)),
        (of(EventKind.PRICE), signal("SIMPLE", "level", 1)),
    ],
)
def test_what_the_programme_does_not_say_is_refused(programme: Programme, given: Signal2b) -> None:
    with pytest.raises(InvalidArgument):
        event(programme, given)
