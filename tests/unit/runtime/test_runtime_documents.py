"""Domain values survive the way to a document and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import DeviceId, SiteId
from wattmesh_kernel.money import Money
from wattmesh_kernel.series import Series
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.documents import DocumentCodec

START = datetime(2024, 1, 1, tzinfo=UTC)
BATTERY = DeviceId(SiteId("home-1"), "battery")
V = TypeVar("V")


class Kind(StrEnum):
    POWER = "power"
    LIMIT = "limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Clamped:
    value: float
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Known(Generic[V]):
    value: V
    age: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    device: DeviceId
    kind: Kind
    when: datetime
    span: TimeRange
    resolution: timedelta
    power: Series
    rate: float | Series
    answers: tuple[Accepted | Clamped | Refused, ...]
    state: Known[float] | Missing
    cost: Money
    zone: ZoneInfo
    points: frozenset[str]
    ratings_w: Mapping[DeviceId, float]
    level: Literal["high", "low"]
    pair: tuple[int, bool]
    limit_w: float | None = None
    notes: list[str] = field(default_factory=list)


CODEC = DocumentCodec[Everything](Everything)

times = st.timedeltas(timedelta(0), timedelta(days=40_000)).map(lambda since: START + since)
durations = st.timedeltas(min_value=-timedelta(days=4000), max_value=timedelta(days=4000))
numbers = st.floats(allow_nan=False)
powers = st.builds(
    Series,
    times,
    st.just(timedelta(minutes=15)),
    st.lists(st.floats(), max_size=5).map(np.array),
)
answers = (
    st.builds(Accepted, value=numbers)
    | st.builds(Clamped, value=numbers, reason=st.text())
    | st.builds(Refused, reason=st.text())
)
devices = st.builds(DeviceId, st.just(SiteId("home-1")), st.sampled_from(["a", "b", "battery"]))
everything = st.builds(
    Everything,
    device=devices,
    kind=st.sampled_from(Kind),
    when=times,
    span=st.builds(TimeRange.of, times, st.timedeltas(timedelta(0), timedelta(days=2))),
    resolution=durations,
    power=powers,
    rate=numbers | powers,
    answers=st.lists(answers, max_size=3).map(tuple),
    state=st.builds(Known, value=numbers, age=durations) | st.builds(Missing, why=st.text()),
    cost=st.builds(
        Money, st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["EUR", "USD"])
    ),
    zone=st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")]),
    points=st.frozensets(st.text(max_size=5), max_size=3),
    ratings_w=st.dictionaries(devices, numbers),
    level=st.sampled_from(["high", "low"]),
    pair=st.tuples(st.integers(), st.booleans()),
    limit_w=st.none() | numbers,
    notes=st.lists(st.text(), max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(everything)
def test_a_value_is_the_same_after_text_and_after_jsonb(value: Everything) -> None:
    assert CODEC.from_json(CODEC.to_json(value)) == value
    document = CODEC.to_document(value)
    stored = json.dumps(document, allow_nan=False)  # a jsonb column takes neither NaN nor infinity
    assert CODEC.from_document(json.loads(stored)) == value


def test_a_document_reads_like_its_value() -> None:
    codec = DocumentCodec[Any](tuple[Accepted | Clamped | Refused, ...])

    assert codec.to_document((Clamped(value=5.0, reason="RATING"), Refused(reason="OFF"))) == [
        {"type": "Clamped", "value": 5.0, "reason": "RATING"},
        {"type": "Refused", "reason": "OFF"},
    ]
    assert DocumentCodec[DeviceId](DeviceId).to_document(BATTERY) == "sites/home-1/devices/battery"
    assert DocumentCodec[TimeRange](TimeRange).to_document(
        TimeRange.of(START, timedelta(hours=1))
    ) == {"start": "2024-01-01T00:00:00Z", "end": "2024-01-01T01:00:00Z"}
    assert DocumentCodec[timedelta](timedelta).to_document(timedelta(minutes=15)) == "PT15M"
    assert DocumentCodec[Series](Series).to_document(
        Series(START, timedelta(hours=1), np.array([1.0, np.nan]))
    ) == {"start": "2024-01-01T00:00:00Z", "resolution": "PT1H", "values": [1.0, None]}


def test_times_come_back_in_utc() -> None:
    codec = DocumentCodec[datetime](datetime)
    east = datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))

    read = codec.from_json(codec.to_json(east))

    assert read == START
    assert read.tzinfo is UTC


def test_a_new_field_with_a_default_does_not_spoil_old_documents() -> None:
    codec = DocumentCodec[Any](Known[float])
    assert codec.from_document({"value": 1.0, "age": "PT1S", "later": "unknown here"}) == Known(
        value=1.0, age=timedelta(seconds=1)
    )
    document = CODEC.to_document(
        Everything(
            device=BATTERY,
            kind=Kind.POWER,
            when=START,
            span=TimeRange(START, START),
            resolution=timedelta(hours=1),
            power=Series(START, timedelta(hours=1), np.array([])),
            rate=0.3,
            answers=(),
            state=Missing(why="never metered"),
            cost=Money(Decimal("1.50"), "EUR"),
            zone=ZoneInfo("UTC"),
            points=frozenset(),
            ratings_w={},
            level="low",
            pair=(1, True),
        )
    )
    del document["limit_w"], document["notes"]
    read = CODEC.from_document(document)
    assert read.limit_w is None
    assert read.notes == []


@pytest.mark.parametrize(
    "document",
    [
        {"value": 1.0},
        {"value": "much", "age": "PT1S"},
        {"value": 1.0, "age": "a while"},
        [],
        None,
    ],
)
def test_what_is_no_document_of_the_type_is_refused(document: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        DocumentCodec[Any](Known[float]).from_document(document)
    assert caught.value.reason == "INVALID_DOCUMENT"


@pytest.mark.parametrize("text", ["", "{", '{"type": "Unheard"}', "NaN"])
def test_broken_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        DocumentCodec[Any](Accepted | Refused).from_json(text)
    assert caught.value.reason == "INVALID_DOCUMENT"


def test_a_value_refuses_from_a_document_what_it_refuses_anyway() -> None:
    with pytest.raises(InvalidArgument) as caught:
        DocumentCodec[Any](TimeRange).from_document(
            {"start": "2024-01-02T00:00:00Z", "end": "2024-01-01T00:00:00Z"}
        )
    assert caught.value.reason == "INVALID_RANGE"


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        DocumentCodec[datetime](datetime).from_document("2024-01-01T00:00:00")


def test_a_type_without_documents_is_noticed_when_the_codec_is_made() -> None:
    with pytest.raises(TypeError, match="no documents of"):
        DocumentCodec[Any](list[object])
