"""Connect as the browser's library reads it: errors with their details, streams in envelopes."""

import base64
import json
import struct

import pytest
from google.rpc import error_details_pb2

from wattmesh_dashboard.api import connect
from wattmesh_kernel.errors import InvalidArgument, NotFound, Unavailable


def test_an_error_has_its_code_its_words_and_its_reason() -> None:
    error = connect.error_to_json(NotFound("SITE_NOT_FOUND", "there is no site sites/x"))
    assert (error["code"], error["message"]) == ("not_found", "there is no site sites/x")
    (detail,) = error["details"]
    assert detail["type"] == "google.rpc.ErrorInfo"
    padded = detail["value"] + "=" * (-len(detail["value"]) % 4)
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(padded))
    assert (info.reason, info.domain) == ("SITE_NOT_FOUND", "wattmesh")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidArgument("EMPTY_RANGE", "empty"), 400),
        (NotFound("SITE_NOT_FOUND", "none"), 404),
        (Unavailable("DATABASE_UNAVAILABLE", "away"), 503),
    ],
)
def test_the_status_is_the_protocols(error: InvalidArgument, status: int) -> None:
    assert connect.http_status(error) == status


def test_a_stream_is_envelopes_and_says_how_it_ended() -> None:
    body = connect.envelope(b"abc") + connect.end_of_stream(Unavailable("X", "away"))
    flags, length = struct.unpack_from(">BI", body)
    assert (flags, body[5 : 5 + length]) == (0, b"abc")
    flags, length = struct.unpack_from(">BI", body, 8)
    assert (flags, json.loads(body[13:])["error"]["code"]) == (2, "unavailable")


@pytest.mark.parametrize("body", [b"", b"\0\0\0\0", b"\1\0\0\0\0", b"\0\0\0\0\2a", b"\0\0\0\0\1ab"])
def test_what_is_not_one_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        connect.first_message(body)


def test_the_one_message_of_a_request_is_read() -> None:
    assert connect.first_message(connect.envelope(b"hello")) == b"hello"


def test_a_deadline_is_milliseconds() -> None:
    assert connect.deadline_seconds("1500") == 1.5
    assert connect.deadline_seconds(None) is None
    for wrong in ("-1", "1.5", "soon", "99999999999"):
        with pytest.raises(InvalidArgument):
            connect.deadline_seconds(wrong)
