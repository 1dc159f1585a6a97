"""What the machine itself takes: beside it, a figure of milliseconds means something elsewhere."""

import os
import tempfile
import time
from pathlib import Path

_PAGE = b"\x5a" * 8192
_FILE_PAGES = 1024
_SYNCS = 400
_NUMBERS = 10_000_000


def machine(folder: Path | None = None) -> dict[str, float]:
    """Return what a plain sum takes [CPU s], and what it takes until a page is on disk [ms].

    `fdatasync_ms_*` is of 8 KiB that are written over in a file of `folder`, as a database does
    before it says that something is kept: no durable answer can be faster, nor its tail shorter.
    """
    began = time.process_time()
    sum(number * number for number in range(_NUMBERS))
    summed = time.process_time() - began
    waits = sorted(_syncs_ms(folder))
    return {
        "sum_cpu_s": round(summed, 3),
        "fdatasync_ms_p50": round(waits[len(waits) // 2], 2),
        "fdatasync_ms_p99": round(waits[int(0.99 * (len(waits) - 1))], 2),
    }


def _syncs_ms(folder: Path | None) -> list[float]:
    found = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(_PAGE * _FILE_PAGES)
        file.flush()
        os.fsync(file.fileno())
        for number in range(_SYNCS):
            os.pwrite(file.fileno(), _PAGE, number % _FILE_PAGES * len(_PAGE))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000.0)
    return found
