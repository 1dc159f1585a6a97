"""Requests out of their bounds are refused by field, before any work."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from wattmesh.metering.v1 import metering_pb2
from wattmesh.optimizer.v1 import optimizer_pb2
from wattmesh.site.v1 import site_service_pb2
from wattmesh.type.v1 import series_pb2
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_runtime.bounds import check_request, decode


def refusal(request: Any) -> tuple[str, str]:
    with pytest.raises(InvalidArgument) as refused:
        check_request(request)
    assert len(refused.value.message) < 500
    return refused.value.reason, refused.value.field


def deep(depth: int) -> Value:
    value = Value(string_value="end")
    for _ in range(depth):
        outer = Value()
        outer.struct_value.fields["a"].CopyFrom(value)
        value = outer
    return value


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (site_service_pb2.GetSiteRequest(name="a\0b"), ("INVALID_TEXT", "name")),
        (site_service_pb2.GetSiteRequest(name="a" * 2**24), ("INVALID_TEXT", "name")),
        (site_service_pb2.ListSitesRequest(page_size=-1), ("INVALID_PAGE_SIZE", "page_size")),
        (
            metering_pb2.GetLatestReadingsRequest(points=["a"] * 20_001),
            ("TOO_MANY_ITEMS", "points"),
        ),
        (metering_pb2.GetLatestReadingsRequest(points=["a", "\0"]), ("INVALID_TEXT", "points")),
        (Timestamp(seconds=10**11), None),
        (Struct(fields={"a\0": Value()}), ("INVALID_TEXT", "fields")),
        (deep(30), ("MALFORMED_REQUEST", ".".join(["struct_value.fields"] * 16) + ".struct_value")),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_its_field(
    request_: Any, expected: tuple[str, str] | None
) -> None:
    if expected is None:
        check_request(request_)
    else:
        reason, field = refusal(request_)
        assert reason == expected[0]
        assert field.startswith(expected[1][:20])


@pytest.mark.parametrize("seconds", [-(10**11), 10**11, 2**62])
def test_times_that_no_calendar_holds_are_refused(seconds: int) -> None:
    request = optimizer_pb2.SolveRequest()
    request.problem.horizon.start_time.seconds = seconds
    assert refusal(request) == ("INVALID_TIME", "problem.horizon.start_time")


@pytest.mark.parametrize(("seconds", "nanos"), [(2**50, 0), (1, -1), (0, 10**9)])
def test_durations_that_are_none_are_refused(seconds: int, nanos: int) -> None:
    request = optimizer_pb2.SolveRequest()
    request.options.time_limit.seconds = seconds
    request.options.time_limit.nanos = nanos
    assert refusal(request) == ("INVALID_DURATION", "options.time_limit")


@pytest.mark.parametrize("number", [1e300, -1e13, math.inf, -math.inf, math.nan])
def test_numbers_that_no_arithmetic_survives_are_refused(number: float) -> None:
    request = optimizer_pb2.SolveRequest()
    request.options.gap_ratio = number
    assert refusal(request) == ("INVALID_VALUE", "options.gap_ratio")


@pytest.mark.parametrize("number", [1e300, math.inf, -math.inf])
def test_a_list_of_numbers_is_refused_by_the_first_that_is_unusable(number: float) -> None:
    request = optimizer_pb2.SolveRequest()
    load = request.problem.sites.add().assets.add().fixed_load
    load.powers_w.extend([1.0, math.nan, number, math.inf])
    assert refusal(request) == ("INVALID_VALUE", "problem.sites.assets.fixed_load.powers_w[2]")


def test_a_value_that_is_missing_in_a_series_passes() -> None:
    check_request(series_pb2.Series(values=[1.0, math.nan]))


def test_readings_are_judged_one_by_one_later() -> None:
    check_request(metering_pb2.ReadingBatch(values=[math.inf, 1e300, math.nan]))


def test_bytes_that_are_no_message_are_the_callers_fault() -> None:
    assert refusal(decode(site_service_pb2.GetSiteRequest.FromString, b"\xff\xff")) == (
        "MALFORMED_REQUEST",
        "",
    )


def test_a_usual_request_passes() -> None:
    request = optimizer_pb2.SolveRequest()
    request.problem.horizon.start_time.FromDatetime(datetime(2024, 1, 1, tzinfo=UTC))
    request.options.time_limit.seconds = 365 * 86_400
    request.problem.sites.add(name="sites/a").assets.add(name="x").fixed_load.powers_w.extend(
        [1.0] * 35_040
    )
    check_request(request)
