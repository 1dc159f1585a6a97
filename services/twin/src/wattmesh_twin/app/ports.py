"""What the twin needs from the outside."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from wattmesh_kernel.errors import Unavailable
from wattmesh_kernel.ids import AssetId, DeviceId, TariffId, ZoneId
from wattmesh_kernel.series import Series
from wattmesh_kernel.sites import Asset, Device, Site, SiteGroup
from wattmesh_kernel.tariff import Tariff
from wattmesh_twin.app.run_hot_water import TankMemory
from wattmesh_twin.app.run_household import MachineMemory
from wattmesh_twin.domain.charger import ChargerState, Offer, Visit
from wattmesh_twin.domain.history import PastReadings, SiteHistory
from wattmesh_twin.domain.rooms import Comfort, RoomMemory
from wattmesh_twin.domain.site import SiteState
from wattmesh_twin.domain.tariff import PublishedDay
from wattmesh_twin.domain.telegram import (
    BatteryRecord,
    IslandRecord,
    MachineRecord,
    RoomRecord,
    Telegram,
    VisitRecord,
)
from wattmesh_twin.domain.vehicle import VehicleSpec


class SiteJournal(Protocol):
    """Where a site's devices keep what must outlive the process. Writing again is harmless."""

    def telegrams(self, telegrams: Sequence[Telegram]) -> None:
        """Keep telegrams until the broker has them."""

    def island(self, record: IslandRecord) -> None:
        """Write down what a site that can do without the grid has come to."""

    def battery(self, record: BatteryRecord) -> None:
        """Write down what the battery has done."""

    def save(self, state: SiteState) -> None:
        """Keep the state from which the site can be continued."""

    def visit(self, record: VisitRecord) -> None:
        """Write down what became of a visit to a charge point."""

    def room(self, record: RoomRecord) -> None:
        """Write down what a room came to in an hour."""

    def save_room(self, id_: str, memory: RoomMemory | TankMemory) -> None:
        """Keep from where a room or a tank can be continued."""

    def machine(self, record: MachineRecord) -> None:
        """Write down what a machine came to in an hour."""

    def save_machine(self, id_: str, memory: MachineMemory) -> None:
        """Keep from where a machine can be continued."""

    def save_charger(self, id_: str, past: Sequence[tuple[ChargerState, Offer]]) -> None:
        """Keep from where a charge point can be continued, and what the meter has yet to see."""


class UsageBoard(Protocol):
    """Where people say which vehicles there are, and what they need. Repeating is harmless."""

    async def put_vehicle(self, token: str, vehicle: VehicleSpec) -> None:
        """Make a vehicle known, by its token."""

    async def put_past(self, asset: AssetId, visit: Visit, charged_wh: float) -> None:
        """Make a visit known that is over, with what was charged [Wh]."""

    async def put_comfort(self, asset: AssetId, comfort: Comfort) -> None:
        """Say what is wanted in a room."""

    async def declare(self, asset: AssetId, visit: Visit) -> None:
        """Say until when a vehicle that has come stays, and what it needs."""


class TelegramQueue(Protocol):
    """Telegrams that wait for the broker."""

    def pending(self) -> Sequence[Telegram]:
        """Return the waiting telegrams, oldest first."""

    @property
    def begun(self) -> bool:
        """Whether the broker ever confirmed one."""

    async def wait(self) -> None:
        """Return when a telegram waits."""

    def confirm(self, telegram: Telegram) -> None:
        """Write down that the broker has it."""


class BrokerLost(Unavailable):
    """The broker is away, or did not confirm in time."""

    def __init__(self, message: str) -> None:
        super().__init__("BROKER_LOST", message)


class TelegramLine(Protocol):
    """An open connection to the broker."""

    async def send(self, telegram: Telegram) -> None:
        """Return when the broker has confirmed the telegram; BrokerLost otherwise."""


class Broker(Protocol):
    """The way to the MQTT broker."""

    def connect(self) -> AbstractAsyncContextManager[TelegramLine]:
        """Open a connection; BrokerLost when there is no broker."""


class Listener(Protocol):
    """Who is to hear the meters."""

    async def heard(self, devices: Collection[DeviceId]) -> None:
        """Return if nothing that these devices publish is missed; Unavailable: not yet."""


class SiteDirectory(Protocol):
    """Where sites are made known. Saying the same again changes nothing."""

    async def put_tariff(self, tariff: Tariff) -> None:
        """Make a tariff known, without published prices."""

    async def put_site(self, site: Site) -> None:
        """Make a site known."""

    async def put_asset(self, asset: Asset) -> None:
        """Make an asset of a known site known."""

    async def put_device(self, device: Device) -> None:
        """Make a device known, with what it does for known assets."""

    async def put_group(self, group: SiteGroup) -> None:
        """Make known which sites are planned together."""


class PriceBoard(Protocol):
    """Where dynamic prices are published."""

    async def publish(self, tariff: TariffId, day: PublishedDay) -> None:
        """Publish the prices of a local day."""


class ReadingStore(Protocol):
    """Where readings from before the start go."""

    async def ingest(self, history: SiteHistory | PastReadings) -> int:
        """Store a site's history and return how many readings were refused."""


class CarbonBoard(Protocol):
    """Where measured carbon intensities are published."""

    async def publish_average(self, zone: ZoneId, source: str, gco2e_per_kwh: Series) -> None:
        """Publish average intensities [gCO2e/kWh] of intervals that have ended."""


class ProvisionMark(Protocol):
    """Remembers that metering has the history."""

    def is_set(self) -> bool:
        """Return whether it was sent."""

    def set(self) -> None:
        """Remember that it was sent."""
