"""Hold a setpoint, opt out of plans, stop in an emergency; and release what is held."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.app.chunks import chunks, halving
from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.keep_time import Turn
from wattmesh_control.app.ports import Request, Scope
from wattmesh_control.app.read_holds import HoldArchive, ReadHolds, SeenHold
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.controllable import NotSteered
from wattmesh_control.domain.hold import PEOPLE, HeldSetpoint, Hold, HoldKind, Released
from wattmesh_control.domain.proposal import Origin, Proposal, check_text
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, NotFound
from wattmesh_kernel.ids import DeviceId, HoldId
from wattmesh_kernel.time import TimeRange

log = logging.getLogger(__name__)

_METHOD = "PlaceHold"


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldOrder:
    """What somebody wants to be held; as `Hold`."""

    request_id: str
    subject: str
    kind: HoldKind
    owner: str
    reason: str
    expire_time: datetime | None
    setpoint: HeldSetpoint | None

    def __post_init__(self) -> None:
        check_text(self.request_id, "request_id")

    def hold(self, now: datetime) -> Hold:
        """Return it as a hold of `now`. Error: InvalidArgument."""
        return Hold(
            hold=HoldId(uuid.uuid4().hex),
            subject=self.subject,
            kind=self.kind,
            owner=self.owner,
            reason=self.reason,
            create_time=now,
            expire_time=self.expire_time,
            setpoint=self.setpoint,
        )


class PlaceHold:
    """Puts a hold on record, then has every device that it is about follow it.

    From the moment on at which it is on record everything that reads the devices' state sees it:
    what was under way by then is waited for, and undone.
    """

    def __init__(
        self, *, clock: Clock, devices: Devices, unit_of_work: UnitOfWork, read: ReadHolds
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._unit_of_work = unit_of_work
        self._read = read

    async def __call__(self, order: HoldOrder) -> SeenHold:
        """Place a hold; a repeat gets the first, as it is by now, and has it followed again.

        Errors: InvalidArgument; NotFound for its subject; Unavailable.
        """
        hold = order.hold(self._clock.now())
        await self._devices.require_subject(hold.subject)
        self._check_setpoint(hold)
        work = _Placing(hold=hold, request_id=order.request_id)
        name = HoldId.parse((await self._unit_of_work(work)).answer.hold)
        log.warning("%s: %s holds %s: %s", hold.subject, hold.owner, hold.kind.value, hold.reason)
        await follow(self._unit_of_work, self._under(hold.subject))
        return await self._read.get(name)

    def _check_setpoint(self, hold: Hold) -> None:
        if hold.setpoint is None:
            return
        device, now = DeviceId.parse(hold.subject), self._clock.now()
        steering = self._devices.steering(device, hold.setpoint.kind, now)
        if isinstance(steering, NotSteered):
            raise FailedPrecondition("NOTHING_TO_STEER", steering.reason)

    def _under(self, subject: str) -> list[DeviceId]:
        return [each.device for each in self._devices.under(subject, self._clock.now())]


class ReleaseHold:
    """Ends a hold; what waits and is not over goes on."""

    def __init__(
        self,
        *,
        clock: Clock,
        devices: Devices,
        unit_of_work: UnitOfWork,
        archive: HoldArchive,
        read: ReadHolds,
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._unit_of_work = unit_of_work
        self._archive = archive
        self._read = read

    async def __call__(
        self, name: HoldId, owner: str, reason: str, by: Caller | None = None
    ) -> SeenHold:
        """Release a hold; one that is over stays as it is.

        `by`: who asks; None where nobody is asked who they are. Error: NotFound, also for what is
        at a site that the caller does not see.
        """
        now = self._clock.now()
        hold = await self._archive.get(name)
        if hold is None or (by is not None and not by.reaches(hold.subject)):
            raise NotFound("HOLD_NOT_FOUND", f"there is no {name}")
        released = hold.release(Released(time=now, owner=owner, reason=reason))
        if released is not hold:
            await self._unit_of_work(_Releasing(hold=released))
            log.warning("%s: %s releases %s: %s", hold.subject, owner, hold.kind.value, reason)
        under = [each.device for each in self._devices.under(hold.subject, now)]
        await follow(self._unit_of_work, under)
        return await self._read.get(name)


async def follow(unit_of_work: UnitOfWork, devices: Sequence[DeviceId]) -> None:
    """Make what devices were told agree with a hold that was placed or released.

    One on which control fails alone is logged and left to the timekeeper; the others go on.
    """

    async def turn(some: Sequence[DeviceId]) -> None:
        await unit_of_work(Turn(devices=frozenset(some), fence=()))

    async def alone(device: DeviceId, error: Exception) -> None:
        log.error("%s does not follow a hold", device, exc_info=error)

    for chunk in chunks(devices):
        await halving(chunk, turn, alone)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedHold:
    """What is remembered of an order: the hold itself goes on."""

    hold: str


@dataclass(kw_only=True)
class _Placing(Work[PlacedHold]):
    """Puts a hold on record, and what it wants of its device."""

    hold: Hold
    request_id: str
    reconciles = False

    @property
    def scope(self) -> Scope:
        setpoint = self.hold.setpoint is not None
        request = Request(method=_METHOD, request_id=self.request_id, answer=PlacedHold)
        return Scope(request=request, new_proposals=1 if setpoint else 0)

    def decide(self, draft: Draft) -> None:
        draft.hold = self.hold
        if self.hold.setpoint is not None:
            draft.added_proposals.append(_proposal(self.hold, next(draft.numbers)))

    def answer(self, draft: Draft) -> PlacedHold:
        return PlacedHold(hold=self.hold.hold.name)


@dataclass(kw_only=True)
class _Releasing(Work[None]):
    """Puts on record that a hold was released."""

    hold: Hold
    reconciles = False

    @property
    def scope(self) -> Scope:
        return Scope()

    def decide(self, draft: Draft) -> None:
        draft.hold = self.hold
        draft.dropped_sources.add(self.hold.hold.name)

    def answer(self, draft: Draft) -> None:
        """The hold is read again."""


def _proposal(hold: Hold, number: int) -> Proposal:
    assert hold.setpoint is not None, "asked before"
    assert hold.expire_time is not None, "a setpoint is held until some time"
    return Proposal(
        number=number,
        origin=Origin.HOLD,
        device=DeviceId.parse(hold.subject),
        kind=hold.setpoint.kind,
        owner=hold.owner,
        priority=PEOPLE,
        source=hold.hold.name,
        request_id=hold.hold.name,
        span=TimeRange(hold.create_time, hold.expire_time),
        value=hold.setpoint.value,
        accept_time=hold.create_time,
    )
