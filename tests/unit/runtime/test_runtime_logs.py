import json
import logging
import sys

import pytest

from wattmesh_runtime.logs import JsonFormatter
from wattmesh_runtime.request_context import current_request_id, enter_request


def record(message: str, *, failed: bool = False) -> logging.LogRecord:
    try:
        if failed:
            raise ValueError("why")
    except ValueError:
        return logging.LogRecord("a.b", logging.ERROR, "f", 1, message, None, sys.exc_info())
    return logging.LogRecord("a.b", logging.INFO, "f", 1, message, None, None)


def test_a_json_line_is_one_line_and_names_its_request() -> None:
    enter_request("req-1")
    line = JsonFormatter().format(record("two\nlines", failed=True))
    parsed = json.loads(line)
    assert "\n" not in line
    assert (parsed["message"], parsed["request_id"]) == ("two\nlines", "req-1")
    assert "ValueError: why" in parsed["exception"]


@pytest.mark.parametrize("offered", [None, "", "has space", "x" * 65, "line\nbreak", b"bytes"])
def test_a_request_id_that_could_harm_a_log_is_replaced(offered: str | bytes | None) -> None:
    request_id = enter_request(offered)
    assert request_id != offered
    assert len(request_id) == 32
    assert current_request_id() == request_id
