"""The MQTT driver: which device publishes on which topic, and what its telegrams mean."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from wattmesh_gateway.app.ports import Inbox, NoStays, OpenedDevice, Stays
from wattmesh_gateway.domain.errors import ProfileError, TelegramError
from wattmesh_gateway.domain.profile import DeviceProfile
from wattmesh_gateway.domain.telegram import Delivery, Telegram
from wattmesh_gateway.drivers.kind import Surroundings
from wattmesh_gateway.drivers.mqtt.broker import Broker
from wattmesh_gateway.drivers.mqtt.plug import MqttPlug
from wattmesh_gateway.drivers.mqtt.profile import MqttProfile, TelegramFormat
from wattmesh_gateway.drivers.mqtt.session import Message, MqttSession
from wattmesh_gateway.drivers.mqtt.setpoint import MqttSetpoints
from wattmesh_gateway.drivers.mqtt.settings import MqttSettings
from wattmesh_gateway.drivers.mqtt.understand import understand
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.sites import Device, MqttConnection

log = logging.getLogger(__name__)


class MqttDriver:
    """Listens for devices at one broker."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        inbox: Inbox,
        clock: Clock,
        stays: Stays | None = None,
        *,
        passing: bool = False,
    ) -> None:
        self._inbox = inbox
        self._stays = stays or NoStays()
        self._clock = clock
        self._routes: dict[str, list[MqttDevice]] = {}
        topics = self._routes.keys()
        self._session = MqttSession(
            *(broker, client_id, topics, self.hear, inbox.take),
            passing=passing,
            dropped=inbox.dropped,
        )

    async def open(self, device: Device, profile: DeviceProfile) -> OpenedDevice:
        """Return a device that is listened to once that has begun; ProfileError if not on MQTT."""
        match device.connection, profile:
            case MqttConnection(address=address), MqttProfile():
                setpoints = MqttSetpoints(profile, address, self._session.publish)
                plug = MqttPlug(device, profile.session, address, self._stays)
                opened = MqttDevice(self, device, profile, address, setpoints, plug)
                sets = setpoints if profile.setpoints else None
                return OpenedDevice(listens=opened, sets=sets, close=opened.close)
            case _:
                raise ProfileError(f"{device.connection} and {profile.name!r} are not for MQTT")

    async def wait_ready(self, within_seconds: float) -> bool:
        """Wait until the broker has taken the subscriptions, but not longer; say if it has."""
        return await self._session.wait_until_listening(within_seconds)

    async def run(self) -> None:
        """Stay connected, for ever."""
        await self._session.run()

    def now(self) -> datetime:
        """Return what the clock shows."""
        return self._clock.now()

    def add(self, device: "MqttDevice") -> None:
        """Listen to a device's topics."""
        for topic in device.topics:
            self._routes.setdefault(topic, []).append(device)
        self._session.topics_changed()

    def discard(self, device: "MqttDevice") -> None:
        """Listen to a device's topics no more, unless others publish there."""
        for topic in device.topics:
            devices = self._routes.get(topic, [])
            if device in devices:
                devices.remove(device)
            if not devices:
                self._routes.pop(topic, None)
        self._session.topics_changed()

    async def hear(self, message: Message) -> Delivery | None:
        """Return what is to be kept of a message, once those know it who cannot wait for that."""
        for device in self._routes.get(message.topic, ()):
            await device.hear(message.topic, message.payload)
        if not self._has_readings(message):
            return None
        delivery = self._delivery(message)
        for device in self._routes.get(message.topic, ()):
            await device.follow(message, delivery)
        self._inbox.announce(delivery)
        return delivery

    def _has_readings(self, message: Message) -> bool:
        """Return whether it is more than what a device says of its setpoints."""
        devices = self._routes.get(message.topic, ())
        return not devices or any(message.topic in device.telegram_topics for device in devices)

    def _delivery(self, message: Message) -> Delivery:
        arrival = self._clock.now()
        telegrams = [
            telegram
            for device in self._routes.get(message.topic, ())
            for telegram in device.understand(message.topic, message.payload, arrival)
        ]
        return Delivery(
            origin=message.topic, telegrams=telegrams, payload=message.payload, arrival=arrival
        )


class MqttDevice:
    """A device that publishes by itself, and may be set."""

    def __init__(
        self,
        driver: MqttDriver,
        device: Device,
        profile: MqttProfile,
        address: str,
        setpoints: MqttSetpoints,
        plug: MqttPlug,
    ) -> None:
        self._plug = plug
        self._setpoints = setpoints
        self._driver = driver
        self._device = device
        self._formats = [(each.topic_of(address), each) for each in profile.telegrams]

    @property
    def topics(self) -> frozenset[str]:
        """Where it publishes."""
        return self.telegram_topics | self._setpoints.topics

    @property
    def telegram_topics(self) -> frozenset[str]:
        """Where it publishes what it measures."""
        return frozenset(topic for topic, _ in self._formats) | self._plug.topics

    async def follow(self, message: Message, delivery: Delivery) -> None:
        """Have a charger's words kept, before its message is acknowledged."""
        arrival = delivery.arrival or self._driver.now()
        payload, telegrams = message.payload, delivery.telegrams
        await self._plug.follow(message.topic, payload, arrival, telegrams)

    def begin(self) -> None:
        """Listen to it from now on, until it is closed."""
        self._driver.add(self)

    def close(self) -> None:
        """Listen to it no more."""
        self._driver.discard(self)

    async def hear(self, topic: str, payload: bytes) -> None:
        """Take in what it says of its setpoints, if it does."""
        try:
            await self._setpoints.hear(topic, payload)
        except Exception as error:  # the edge to a device that may send anything
            log.debug("%s: what it holds makes no sense: %r", self._device.id, error)

    def understand(self, origin: str, payload: bytes, arrival: datetime) -> Sequence[Telegram]:
        """Return what a message on one of its topics says."""
        return [
            *(
                self._telegram(format_, payload, arrival)
                for topic, format_ in self._formats
                if topic == origin
            ),
            *self._plug.understand(origin, payload, arrival),
        ]

    def _telegram(self, format_: TelegramFormat, payload: bytes, arrival: datetime) -> Telegram:
        try:
            return understand(self._device, format_, payload, arrival)
        except TelegramError as error:
            problem = str(error)
        except Exception as error:  # the edge to a device that may send anything
            problem = f"{type(error).__name__}: {error}"
        return Telegram(device=self._device.id, problems=[problem], understood=False)


@asynccontextmanager
async def start_mqtt(
    settings: MqttSettings, surroundings: Surroundings
) -> AsyncIterator[MqttDriver]:
    """Start a driver with a session of its own, named after the gateway."""
    broker = settings.broker
    client_id = f"wattmesh-{surroundings.gateway.segment}"
    inbox, clock, stays = surroundings.inbox, surroundings.clock, surroundings.stays
    passing = surroundings.passing
    driver = MqttDriver(broker, client_id, inbox, clock, stays, passing=passing)
    surroundings.background.start(driver.run())
    yield driver
