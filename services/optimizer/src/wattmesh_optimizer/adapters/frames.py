"""What goes between the service and its worker processes: frames over a socket pair."""

import struct

from wattmesh_optimizer.app.ports import Answer

HEADER = struct.Struct("!I")
"""Length of what follows [B]."""
_JOB = struct.Struct("!dB")
_ANSWER = struct.Struct("!B")


def job_frame(method: str, ends_at: float, request: bytes) -> bytes:
    """Return a job as a frame; `ends_at` is a reading of `time.monotonic`."""
    name = method.encode()
    content = _JOB.pack(ends_at, len(name)) + name + request
    return HEADER.pack(len(content)) + content


def job_of(content: bytes) -> tuple[str, float, bytes]:
    """Return method, end and request of a job."""
    ends_at, length = _JOB.unpack_from(content)
    start = _JOB.size + length
    return content[_JOB.size : start].decode(), ends_at, content[start:]


def answer_frame(answer: Answer) -> bytes:
    """Return an answer as a frame."""
    return HEADER.pack(1 + len(answer.content)) + _ANSWER.pack(answer.failed) + answer.content


def answer_of(content: bytes) -> Answer:
    """Return the answer that is in a frame."""
    return Answer(failed=bool(content[0]), content=content[1:])
