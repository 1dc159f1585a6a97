"""OpenADR's documents as events of ours, and back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wattmesh_demandresponse.domain.event import Event, LimitAsked, PriceAsked, ReductionAsked
from wattmesh_demandresponse.domain.openadr_events import event_from_json, event_to_json
from wattmesh_demandresponse.domain.openadr_time import duration_from_text, duration_to_text
from wattmesh_demandresponse.domain.programme import EventKind, Programme
from wattmesh_kernel.baseline import Baseline, BaselineMethod
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.programme_ids import EventId, ProgrammeId
from wattmesh_kernel.time import TimeRange

HOUR = timedelta(hours=1)
NOW = datetime(2024, 5, 15, 10, tzinfo=UTC)
START = NOW + 5 * HOUR
PROGRAMME = Programme(
    id=ProgrammeId("street"),
    event_kind=EventKind.PAID_REDUCTION,
    time_zone="UTC",
    baseline=Baseline(method=BaselineMethod.METER_BEFORE),
)
ID = EventId(PROGRAMME.id, "e1")


def document(*intervals: Any, duration: str = "PT1H", **more: Any) -> dict[str, Any]:
    period = {"start": "2024-05-15T15:00:00.000Z", "duration": duration}
    return {"programID": "street", "intervalPeriod": period, "intervals": list(intervals), **more}


def interval(kind: str, *values: Any, **more: Any) -> dict[str, Any]:
    return {"id": 0, "payloads": [{"type": kind, "values": list(values)}], **more}


def read(*intervals: Any, **more: Any) -> Event:
    return event_from_json(document(*intervals, **more), ID, NOW)


def test_prices_come_in_place_of_the_tariffs() -> None:
    event = read(interval("PRICE", 0.17), interval("PRICE", 0.22), eventName="prices")

    assert event.asked == PriceAsked(import_per_kwh=(0.17, 0.22))
    assert (event.range, event.step) == (TimeRange.of(START, 2 * HOUR), HOUR)
    assert event.display_name == "prices"


def test_limits_are_said_in_kilowatts() -> None:
    both = interval("IMPORT_CAPACITY_LIMIT", 4.2)
    both["payloads"].append({"type": "EXPORT_CAPACITY_LIMIT", "values": [1.5]})

    assert read(both).asked == LimitAsked(max_import_w=(4_200.0,), max_export_w=(1_500.0,))


def test_a_relative_setpoint_below_zero_is_a_reduction() -> None:
    event = read(interval("DISPATCH_SETPOINT_RELATIVE", -2.0), duration="PT2H")
    assert event.asked == ReductionAsked(powers_w=(2_000.0,))
    with pytest.raises(InvalidArgument):
        read(interval("DISPATCH_SETPOINT_RELATIVE", 2.0))


def test_intervals_of_different_lengths_get_their_common_measure() -> None:
    event = read(
        interval("PRICE", 0.1), interval("PRICE", 0.2, intervalPeriod={"duration": "PT90M"})
    )

    assert event.step == HOUR / 2
    assert event.asked == PriceAsked(import_per_kwh=(0.1, 0.1, 0.2, 0.2, 0.2))


def test_several_values_share_the_time_of_their_interval() -> None:
    event = read(interval("PRICE", 0.17, 0.03, 0.11), duration="PT3H")

    assert event.step == HOUR
    assert event.asked == PriceAsked(import_per_kwh=(0.17, 0.03, 0.11))


def test_the_lowest_number_is_the_highest_priority() -> None:
    assert read(interval("PRICE", 1), priority=0).priority == 100
    assert read(interval("PRICE", 1), priority=99).priority == 1
    assert read(interval("PRICE", 1)).priority == 0


@pytest.mark.parametrize(
    "intervals",
    [
        [],
        [interval("SIMPLE", 1)],
        [interval("PRICE", "dear")],
        [interval("PRICE", float("nan"))],
        [interval("PRICE")],
        [interval("PRICE", 0.1), interval("IMPORT_CAPACITY_LIMIT", 1)],
        [interval("PRICE", 0.1, intervalPeriod={"start": "2024-05-15", "duration": "PT1H"})],
        [
            interval("PRICE", 0.1),
            interval("PRICE", 0.1, intervalPeriod={"start": "2024-05-16T15:00:00Z"}),
        ],
        [interval("PRICE", 0.1, intervalPeriod={"duration": "P1Y"})],
        [interval("PRICE", 0.1, intervalPeriod={"duration": "-PT1H"})],
        [interval("PRICE", 0.1, intervalPeriod={"start": "9999-12-31T23:00:00Z"})],
        [interval("PRICE", 0.1, intervalPeriod={"duration": "P3650D"})] * 1_000,
        ["interval"],
    ],
)
def test_what_there_is_no_word_for_is_refused_with_its_place(intervals: list[Any]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read(*intervals)
    assert refused.value.field


@pytest.mark.parametrize(
    "asked",
    [
        LimitAsked(max_import_w=(4_200.0, 0.0), max_export_w=(10.0, 1.5)),
        LimitAsked(max_export_w=(10.0, 1.5)),
        PriceAsked(import_per_kwh=(0.3, -0.05)),
        PriceAsked(import_per_kwh=(0.3, -0.05), export_per_kwh=(0.1, 0.0)),
        ReductionAsked(powers_w=(2_000.0, 1.0)),
    ],
)
def test_what_is_written_is_read_the_same(asked: Any) -> None:
    event = Event(
        id=ID,
        range=TimeRange.of(START, 2 * HOUR),
        resolution=HOUR,
        asked=asked,
        announce_time=NOW,
        display_name="evening",
        priority=7,
    )

    written = event_to_json(event, PROGRAMME, "street__e1")

    assert event_from_json(written, ID, NOW) == replace(event, external_id="street__e1")


def test_a_limit_of_a_node_or_conductor_is_not_told_as_one_of_the_whole_connection() -> None:
    """A client that knows no such limit must not take it for one that it knows."""
    event = Event(
        id=ID,
        range=TimeRange.of(START, HOUR),
        asked=LimitAsked(node="feeder", max_import_w=(900.0,), max_phase_import_w=(400.0,)),
        announce_time=NOW,
    )
    written = event_to_json(event, PROGRAMME, "street__e1")
    (told,) = (each["payloads"] for each in written["intervals"])
    assert told == [
        {"type": "WATTMESH_NODE", "values": ["feeder"]},
        {"type": "WATTMESH_NODE_IMPORT_LIMIT", "values": [0.9]},
        {"type": "WATTMESH_PHASE_IMPORT_LIMIT", "values": [0.4]},
    ]
    assert "IMPORT_CAPACITY_LIMIT" not in str(written["payloadDescriptors"]).replace("WATTMESH", "")


@pytest.mark.parametrize("text", ["PT1H", "PT15M", "PT1H30M", "PT36H", "PT45S"])
def test_durations_are_written_as_they_are_read(text: str) -> None:
    assert duration_to_text(duration_from_text(text)) == text


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1M", "1H", "PT1", "P9999Y", "P" + "9" * 50 + "D"]
)
def test_what_has_no_length_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidArgument):
        duration_from_text(text)
