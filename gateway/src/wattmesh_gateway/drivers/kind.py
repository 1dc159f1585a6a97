"""What a protocol is to the gateway: its profiles, and how its driver starts."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from wattmesh_gateway.app.ports import Driver, Inbox, NoStays, Sessions, Stays
from wattmesh_gateway.profiles.parse import Schema
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.ids import GatewayId
from wattmesh_runtime.aio.tasks import BackgroundTasks
from wattmesh_runtime.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings, contravariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a driver may use: what devices say goes to `inbox`, loops run in `background`.

    Charging sessions go to `sessions`, what chargers show that know none to `stays`. `spool_file`
    is the gateway's own; a driver that has to keep something keeps it in a file beside it, with its
    protocol as suffix. `passing`: it is there for a while only, and leaves nothing behind.
    """

    gateway: GatewayId
    clock: Clock
    inbox: Inbox
    background: BackgroundTasks
    sessions: Sessions
    spool_file: Path
    stays: Stays = field(default_factory=NoStays)
    passing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverKind(Generic[S]):
    """A protocol, under the name that connections and profiles give it.

    `schema` reads its profiles; `start` gives a driver that runs until the context ends, out of
    the settings that the protocol has.
    """

    protocol: str
    schema: Schema
    start: Callable[[S, Surroundings], AbstractAsyncContextManager[Driver]]
