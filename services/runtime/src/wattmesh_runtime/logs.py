"""Logging to standard error: plain lines for people, JSON lines for machines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace

from wattmesh_runtime.request_context import current_request_id

PLAIN = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


LONGEST_MESSAGE = 900
"""Bytes of a message in a log: what callers send is not for it."""
LONGEST_TRACEBACK = 8_000


def shortened(text: str, longest: int) -> str:
    """Return a text, its middle left out where it has more than `longest` bytes."""
    content = text.encode(errors="replace")
    if len(content) <= longest:
        return text
    half = longest // 2
    first, last = (part.decode(errors="ignore") for part in (content[:half], content[-half:]))
    return f"{first}[… {len(content) - 2 * half} bytes …]{last}"


def one_line(text: str) -> str:
    """Return a text with what would end its line, or steer a terminal, written out.

    A name that somebody chose does not become a line of its own, in another's name.
    """
    return text if text.isprintable() else "".join(map(_written_out, text))


def _written_out(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def configure_logging(level: str, style: str, service: str = "") -> None:
    """Send all logs to standard error in one `style`, `plain` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service) if style == "json" else PlainFormatter(PLAIN))
    logging.basicConfig(level=level, handlers=[handler], force=True)


class PlainFormatter(logging.Formatter):
    """Lines and tracebacks of bounded length; a message is one line, whatever is in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line without a traceback."""
        record.message = one_line(shortened(record.message, LONGEST_MESSAGE))
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Return the traceback."""
        return shortened(super().formatException(ei), LONGEST_TRACEBACK)


class JsonFormatter(PlainFormatter):
    """One JSON object per record, with its service, and the request and trace it is about."""

    def __init__(self, service: str = "") -> None:
        super().__init__(PLAIN)
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": shortened(record.getMessage(), LONGEST_MESSAGE),
        }
        if self._service:
            line["service"] = self._service
        if request_id := current_request_id():
            line["request_id"] = request_id
        identity = trace.get_current_span().get_span_context()
        if identity.is_valid:
            line["trace_id"] = trace.format_trace_id(identity.trace_id)
            line["span_id"] = trace.format_span_id(identity.span_id)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
