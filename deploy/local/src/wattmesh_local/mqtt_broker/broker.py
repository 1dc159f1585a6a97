"""amqtt's broker with durable persistent sessions."""

import asyncio
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, ListenerConfig
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from wattmesh_local.mqtt_broker.handler import QOS_1, DurableHandler
from wattmesh_local.mqtt_broker.outbox import Outboxes
from wattmesh_local.mqtt_broker.rights import Doors
from wattmesh_local.mqtt_broker.store import SessionStore

_REFUSED = 0x80


class OpenAuthPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets everybody in, without making the session an anonymous one that amqtt forgets."""

    async def authenticate(self, *, session: Session) -> bool | None:
        """Say yes."""
        return True


class DurableBroker(Broker):  # type: ignore[misc]  # amqtt has no types
    """A broker on host:port that keeps persistent sessions in a file; an async context manager.

    Without `doors` it asks nobody who they are, and is for loopback. With them a client has a name
    and its password, or is not let in; what it publishes where its name may not reaches nobody, a
    topic that it may not read is not subscribed to, and a session that reads one is not taken over.
    QoS 1 subscriptions of persistent sessions get
    every message published under them at least once; wills and retained messages go amqtt's way.
    """

    def __init__(self, address: str, state_file: Path, doors: Doors | None = None) -> None:
        config: dict[str, Any] = {
            "listeners": {"default": {"type": "tcp", "bind": address}},
            "plugins": {f"{OpenAuthPlugin.__module__}.{OpenAuthPlugin.__qualname__}": {}},
        }
        super().__init__(config)
        self._store = SessionStore(state_file)
        self._outboxes = Outboxes(self._store, self._matches)
        self._doors = doors

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.shutdown()
        self._store.close()

    @property
    def port(self) -> int:
        """The port that is bound."""
        server = self._servers["default"].instance
        assert isinstance(server, asyncio.Server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """Keep a persistent session's subscription here, any other in amqtt's table."""
        topic_filter, qos = subscription
        if not self._may("read", session, topic_filter):
            return _REFUSED
        if session.clean_session is not False or qos < QOS_1 or not session.client_id:
            return int(await super().add_subscription(subscription, session))
        self._outboxes.subscribe(session.client_id, topic_filter)
        return QOS_1

    async def _authenticate(self, session: Session, listener: ListenerConfig) -> bool:
        if self._doors is None:
            return bool(await super()._authenticate(session, listener))
        known = self._doors.passwords.admits(session.username, session.password)
        kept = self._outboxes.filters(session.client_id or "")
        last_words = session.will_topic if session.will_flag else None
        return (
            known
            and all(self._may("read", session, each) for each in kept)
            and (last_words is None or self._may("write", session, last_words))
        )

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        return self._may("write" if action is Action.PUBLISH else "read", session, topic)

    def _may(self, action: str, session: Session, topic: str) -> bool:
        return self._doors is None or self._doors.rights.may(action, session.username or "", topic)

    async def _start_listeners(self) -> None:
        for client in self._outboxes.restore():
            handler, session = self.create_offline_session(client)
            session.clean_session = False
            self._sessions[client] = (session, handler)
        await super()._start_listeners()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        _, session = await super()._initialize_client_session(
            reader, writer, remote_address, remote_port
        )
        may_say = partial(self._may, "write", session)
        return DurableHandler(self.plugins_manager, self._outboxes, may_say), session

    async def _delete_session(self, client_id: str) -> None:
        self._outboxes.forget(client_id)
        await super()._delete_session(client_id)

    def _del_subscription(self, a_filter: str, session: Session) -> int:
        if session.client_id and self._outboxes.unsubscribe(session.client_id, a_filter):
            return 1
        return int(super()._del_subscription(a_filter, session))

    async def _handle_disconnect(
        self,
        client_session: Session,
        handler: BrokerProtocolHandler,
        disconnect_waiter: "asyncio.Future[Any]",
    ) -> None:
        if self._get_handler(client_session) is handler:
            await super()._handle_disconnect(client_session, handler, disconnect_waiter)
        else:  # taken over: the session already belongs to a newer connection
            await self._stop_handler(handler)
