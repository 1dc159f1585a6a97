"""amqtt's broker with durable persistent sessions."""

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session
from amqtt.utils import gen_client_id

from wattmesh_local.mqtt_broker.doors import Doors
from wattmesh_local.mqtt_broker.handler import QOS_1, DurableHandler
from wattmesh_local.mqtt_broker.outbox import Outboxes
from wattmesh_local.mqtt_broker.store import SessionStore

_log = logging.getLogger(__name__)
_REFUSED = 0x80
_NOT_LET_IN = "not let in"
_LAST_WORDS = ("will_flag", "will_retain", "will_message", "will_topic", "will_qos")
_SAY_AGAIN_SECONDS = 60.0
"""How often it is logged that somebody is refused who tries again and again."""
_MOST_SAID = 1000


def _is_news(record: logging.LogRecord) -> bool:
    """Drop amqtt's own line of each refusal: it is said once in a while, with what helps."""
    return _NOT_LET_IN not in record.getMessage()


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
    Names and rights count as they are now, for those who are connected too.
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
        self._said: dict[str, float] = {}
        self.logger = logging.getLogger("amqtt.broker.local")
        self.logger.addFilter(_is_news)

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

    def _lets_in(self, session: Session) -> bool:
        """Whether somebody is who they say, may say their last words, and read what is kept."""
        if self._doors is None:
            return True
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
        return self._doors is None or self._doors.may(action, session.username, topic)

    async def _start_listeners(self) -> None:
        for client in self._outboxes.restore():
            handler, session = self.create_offline_session(client)
            session.clean_session = False
            self._sessions[client] = (session, handler)
        await super()._start_listeners()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        """Ask who somebody is before anything of a session is touched, unlike amqtt."""
        connect = BrokerProtocolHandler.init_from_connect
        try:
            _, asked = await connect(reader, writer, self.plugins_manager)
        except (AMQTTError, MQTTError, NoDataError):
            await writer.close()
            raise
        if not self._lets_in(asked):
            self._say_refused(asked)
            with suppress(ConnectionError):
                await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            await writer.close()
            raise MQTTError(_NOT_LET_IN)
        session = await self._session_of(asked)
        may_say = partial(self._may, "write", session)
        may_hear = partial(self._may, "read", session)
        return DurableHandler(self.plugins_manager, self._outboxes, may_say, may_hear), session

    async def _session_of(self, asked: Session) -> Session:
        """Return the session that somebody has or begins."""
        client = asked.client_id
        asked.parent = 0
        if asked.clean_session:
            if client:
                await self._delete_session(client)
            else:
                asked.client_id = gen_client_id()
            return asked
        if client not in self._sessions:
            return asked
        kept: Session = self._sessions[client][0]
        for name in (*_LAST_WORDS, "keep_alive", "username", "password"):
            setattr(kept, name, getattr(asked, name))
        kept.parent = 1
        return kept

    def _say_refused(self, asked: Session) -> None:
        """Log who is refused and what lets them in; the password is nobody's to read."""
        name, now = asked.username or "", time.monotonic()
        if now - self._said.get(name, -_SAY_AGAIN_SECONDS) < _SAY_AGAIN_SECONDS:
            return
        if len(self._said) >= _MOST_SAID:
            self._said.clear()
        self._said[name] = now
        unfit = f"as {name!r} it has another password, or wants what is another's"
        why = unfit if name else "it has no name"
        words = "the client %r is refused: %s; `wattmesh broker allow NAME` lets a device in"
        _log.warning(words, asked.client_id, why)

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
