"""What a person may let an assistant do: nothing that was not tried dry, and shown, before."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wattmesh.control.v1 import control_pb2, dry_run_pb2, hold_pb2
from wattmesh.type.v1 import setpoint_pb2
from wattmesh_client import AsyncWattmesh, time_range, timestamp
from wattmesh_local.assistant.reading import Answer, as_dict
from wattmesh_local.operating import setpoint_kind

_PEOPLE = 100
_GOOD_FOR = timedelta(minutes=10)
"""How long what was tried may be done, by the mesh's clock; things change meanwhile."""
LONGEST = timedelta(hours=24)
"""A hold of an assistant ends by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tried:
    """A value that was tried dry."""

    device: str
    kind: setpoint_pb2.SetpointKind.ValueType
    value: float
    end: datetime
    tried: datetime


class Acting:
    """The tools that change something, in the name of a person."""

    def __init__(self, mesh: AsyncWattmesh, person: str) -> None:
        self._mesh = mesh
        self._person = person
        self._tried: dict[str, _Tried] = {}

    async def try_hold(self, device: str, kind: str, value: float, minutes: int) -> Answer:
        """What would become of holding a device at a value: by whom it is limited, who goes first.

        `kind` as `active_power_w`, where power into the device is positive. Changes nothing. Show
        the answer to the person; only with its `confirmation` can it be done.
        """
        now, number = await self._mesh.now(), setpoint_kind(kind)
        tried = _Tried(device=device, kind=number, value=value, tried=now, end=now + _span(minutes))
        command = control_pb2.IssueCommandRequest(
            request_id=secrets.token_hex(16),
            device=device,
            kind=number,
            value=value,
            range=time_range(now, tried.end),
            owner=self._person,
            priority=_PEOPLE,
        )
        call: Any = self._mesh.operator.DryRun(dry_run_pb2.DryRunRequest(command=command))
        answer = as_dict(await call)
        confirmation = secrets.token_hex(8)
        self._tried[confirmation] = tried
        return {**answer, "confirmation": confirmation}

    async def hold(self, confirmation: str, reason: str) -> Answer:
        """Do what was tried, once, in the person's name and for the person's reason."""
        now, tried = await self._mesh.now(), self._tried.pop(confirmation, None)
        if tried is None or now - tried.tried > _GOOD_FOR:
            raise ValueError("try it again, and show what would become of it: this is not in force")
        hold = hold_pb2.Hold(
            subject=tried.device,
            kind=hold_pb2.HOLD_KIND_SETPOINT,
            owner=self._person,
            reason=reason,
            setpoint_kind=tried.kind,
            value=tried.value,
            expire_time=timestamp(tried.end),
        )
        call: Any = self._mesh.operator.PlaceHold(hold_pb2.PlaceHoldRequest(hold=hold))
        return as_dict(await call)

    async def release(self, hold: str, reason: str) -> Answer:
        """End a hold by its name, as `holds/…` from list_holds: plans steer the device again."""
        request = hold_pb2.ReleaseHoldRequest(name=hold, owner=self._person, reason=reason)
        call: Any = self._mesh.operator.ReleaseHold(request)
        return as_dict(await call)


def _span(minutes: int) -> timedelta:
    span = timedelta(minutes=minutes)
    if not timedelta() < span <= LONGEST:
        raise ValueError(f"a hold is 1 to {LONGEST // timedelta(minutes=1)} minutes long")
    return span
