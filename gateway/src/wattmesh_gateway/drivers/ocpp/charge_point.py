"""One charge point: what it says is kept before it is answered; it is told its limits."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from wattmesh_gateway.app.ports import Inbox, Sessions
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.telegram import Delivery, Telegram, shortened
from wattmesh_gateway.drivers.ocpp.device import OcppDevice
from wattmesh_gateway.drivers.ocpp.dialect import Dialect, Request
from wattmesh_gateway.drivers.ocpp.heard import Begun, Ended, Heard, Json, Nonsense, Reply
from wattmesh_gateway.drivers.ocpp.hearing import hear
from wattmesh_gateway.drivers.ocpp.ledger import Ledger
from wattmesh_gateway.drivers.ocpp.line import Line, not_served
from wattmesh_gateway.drivers.ocpp.stay import Occupancy, Step, advance, with_state_of_connector
from wattmesh_kernel.clock import Clock
from wattmesh_runtime.aio.tasks import BackgroundTasks, race

T = TypeVar("T")

log = logging.getLogger(__name__)

_SHORTEST_HEARTBEAT_SECONDS, _LONGEST_HEARTBEAT_SECONDS = 10, 300
_FIRST_WORD_SECONDS = 5.0
"""How long a charge point has to say something before it is told something [s of the wall]."""

_AWAY_SECONDS = 20.0
"""How long it may be away before that is said [s of the wall]."""


class NotKept(Exception):
    """What came could not be kept: the disk's trouble, not the charge point's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """Where what charge points say is kept, and which tokens may charge (empty: all)."""

    inbox: Inbox
    sessions: Sessions
    ledger: Ledger
    clock: Clock
    background: BackgroundTasks
    tokens: frozenset[str] = frozenset()


