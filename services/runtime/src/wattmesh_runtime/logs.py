"""Logging to standard error: plain lines for people, JSON lines for machines."""

import json
import logging
import sys
from datetime import UTC, datetime

from wattmesh_runtime.request_context import current_request_id

_PLAIN = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure_logging(level: str, style: str) -> None:
    """Send all logs to standard error in one `style`, `plain` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else logging.Formatter(_PLAIN))
    logging.basicConfig(level=level, handlers=[handler], force=True)


class JsonFormatter(logging.Formatter):
    """One JSON object per record, with the request id when one is being served."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_request_id():
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
