"""What the twin needs from the outside."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from wattmesh_kernel.errors import Unavailable
from wattmesh_twin.domain.site import SiteState
from wattmesh_twin.domain.telegram import BatteryRecord, Telegram


class SiteJournal(Protocol):
    """Where a site's devices keep what must outlive the process. Writing again is harmless."""

    def telegrams(self, telegrams: Sequence[Telegram]) -> None:
        """Keep telegrams until the broker has them."""

    def battery(self, record: BatteryRecord) -> None:
        """Write down what the battery has done."""

    def save(self, state: SiteState) -> None:
        """Keep the state from which the site can be continued."""


class TelegramQueue(Protocol):
    """Telegrams that wait for the broker."""

    def pending(self) -> Sequence[Telegram]:
        """Return the waiting telegrams, oldest first."""

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
