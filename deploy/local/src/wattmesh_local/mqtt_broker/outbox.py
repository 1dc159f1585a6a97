"""What persistent sessions have yet to get, and handing it to whoever is connected."""

import asyncio
from collections import deque
from collections.abc import Callable

from wattmesh_local.mqtt_broker.store import SessionStore, StoredMessage

Matches = Callable[[str, str], bool]
"""Whether a topic matches a filter."""


class Outbox:
    """Messages of one client: waiting, or sent and not acknowledged."""

    def __init__(self, waiting: list[StoredMessage]) -> None:
        self.filled = asyncio.Event()
        self._waiting = deque(waiting)
        self._in_flight: dict[int, StoredMessage] = {}
        self._before: set[int] = set()
        self._wake()

    def put(self, message: StoredMessage) -> None:
        """Add a new message."""
        self._waiting.append(message)
        self._wake()

    def next(self, packet_id: int) -> tuple[StoredMessage, bool] | None:
        """Take the next message in flight; with it, whether it may have been sent before."""
        if not self._waiting:
            self._wake()
            return None
        message = self._waiting.popleft()
        self._in_flight[packet_id] = message
        self._wake()
        return message, message.id in self._before

    def acknowledge(self, packet_id: int) -> StoredMessage | None:
        """Take a message out of flight; None when there was none of that packet id."""
        message = self._in_flight.pop(packet_id, None)
        if message is not None:
            self._before.discard(message.id)
        return message

    def reconnect(self) -> None:
        """Put what was in flight back in front: a new connection gets it again, in order."""
        again = sorted(self._in_flight.values(), key=lambda message: message.id)
        self._before.update(message.id for message in again)
        self._waiting.extendleft(reversed(again))
        self._in_flight.clear()
        self._wake()

    def uses(self, packet_id: int) -> bool:
        """Whether a packet id is in flight."""
        return packet_id in self._in_flight

    def _wake(self) -> None:
        if self._waiting:
            self.filled.set()
        else:
            self.filled.clear()


class Outboxes:
    """The outboxes of all persistent sessions, on disk before anybody is told."""

    def __init__(self, store: SessionStore, matches: Matches) -> None:
        self._store = store
        self._matches = matches
        self._filters: dict[str, set[str]] = {}
        self._boxes: dict[str, Outbox] = {}

    def restore(self) -> list[str]:
        """Read everything from the store; return the clients."""
        for client in self._store.clients():
            self._filters[client] = set(self._store.subscriptions(client))
            self._boxes[client] = Outbox(self._store.messages(client))
        return list(self._boxes)

    def box(self, client: str) -> Outbox:
        """Return a client's outbox."""
        return self._boxes.setdefault(client, Outbox([]))

    def filters(self, client: str) -> frozenset[str]:
        """Return what a client's session listens to."""
        return frozenset(self._filters.get(client, ()))

    def subscribe(self, client: str, topic_filter: str) -> None:
        """Keep what is published on these topics for the client from now on."""
        self._store.subscribe(client, topic_filter)
        self._filters.setdefault(client, set()).add(topic_filter)

    def unsubscribe(self, client: str, topic_filter: str) -> bool:
        """Stop keeping it; say whether it was kept."""
        if topic_filter not in self._filters.get(client, ()):
            return False
        self._store.unsubscribe(client, topic_filter)
        self._filters[client].discard(topic_filter)
        return True

    def forget(self, client: str) -> None:
        """Forget a client that begins a clean session."""
        self._store.forget(client)
        self._filters.pop(client, None)
        self._boxes.pop(client, None)

    def post(self, topic: str, payload: bytes) -> None:
        """Store a message for every persistent session that subscribed to its topic."""
        clients = [
            client
            for client, filters in self._filters.items()
            if any(self._matches(topic, each) for each in filters)
        ]
        if clients:
            for client, message in self._store.add(clients, topic, payload).items():
                self.box(client).put(message)

    def acknowledge(self, client: str, packet_id: int) -> bool:
        """Delete a message that its client acknowledged; say whether it was one of these."""
        message = self.box(client).acknowledge(packet_id)
        if message is not None:
            self._store.remove(message)
        return message is not None
