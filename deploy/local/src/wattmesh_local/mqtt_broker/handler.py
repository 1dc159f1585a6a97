"""One client's connection to the broker, with a sender of its own for persistent sessions."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from amqtt.errors import ProtocolHandlerError
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.session import OutgoingApplicationMessage

from wattmesh_local.mqtt_broker.outbox import Outbox, Outboxes

QOS_1 = 1
_MOST_IN_FLIGHT = 200


class DurableHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt has no types
    """Stores what the client publishes before it is acknowledged; sends the client's outbox."""

    def __init__(
        self,
        plugins_manager: Any,
        outboxes: Outboxes,
        may_say: Callable[[str], bool],
        may_hear: Callable[[str], bool],
    ) -> None:
        super().__init__(plugins_manager)
        self._may_say = may_say
        self._may_hear = may_hear
        self._outboxes = outboxes
        self._sender: asyncio.Task[None] | None = None
        self._window = asyncio.Semaphore(_MOST_IN_FLIGHT)

    async def start(self) -> None:
        """Start reading; for a persistent session, sending its outbox from the beginning."""
        await super().start()
        session = self.session
        if session is not None and session.client_id and session.clean_session is False:
            box = self._outboxes.box(session.client_id)
            box.reconnect()
            self._sender = asyncio.create_task(self._send_all(box))

    async def stop(self) -> None:
        """Stop both."""
        if self._sender is not None and self._sender is not asyncio.current_task():
            self._sender.cancel()
        await super().stop()

    async def handle_publish(self, publish_packet: PublishPacket) -> None:
        """Store a message for persistent sessions; then amqtt hands it to the others and acks."""
        topic, data = publish_packet.topic_name, publish_packet.data
        if topic is not None and data is not None and self._may_say(topic):
            self._outboxes.post(topic, bytes(data))
        await super().handle_publish(publish_packet)

    async def handle_puback(self, puback: PubackPacket) -> None:
        """Delete what the client acknowledged."""
        header = puback.variable_header
        client = self.session.client_id if self.session else None
        if header and client and self._outboxes.acknowledge(client, header.packet_id):
            self._window.release()
            return
        await super().handle_puback(puback)

    async def _send_all(self, box: Outbox) -> None:
        # amqtt turns the cancellation of a write into an error of its own.
        with contextlib.suppress(ConnectionError, ProtocolHandlerError):
            while True:
                await box.filled.wait()
                await self._window.acquire()
                await self._send_next(box)

    async def _send_next(self, box: Outbox) -> None:
        session = self.session
        if session is None:
            raise ConnectionResetError("the handler is detached")
        packet_id = session.next_packet_id
        while box.uses(packet_id):
            packet_id = session.next_packet_id
        taken = box.next(packet_id)
        if taken is None:
            self._window.release()
            return
        message, repeated = taken
        if not self._may_hear(message.topic):  # any more
            self._outboxes.acknowledge(session.client_id or "", packet_id)
            self._window.release()
            return
        outgoing = OutgoingApplicationMessage(
            packet_id, message.topic, QOS_1, message.payload, retain=False
        )
        await self._send_packet(outgoing.build_publish_packet(dup=repeated))
