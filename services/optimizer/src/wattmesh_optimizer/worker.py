"""`python -m wattmesh_optimizer.worker`: the process whose forks solve. The service starts it."""

import argparse
import os
import queue
import resource
import socket
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

from wattmesh_optimizer.adapters.forker import fork_on_order
from wattmesh_optimizer.adapters.frames import HEADER, answer_frame, job_of
from wattmesh_optimizer.adapters.ortools_solver import OrToolsSolver
from wattmesh_optimizer.api.jobs import OptimizerJobs
from wattmesh_optimizer.app.explain import ExplainPlan
from wattmesh_optimizer.app.simulate import SimulatePlan
from wattmesh_optimizer.app.solve import SolveOptions, SolvePlan
from wattmesh_optimizer.app.warm import WarmStarts
from wattmesh_runtime.logs import configure_logging


def main() -> None:
    """Fork workers until the service is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--time-limit-seconds", type=float, required=True)
    parser.add_argument("--gap-ratio", type=float, required=True)
    parser.add_argument("--log-level", default="INFO")
    parser.add_argument("--log-format", default="plain")
    parser.add_argument("control", type=int)
    given = parser.parse_args()
    configure_logging(given.log_level, given.log_format)
    defaults = SolveOptions(
        time_limit=timedelta(seconds=given.time_limit_seconds), gap_ratio=given.gap_ratio
    )
    work = partial(serve_line, defaults=defaults, memory_bytes=given.memory_bytes)
    fork_on_order(socket.socket(fileno=given.control), work)


def serve_line(line: socket.socket, *, defaults: SolveOptions, memory_bytes: int) -> None:
    """Work on what comes over a line, until it ends."""
    _limit_memory(memory_bytes)
    solve, simulate = SolvePlan(OrToolsSolver(), warm_starts=WarmStarts()), SimulatePlan()
    jobs = OptimizerJobs(solve, ExplainPlan(solve, simulate), simulate, defaults)
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(line, waiting), daemon=True).start()
    while True:
        line.sendall(answer_frame(jobs.answer(*job_of(waiting.get()))))


def _read(line: socket.socket, waiting: "queue.SimpleQueue[bytes]") -> None:
    """Read jobs; end the process with its line, even in the middle of a solve: nobody waits."""
    try:
        while True:
            (size,) = HEADER.unpack(_exactly(line, HEADER.size))
            waiting.put(_exactly(line, size))
    finally:  # also when there is no memory for the job: the service says so
        os._exit(0)


def _exactly(line: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        part = line.recv(min(size - len(content), 2**20))
        if not part:
            raise EOFError
        content += part
    return bytes(content)


def _limit_memory(memory_bytes: int) -> None:
    """Bound what the process may take beyond what it has; where the system can tell that."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        had = int(statm.read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (had + memory_bytes, hard))


if __name__ == "__main__":
    main()