class ChargePoint:
    """A charge point that the site model knows, dialled in or not."""

    def __init__(self, id_: str, keeping: Keeping) -> None:
        self.id = id_
        self._keeping = keeping
        self._devices: dict[int, OcppDevice] = {}
        self._occupancies: dict[int, Occupancy] | None = None
        self._line: Line | None = None
        self._dialect: Dialect | None = None
        self._spoke = asyncio.Event()
        self._to_prepare = asyncio.Event()
        self._losing = False

    @property
    def devices(self) -> Sequence[OcppDevice]:
        """Its connectors, as far as the site model has them."""
        return list(self._devices.values())

    @property
    def line(self) -> Line | None:
        """Its websocket; None while it is away."""
        return self._line

    def add(self, device: OcppDevice) -> None:
        """Know one of its connectors from now on: a connector is one device's, the newest."""
        other = self._devices.get(device.connector)
        if other is not None and other.id != device.id:
            log.warning(
                "%s, connector %d: %s, not %s", self.id, device.connector, device.id, other.id
            )
        self._devices[device.connector] = device
        self._to_prepare.set()

    def discard(self, device: OcppDevice) -> None:
        """Know a connector no more."""
        if self._devices.get(device.connector) is device:
            del self._devices[device.connector]

    async def converse(self, line: Line, dialect: Dialect) -> None:
        """Talk over a websocket until it closes; an older one is hung up."""
        older, self._line, self._dialect = self._line, line, dialect
        if older is not None:
            await older.close()
        self._spoke.clear()
        for device in self.devices:
            device.dialled_in()
        self._to_prepare.set()
        try:
            await race(line.run(self._answer), self._prepare_all(line, dialect))
        finally:
            if self._line is line:
                self._line = None
                self._keeping.background.start(self._lose_unless_back())

    def hang_up(self) -> None:
        """Let it go."""
        if self._line is not None:
            self._keeping.background.start(self._line.close())

    async def ask(self, request: Request) -> Json:
        """Ask it something; errors: DeviceUnavailable, DeviceRefused."""
        if self._line is None:
            raise DeviceUnavailable(f"the charge point {self.id} has not dialled in")
        return await self._line.call(request)

    @property
    def dialect(self) -> Dialect:
        """The version that it speaks; DeviceUnavailable while it is away."""
        if self._line is None or self._dialect is None:
            raise DeviceUnavailable(f"the charge point {self.id} has not dialled in")
        return self._dialect

    @property
    def interval_seconds(self) -> int:
        """How often it is to send meter values."""
        return min(
            (device.interval_seconds for device in self.devices),
            default=_LONGEST_HEARTBEAT_SECONDS,
        )

    async def _answer(self, action: str, payload: Json, text: str) -> Json:
        """Keep what a message says, then answer it; Nonsense when it makes none."""
        self._spoke.set()
        dialect = self.dialect
        arrival = self._keeping.clock.now()
        if action and action not in dialect.actions:
            raise not_served(action)
        try:
            heard = hear(dialect, action, payload, arrival)
            transaction = await self._keep(action, text, heard)
        except Nonsense as error:
            await self._keep_nonsense(action, text, str(error))
            raise
        except (NotKept, asyncio.CancelledError):
            raise
        except Exception as error:  # the edge to a peer that may say anything
            problem = shortened(f"{type(error).__name__}: {error}")
            await self._keep_nonsense(action, text, problem)
            raise Nonsense(problem) from error
        reply = Reply(
            now=self._keeping.clock.now(),
            heartbeat_seconds=self._heartbeat_seconds,
            accepted=not self._keeping.tokens or heard.token in self._keeping.tokens,
            transaction=transaction,
        )
        return dialect.reply(action, payload, reply)

    @property
    def _heartbeat_seconds(self) -> int:
        longest = min(self.interval_seconds, _LONGEST_HEARTBEAT_SECONDS)
        return max(longest, _SHORTEST_HEARTBEAT_SECONDS)

    async def _keep(self, action: str, text: str, heard: Heard) -> int:
        """Put on disk what a message says: transaction, readings, session; return the number.

        In this order: whatever is lost in between comes again, since it was not answered.
        """
        heard, number = await self._located(heard)
        if heard.connector == 0 or heard.connector not in self._devices:
            await self._keep_whole(action, text, heard)
            return number
        device = self._devices[heard.connector]
        before = (await self._known()).get(device.connector, Occupancy())
        step = advance(before, heard)
        await self._deliver(action, text, {device: (heard, step)})
        if step == Step(now=before):
            return number
        if step.told is not None:
            await _kept(self._keeping.sessions.take([step.told.session(device.id)]))
        await _kept(self._keeping.ledger.keep(self.id, device.connector, step.now))
        (await self._known())[device.connector] = step.now
        return number

    async def _located(self, heard: Heard) -> tuple[Heard, int]:
        """Return a message with the connector of its transaction, and that one's number."""
        ledger, number = self._keeping.ledger, 0
        match heard.transaction:
            case Begun(key=key):
                if heard.connector is None:
                    known = await _kept(ledger.connector_of(self.id, key, None))
                    heard = replace(heard, connector=self._only if known is None else known)
                number = await _kept(ledger.begin(self.id, key, heard.connector or 0))
            case Ended(key=key, number=ended):
                known = await _kept(ledger.connector_of(self.id, key, ended))
                if known is None and heard.connector is None:
                    known = self._only
                heard = replace(heard, connector=known if known is not None else heard.connector)
            case None:
                pass
        return heard, number

    @property
    def _only(self) -> int:
        """The connector that is meant where none is said; 0 when there are several."""
        return next(iter(self._devices)) if len(self._devices) == 1 else 0

    async def _keep_whole(self, action: str, text: str, heard: Heard) -> None:
        """Keep what is about the charge point, or about a connector that nobody knows."""
        known = await self._known()
        steps = {
            device: (
                replace(heard, measured=()),
                Step(now=known.get(device.connector, Occupancy())),
            )
            for device in self.devices
        }
        if heard.connector:
            log.debug("%s: connector %s is no device's", self.id, heard.connector)
            return
        await self._deliver(action, text, steps)

    async def _known(self) -> dict[int, Occupancy]:
        """Return what is known of the connectors: from disk at first."""
        if self._occupancies is None:
            self._occupancies = dict(await _kept(self._keeping.ledger.occupancies(self.id)))
        for connector in self._devices:
            self._occupancies.setdefault(connector, Occupancy())
        return self._occupancies

    async def _deliver(
        self, action: str, text: str, steps: Mapping[OcppDevice, tuple[Heard, Step]]
    ) -> None:
        arrival = self._keeping.clock.now()
        telegrams = []
        for device, (heard, step) in steps.items():
            whole = heard.connector == 0
            measured = with_state_of_connector(heard, step, arrival, whole=whole)
            telegrams.append(device.telegram(measured, heard.problems))
        await self._take(action, text, telegrams)

    async def _keep_nonsense(self, action: str, text: str, problem: str) -> None:
        telegrams = [
            Telegram(device=device.id, problems=[shortened(problem)], understood=False)
            for device in self.devices
        ][:1]
        await self._take(action, text, telegrams)

    async def _take(self, action: str, text: str, telegrams: Sequence[Telegram]) -> None:
        version = self._dialect.version if self._dialect else ""
        origin = f"ocpp{version}/{self.id}/{action}"
        payload = text.encode("utf-8", "replace")
        delivery = Delivery(origin=origin, telegrams=telegrams, payload=payload)
        await _kept(self._keeping.inbox.take([delivery]))

    async def _lose_unless_back(self) -> None:
        """Say that it is lost once it was away for a while: lines break, and are dialled again."""
        if not self._losing:
            self._losing = True
            await asyncio.sleep(_AWAY_SECONDS)
            self._losing = False
            for device in self.devices if self._line is None else ():
                self._keeping.inbox.lost(device.id, "the charge point has hung up")

    async def _prepare_all(self, line: Line, dialect: Dialect) -> None:
        """Give it its failsafe, and have it measure, once it has spoken; then for each new device.

        What it refuses it does without: said once for each time that it dials in.
        """
        await race(self._spoke.wait(), asyncio.sleep(_FIRST_WORD_SECONDS))
        while True:
            self._to_prepare.clear()
            unprepared = [device for device in self.devices if not device.prepared]
            for device in unprepared:
                device.prepared = True
                await self._make_safe(device)
            requests = list(dialect.configure(self.interval_seconds)) if unprepared else []
            requests += [dialect.ask_status(device.connector) for device in unprepared]
            for request in requests:
                await self._try(line, request)
            await self._to_prepare.wait()

    async def _make_safe(self, device: OcppDevice) -> None:
        try:
            await device.make_safe()
        except DeviceUnavailable as error:
            log.info("%s has no failsafe yet: %s", self.id, error)

    async def _try(self, line: Line, request: Request) -> None:
        try:
            answer = await line.call(request)
        except (DeviceUnavailable, DeviceRefused) as error:
            log.info("%s does without %s: %s", self.id, request.action, error)
            return
        status = answer.get("status", "Accepted")
        if status not in ("Accepted", "RebootRequired"):
            log.info("%s does without %s: %s", self.id, request.action, str(status)[:40])


async def _kept(work: Awaitable[T]) -> T:
    """Return what the disk's work returns; NotKept when it fails."""
    try:
        return await work
    except Exception as error:
        raise NotKept from error
