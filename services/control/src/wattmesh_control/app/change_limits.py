"""Set and withdraw limits; what runs is clamped, or let free, at once."""

import uuid
from dataclasses import replace

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft
from wattmesh_control.app.ports import LimitArchive, Request, Scope
from wattmesh_control.app.share_limits import ShareLimits
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.idle import of_idle, unbidden
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.proposal import check_text
from wattmesh_control.domain.setpoint import Channel
from wattmesh_kernel.callers import HIGHEST_PRIORITY, Caller
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound, PermissionDenied
from wattmesh_kernel.ids import DeviceId, LimitId

_METHOD = "SetLimit/subject"
"""What was remembered as `SetLimit` had no subject but a device."""


def new_limit_id() -> LimitId:
    """Return a name that no limit has."""
    return LimitId(uuid.uuid4().hex)


class SetLimit:
    """Puts an owner's limit on a device, a site or a group, in place of the one it had there."""

    def __init__(
        self, *, clock: Clock, devices: Devices, unit_of_work: UnitOfWork, share: ShareLimits
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._unit_of_work = unit_of_work
        self._share = share

    async def __call__(self, limit: Limit, request_id: str) -> Limit:
        """Store a limit and return it under its name; a repeat gets the first answer.

        An empty `request_id` means that repeats are not recognised. Errors: InvalidArgument when
        it has expired already; NotFound for its subject; Unavailable while devices are not known.
        """
        if request_id:
            check_text(request_id, "request_id")
        now = self._clock.now()
        if limit.expire_time <= now:
            raise InvalidArgument(
                "LIMIT_EXPIRED", "the limit has expired already", field="limit.expire_time"
            )
        await self._devices.require_subject(limit.subject)
        device = limit.device
        if device is None:
            return await self._share.put(limit, request_id)
        work = _Setting(limit, device, request_id, self._devices)
        return (await self._unit_of_work(work)).answer


class DeleteLimit:
    """Withdraws a limit."""

    def __init__(
        self,
        *,
        clock: Clock,
        archive: LimitArchive,
        unit_of_work: UnitOfWork,
        share: ShareLimits,
    ) -> None:
        self._clock = clock
        self._archive = archive
        self._unit_of_work = unit_of_work
        self._share = share

    async def __call__(self, name: LimitId, by: Caller | None = None) -> None:
        """Withdraw a limit that has not ended.

        `by`: who asks; None where nobody is asked who they are. Errors: NotFound;
        PermissionDenied when it is somebody else's: a limit binds whoever commands, whatever the
        priority, so only those withdraw another's who go before everything.
        """
        limit = await self._archive.get(name, self._clock.now())
        if limit is None or (by is not None and not by.reaches(limit.subject)):
            raise NotFound("LIMIT_NOT_FOUND", f"there is no {name} in force")
        if by is not None and not (
            by.may_act_for(limit.owner) or by.outranks(HIGHEST_PRIORITY - 1)
        ):
            raise PermissionDenied(
                "OWNER_NOT_HELD", f"{name} is {limit.owner}'s: {by.name} may not act for it"
            )
        if limit.device is None:
            await self._share.remove(limit)
        else:
            await self._unit_of_work(_Removing(limit, limit.device))


class _Setting(Work[Limit]):
    """Puts a limit under the name of its owner's older one on the device, if there is one."""

    def __init__(self, limit: Limit, device: DeviceId, request_id: str, devices: Devices) -> None:
        self._limit = limit
        self._device = device
        self._request_id = request_id
        self._devices = devices

    @property
    def scope(self) -> Scope:
        request = Request(method=_METHOD, request_id=self._request_id, answer=Limit)
        return Scope(
            devices=frozenset({self._device}),
            request=request if self._request_id else None,
            new_proposals=len(Channel),
        )

    def decide(self, draft: Draft) -> None:
        older = (each for each in draft.standing.limits if each.owner == self._limit.owner)
        name = next((each.limit for each in older), self._limit.limit)
        limit = replace(self._limit, limit=name)
        draft.put_limits.append(limit)
        draft.dropped_sources.add(limit.limit.name)
        device = self._devices.get(self._device, draft.now)
        draft.added_proposals.extend(
            of_idle(limit, self._device, kind, value, next(draft.numbers), draft.now)
            for kind, value in unbidden(device, limit)
        )

    def answer(self, draft: Draft) -> Limit:
        return draft.put_limits[-1]


class _Removing(Work[None]):
    """Takes a limit away."""

    def __init__(self, limit: Limit, device: DeviceId) -> None:
        self._limit = limit
        self._device = device

    @property
    def scope(self) -> Scope:
        return Scope(devices=frozenset({self._device}))

    def decide(self, draft: Draft) -> None:
        draft.removed_limits.add(self._limit.limit)
        draft.dropped_sources.add(self._limit.limit.name)

    def answer(self, draft: Draft) -> None:
        """Nothing is left to tell."""
