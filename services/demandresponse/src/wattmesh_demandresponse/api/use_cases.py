"""What the handlers share: the use cases that they call, the clock, and who calls."""

from dataclasses import dataclass

import grpc

from wattmesh_demandresponse.app.baselines import Baselines
from wattmesh_demandresponse.app.events import KeepEvents
from wattmesh_demandresponse.app.participations import Participations
from wattmesh_demandresponse.app.programmes import KeepEnrolments, KeepProgrammes
from wattmesh_demandresponse.app.signal_reserve import SignalReserve
from wattmesh_demandresponse.app.watch import WatchEvents
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.access.guard import current_identity

Context = grpc.aio.ServicerContext[object, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class UseCases:
    """What the service does."""

    clock: Clock
    programmes: KeepProgrammes
    enrolments: KeepEnrolments
    events: KeepEvents
    participations: Participations
    baselines: Baselines
    watch: WatchEvents
    signal_reserve: SignalReserve


def principal() -> str:
    """Return who calls; empty where nobody is asked who they are."""
    identity = current_identity()
    return "" if identity is None else identity.name
