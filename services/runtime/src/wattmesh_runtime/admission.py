"""How many calls are served at a time: all together and of each caller, streams apart."""

from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta

from wattmesh_runtime.aio.places import FairPlaces, PlaceLimits
from wattmesh_runtime.settings import ServiceSettings

RETRY_AFTER = timedelta(seconds=1)
UNBOUNDED = ("/grpc.health.v1.Health/", "/grpc.channelz.v1.Channelz/", "/grpc.reflection.")
"""Answered however busy the server is: whoever asks wants to know just that."""


class Admission:
    """The places of one server's calls.

    A unary call waits for a place, a stream is refused at once: it may last for days.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._calls = FairPlaces(
            "calls",
            PlaceLimits(
                places=settings.calls_at_once,
                places_per_caller=settings.calls_at_once_per_caller,
                queue=settings.calls_waiting,
                queue_per_caller=settings.calls_waiting_per_caller,
            ),
            RETRY_AFTER,
        )
        self._streams = FairPlaces(
            "streams",
            PlaceLimits(
                places=settings.streams_at_once,
                places_per_caller=settings.streams_at_once_per_caller,
                queue=0,
                queue_per_caller=0,
            ),
            RETRY_AFTER,
        )

    def place(self, method: str, caller: str, *, stream: bool) -> AbstractAsyncContextManager[None]:
        """Hold a place while the block runs; ResourceExhausted TOO_BUSY when too many wait."""
        if method.startswith(UNBOUNDED):
            return nullcontext()
        return (self._streams if stream else self._calls).held(caller)
