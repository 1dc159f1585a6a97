"""What surrounds a service that is fuzzed: settings, peers, and requests that make sense."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import grpc
from google.protobuf.message import Message

from tests.fuzz.contents import Seeds
from wattmesh_kernel.clock import ScaledClock, format_clock_spec
from wattmesh_runtime.service import Runtime, Service
from wattmesh_runtime.settings import ServiceSettings

HOUR = timedelta(hours=1)


class World(ABC):
    """One service's surroundings."""

    name: ClassVar[str]
    services: ClassVar[tuple[str, ...]]
    """Full names of what it serves."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """What the service is told by its environment, by lower-case names."""

    @property
    @abstractmethod
    def settings_type(self) -> type[ServiceSettings]:
        """What the service reads them with."""

    @abstractmethod
    def wire(self, settings: Any, runtime: Runtime) -> AbstractAsyncContextManager[Service]:
        """Build the service in this process."""

    async def before_start(self) -> None:  # noqa: B027 (mostly there is nothing to do)
        """Make what a process of its own needs from its start on."""

    @abstractmethod
    async def prepare(self, channel: grpc.aio.Channel, turn: int) -> None:
        """Bring about what the seeds of a turn name; calls may have destroyed that of the last."""

    @abstractmethod
    def seeds(self, turn: int) -> Seeds:
        """Return calls that succeed, by the path of their method."""

    def words(self, turn: int) -> Sequence[str]:
        """Return texts that mean something to the service."""
        return ()


def clock_from(moment: datetime) -> str:
    """Return the setting of a clock that shows a moment now and goes on as the wall's does."""
    return format_clock_spec(ScaledClock(moment, datetime.now(UTC), 1.0))


def unary_seeds(service: str, by_name: Mapping[str, Sequence[Message]]) -> Seeds:
    """Return the seeds of methods that take one message, by their names."""
    return {f"/{service}/{name}": [(each,) for each in some] for name, some in by_name.items()}
