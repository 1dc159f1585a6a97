"""The probe service as a process of its own, through the runtime's `run_service`.

An answer takes as many seconds as its request says: "0.5" is answered after half a second.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from tests.fakes.probe_service import NAME, ProbeService
from wattmesh_runtime.service import Runtime, Service, run_service
from wattmesh_runtime.settings import ServiceSettings


class ProbeSettings(ServiceSettings):
    """What the probe can be told."""

    task_fails: bool = False
    slow_start_seconds: float = 0


async def answer_after(seconds: str) -> str:
    await asyncio.sleep(float(seconds))
    return seconds


@contextlib.asynccontextmanager
async def wire(settings: ProbeSettings, runtime: Runtime) -> AsyncIterator[Service]:
    async def work() -> None:
        if settings.task_fails:
            raise ValueError("the task has failed")
        await asyncio.Event().wait()

    print("wiring begins", file=sys.stderr, flush=True)
    await asyncio.sleep(settings.slow_start_seconds)
    try:
        yield Service(
            name="probe",
            register=(ProbeService(answer_after).register,),
            service_names=(NAME,),
            tasks=(work,),
        )
    finally:
        print("wiring closed", file=sys.stderr)


if __name__ == "__main__":
    run_service(ProbeSettings, wire)
