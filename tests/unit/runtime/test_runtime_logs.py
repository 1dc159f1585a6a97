import json
import logging
import sys
from contextvars import copy_context

import pytest
from opentelemetry import trace

from wattmesh_runtime.logs import JsonFormatter, PlainFormatter
from wattmesh_runtime.request_context import current_request_id, enter_request


def failure() -> logging.LogRecord:
    try:
        raise ValueError("why")
    except ValueError:
        return logging.LogRecord("a.b", logging.ERROR, "f", 1, "two\nlines", None, sys.exc_info())


def line_of(request: str) -> str:
    enter_request(request)
    return JsonFormatter().format(failure())


def current_after(offered: str | bytes | None) -> str:
    assert enter_request(offered) == current_request_id()
    return current_request_id()


def test_a_json_line_is_one_line_and_names_its_request() -> None:
    line = copy_context().run(line_of, "req-1")
    parsed = json.loads(line)
    assert "\n" not in line
    assert (parsed["message"], parsed["request_id"]) == ("two\nlines", "req-1")
    assert "ValueError: why" in parsed["exception"]


def test_a_json_line_says_which_service_and_trace_it_is_of() -> None:
    identity = trace.SpanContext(trace_id=10, span_id=11, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(identity)):
        parsed = json.loads(JsonFormatter("planner").format(failure()))
    assert parsed["service"] == "planner"
    assert (parsed["trace_id"], parsed["span_id"]) == (f"{10:032x}", f"{11:016x}")
    assert "trace_id" not in json.loads(JsonFormatter("planner").format(failure()))


def test_a_callers_request_id_is_kept() -> None:
    assert copy_context().run(current_after, "req-1.a_b") == "req-1.a_b"


@pytest.mark.parametrize("offered", [None, "", "has space", "x" * 65, "line\nbreak", b"bytes"])
def test_a_request_id_that_could_harm_a_log_is_replaced(offered: str | bytes | None) -> None:
    request_id = copy_context().run(current_after, offered)
    assert request_id != offered
    assert len(request_id) == 32


@pytest.mark.parametrize("formatter", [JsonFormatter(), PlainFormatter("%(name)s %(message)s")])
def test_what_a_caller_sends_makes_no_long_line(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("a.b", logging.INFO, "f", 1, "no %s", ("x" * 2**20,), None)
    assert 500 < len(formatter.format(record)) <= 1100
    try:
        raise ValueError("y" * 2**20)
    except ValueError:
        record.exc_info = sys.exc_info()
    assert len(formatter.format(record)) < 10_000


def test_a_name_that_somebody_chose_makes_no_line_of_its_own() -> None:
    name = "café\n2026-01-01 12:00:00 INFO all is well\r\x1b[2J\u2028end"
    record = logging.LogRecord("a.b", logging.INFO, "f", 1, "no %s", (name,), None)
    line = PlainFormatter("%(name)s %(message)s").format(record)
    assert line == ("a.b no café\\n2026-01-01 12:00:00 INFO all is well\\r\\x1b[2J\\u2028end")
