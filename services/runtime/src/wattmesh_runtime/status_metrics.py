"""Whether a process can work, as metrics."""

from collections.abc import Iterable

from opentelemetry.metrics import Observation

from wattmesh_runtime.metrics import CERTIFICATE_END, DEPENDENCY_AVAILABLE, PROCESS_READY
from wattmesh_runtime.readiness import ProcessStatus
from wattmesh_runtime.telemetry import Telemetry


def show_status(telemetry: Telemetry, status: ProcessStatus) -> None:
    """Show whether a process is ready, what is there, and when its certificate ends."""

    def ready() -> Iterable[Observation]:
        return [Observation(int(status.ready))]

    def dependencies() -> Iterable[Observation]:
        return [
            Observation(
                int(each.available),
                {
                    "wattmesh.dependency": each.dependency.name,
                    "wattmesh.dependency.required": str(each.dependency.required).lower(),
                },
            )
            for each in status.states
            if each.available is not None
        ]

    def certificate() -> Iterable[Observation]:
        holds = status.certificate()
        return [] if holds is None else [Observation(holds.end.timestamp())]

    telemetry.watched(PROCESS_READY, ready)
    telemetry.watched(CERTIFICATE_END, certificate)
    telemetry.watched(DEPENDENCY_AVAILABLE, dependencies)
