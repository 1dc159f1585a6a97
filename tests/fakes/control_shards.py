"""Shards over leases in memory, and what a unit of work needs around it."""

from dataclasses import dataclass, field

from tests.fakes.control_model import FakeModel
from tests.fakes.control_notices import FakeNotices
from tests.fakes.control_observations import FakeObservations
from tests.fakes.control_store import FakeDueTimes, FakeStore
from tests.fakes.leases import FakeLeases, LeaseTable
from wattmesh_control.app.announce import Announce, CommandBroadcast
from wattmesh_control.app.keep_time import KeepTime
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.app.set_aside import SetAside
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.unit_of_work import UnitOfWork
from wattmesh_control.domain.command import LeaseRule
from wattmesh_kernel.clock import Clock


@dataclass(kw_only=True)
class FakeControl:
    """A control whose database, site model and leases are in memory; nothing runs by itself."""

    clock: Clock
    store: FakeStore = field(default_factory=FakeStore)
    table: LeaseTable = field(default_factory=LeaseTable)
    notices: FakeNotices = field(default_factory=FakeNotices)
    observations: FakeObservations = field(default_factory=FakeObservations)
    chunk_size: int = 500

    def __post_init__(self) -> None:
        self.model = FakeModel(self.clock)
        self.leases = FakeLeases(self.table)
        self.links = GatewayLinks(self.observations)
        self.broadcast = CommandBroadcast()
        self.due_times = FakeDueTimes(self.store)
        self.shards = Shards(
            clock=self.clock,
            leases=self.leases,
            devices=self.model.devices,
            notices=self.notices,
            observations=self.observations,
            poll_seconds=0.05,
        )
        self.announce = Announce(
            shards=self.shards,
            links=self.links,
            broadcast=self.broadcast,
            notices=self.notices,
            observations=self.observations,
        )
        self.unit_of_work = UnitOfWork(
            clock=self.clock,
            store=self.store,
            reconcile=Reconcile(
                clock=self.clock,
                devices=self.model.devices,
                lease=LeaseRule(),
                tolerance_ratio=0.02,
            ),
            announce=self.announce,
        )
        self.set_aside = SetAside(
            clock=self.clock, store=self.store, observations=self.observations
        )
        self.keep_time = KeepTime(
            clock=self.clock,
            due_times=self.due_times,
            shards=self.shards,
            unit_of_work=self.unit_of_work,
            set_aside=self.set_aside,
            chunk_size=self.chunk_size,
        )
        self.shards.taken = self.keep_time.catch_up
        self.announce.wake = self.keep_time.expect
