"""Set and withdraw limits; what runs is clamped, or let free, at once."""

import uuid
from dataclasses import replace
from datetime import datetime

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.ports import LimitArchive, Request, Scope
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.idle import unbidden
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.proposal import Origin, Proposal, check_text
from wattmesh_control.domain.setpoint import Channel
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import LimitId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange

_METHOD = "SetLimit"


def new_limit_id() -> LimitId:
    """Return a name that no limit has."""
    return LimitId(uuid.uuid4().hex)


class SetLimit:
    """Puts an owner's limit on a device, in place of the one it had there."""

    def __init__(self, *, clock: Clock, devices: Devices, unit_of_work: UnitOfWork) -> None:
        self._clock = clock
        self._devices = devices
        self._unit_of_work = unit_of_work

    async def __call__(self, limit: Limit, request_id: str) -> Limit:
        """Store a limit and return it under its name; a repeat gets the first answer.

        An empty `request_id` means that repeats are not recognised. Errors: InvalidArgument when
        it has expired already; NotFound for the device; Unavailable while devices are not known.
        """
        if request_id:
            check_text(request_id, "request_id")
        now = self._clock.now()
        if limit.expire_time <= now:
            raise InvalidArgument(
                "LIMIT_EXPIRED", "the limit has expired already", field="limit.expire_time"
            )
        await self._devices.require([limit.device])
        self._devices.get(limit.device, now)
        work = _Setting(limit, request_id, self._devices)
        return (await self._unit_of_work(work)).answer


class DeleteLimit:
    """Withdraws a limit."""

    def __init__(self, *, clock: Clock, archive: LimitArchive, unit_of_work: UnitOfWork) -> None:
        self._clock = clock
        self._archive = archive
        self._unit_of_work = unit_of_work

    async def __call__(self, name: LimitId) -> None:
        """Withdraw a limit that has not ended. Error: NotFound."""
        limit = await self._archive.get(name, self._clock.now())
        if limit is None:
            raise NotFound("LIMIT_NOT_FOUND", f"there is no {name} in force")
        await self._unit_of_work(_Removing(limit))


class _Setting(Work[Limit]):
    """Puts a limit under the name of its owner's older one on the device, if there is one."""

    def __init__(self, limit: Limit, request_id: str, devices: Devices) -> None:
        self._limit = limit
        self._request_id = request_id
        self._devices = devices

    @property
    def scope(self) -> Scope:
        request = Request(method=_METHOD, request_id=self._request_id, answer=Limit)
        return Scope(
            devices=frozenset({self._limit.device}),
            request=request if self._request_id else None,
            new_proposals=len(Channel),
        )

    def decide(self, draft: Draft) -> None:
        older = (each for each in draft.standing.limits if each.owner == self._limit.owner)
        name = next((each.limit for each in older), self._limit.limit)
        draft.limit = limit = replace(self._limit, limit=name)
        draft.dropped_sources.add(limit.limit.name)
        device = self._devices.get(limit.device, draft.now)
        draft.added_proposals.extend(
            _of_idle(limit, kind, value, next(draft.numbers), draft.now)
            for kind, value in unbidden(device, limit)
        )

    def answer(self, draft: Draft) -> Limit:
        assert draft.limit is not None, "decided before"
        return draft.limit


def _of_idle(
    limit: Limit, kind: SetpointKind, value: float, number: int, now: datetime
) -> Proposal:
    """Return what a limit asks of its device while nobody steers it."""
    return Proposal(
        number=number,
        origin=Origin.LIMIT,
        device=limit.device,
        kind=kind,
        owner=limit.owner,
        priority=0,
        source=limit.limit.name,
        request_id=limit.limit.name,
        span=TimeRange(max(now, limit.start_time or now), limit.expire_time),
        value=value,
        accept_time=now,
    )


class _Removing(Work[None]):
    """Takes a limit away."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit

    @property
    def scope(self) -> Scope:
        return Scope(devices=frozenset({self._limit.device}))

    def decide(self, draft: Draft) -> None:
        draft.removed_limit = self._limit.limit
        draft.dropped_sources.add(self._limit.limit.name)

    def answer(self, draft: Draft) -> None:
        """Nothing is left to tell."""
