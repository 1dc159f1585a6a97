"""`wattmesh hold`, `opt-out`, `stop`, `release`, `holds`, `dry-run`: people at the controls."""

import asyncio
import getpass
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wattmesh.control.v1 import control_pb2, dry_run_pb2, hold_pb2, release_pb2
from wattmesh.type.v1 import setpoint_pb2, time_range_pb2
from wattmesh_contracts.values import datetime_from_proto, timestamp_to_proto
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_local.running.state import MeshState
from wattmesh_local.watching.clients import MeshClients
from wattmesh_runtime.errors import rpc_errors

FOLLOW_SECONDS = 10.0
"""How long devices are waited for until they are in their safe states [s of the wall]."""
_LOOK_SECONDS = 0.3
_PEOPLE = 100
_KINDS = {
    hold_pb2.HOLD_KIND_SETPOINT: "setpoint",
    hold_pb2.HOLD_KIND_OPT_OUT: "opt-out",
    hold_pb2.HOLD_KIND_STOP: "stop",
}
_OUTCOMES = {
    control_pb2.OUTCOME_ACCEPTED: ("as asked", "green"),
    control_pb2.OUTCOME_CLAMPED: ("limited", "yellow"),
    control_pb2.OUTCOME_REFUSED: ("refused", "red"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who asks, and why."""

    owner: str
    reason: str


def whoever() -> str:
    """Return the name of whoever is at this machine."""
    return getpass.getuser()


def setpoint_kind(text: str) -> setpoint_pb2.SetpointKind.ValueType:
    """Return a kind by its name in the contract: `active_power_w`. Error: InvalidArgument."""
    name = f"SETPOINT_KIND_{text.upper()}"
    if name not in setpoint_pb2.SetpointKind.keys():  # noqa: SIM118 (not a mapping)
        raise InvalidArgument("UNKNOWN_VALUE", f"{text!r} is no kind of setpoint")
    return setpoint_pb2.SetpointKind.Value(name)


@asynccontextmanager
async def operator(state_folder: Path, console: Console) -> AsyncIterator["Operator"]:
    """Yield what speaks to the mesh that runs here. Error: NotFound when none does."""
    mesh = MeshState(state_folder)
    clock = mesh.clock()
    with rpc_errors():
        async with MeshClients.of(mesh) as clients:
            yield Operator(clients, clock, console)


class Operator:
    """Asks control, and prints what it answers; each returns an exit status."""

    def __init__(self, clients: MeshClients, clock: Clock, console: Console) -> None:
        self._clients = clients
        self._clock = clock
        self._console = console

    async def place(
        self,
        subject: str,
        kind: hold_pb2.HoldKind.ValueType,
        person: Person,
        span: timedelta | None = None,
        setpoint: tuple[setpoint_pb2.SetpointKind.ValueType, float] | None = None,
    ) -> int:
        """Place a hold and follow it until its devices are there; 1 when some are not."""
        hold = hold_pb2.Hold(subject=subject, kind=kind, owner=person.owner, reason=person.reason)
        if span is not None:
            hold.expire_time.CopyFrom(timestamp_to_proto(self._clock.now() + span))
        if setpoint is not None:
            hold.setpoint_kind, hold.value = setpoint
        request = hold_pb2.PlaceHoldRequest(request_id=uuid.uuid4().hex, hold=hold)
        placed = (await self._clients.operator.PlaceHold(request)).hold
        return self._show_placed(await self._followed(placed))

    async def release(self, name: str, person: Person) -> int:
        """Release a hold."""
        request = hold_pb2.ReleaseHoldRequest(name=name, owner=person.owner, reason=person.reason)
        hold = (await self._clients.operator.ReleaseHold(request)).hold
        self._console.print(f"{hold.name} is over: {_KINDS[hold.kind]} of {hold.subject}")
        return 0

    async def holds(self, *, ended: bool) -> int:
        """Print the holds."""
        holds = list[hold_pb2.Hold]()
        request = hold_pb2.ListHoldsRequest(show_ended=ended)
        while True:
            page = await self._clients.operator.ListHolds(request)
            holds.extend(page.holds)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self._console.print(_holds_table(holds) if holds else "nothing is held")
        return 0

    async def dry_run(self, request: dry_run_pb2.DryRunRequest) -> int:
        """Print what would become of something; 1 when a part of it is refused."""
        answer = await self._clients.operator.DryRun(request)
        self._console.print(_dry_run_table(answer.intervals))
        refused = (each.outcome == control_pb2.OUTCOME_REFUSED for each in answer.intervals)
        return 1 if any(refused) else 0

    async def dry_run_plan(self, name: str) -> int:
        """Print what would become of what is left of a plan."""
        return await self.dry_run(dry_run_pb2.DryRunRequest(plan=name))

    async def dry_run_value(
        self,
        device: str,
        setpoint: tuple[setpoint_pb2.SetpointKind.ValueType, float],
        span: timedelta,
        owner: str,
    ) -> int:
        """Print what would become of a value from now on."""
        now = self._clock.now()
        command = control_pb2.IssueCommandRequest(
            request_id=uuid.uuid4().hex,
            device=device,
            kind=setpoint[0],
            value=setpoint[1],
            range=time_range_pb2.TimeRange(
                start_time=timestamp_to_proto(now), end_time=timestamp_to_proto(now + span)
            ),
            owner=owner,
            priority=_PEOPLE,
        )
        return await self.dry_run(dry_run_pb2.DryRunRequest(command=command))

    async def _followed(self, hold: hold_pb2.Hold) -> hold_pb2.Hold:
        """Return the hold once its devices are there, or after a while."""
        loop = asyncio.get_running_loop()
        until = loop.time() + FOLLOW_SECONDS
        while _waiting(hold) and loop.time() < until:
            await asyncio.sleep(_LOOK_SECONDS)
            request = hold_pb2.GetHoldRequest(name=hold.name)
            hold = (await self._clients.operator.GetHold(request)).hold
        return hold

    def _show_placed(self, hold: hold_pb2.Hold) -> int:
        self._console.print(f"{hold.name}: {_KINDS[hold.kind]} of {hold.subject}, {_until(hold)}")
        if not hold.devices:
            return 0
        self._console.print(_devices_table(hold.devices))
        sound = [each for each in hold.devices if _safe(each)]
        left = len(hold.devices) - len(sound)
        said = Text(f"{len(sound)} of {len(hold.devices)} in their safe states")
        self._console.print(said if not left else Text(f"{said}; {left} are NOT", style="red"))
        return 1 if left else 0


def _safe(device: hold_pb2.HeldDevice) -> bool:
    return device.reached and device.state == release_pb2.RELEASE_STATE_RELEASED


def _waiting(hold: hold_pb2.Hold) -> bool:
    """Tell whether a device that is reached has yet to let go."""
    return any(each.reached and not _safe(each) for each in hold.devices)


def _until(hold: hold_pb2.Hold) -> str:
    if hold.HasField("release_time"):
        return f"released by {hold.release_owner}: {hold.release_reason}"
    if hold.HasField("expire_time"):
        return f"until {_time(datetime_from_proto(hold.expire_time))}"
    return f"until `wattmesh release {hold.name.removeprefix('holds/')}`"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _holds_table(holds: Iterable[hold_pb2.Hold]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("hold", "what", "of", "by", "why", "since", "until", "devices"):
        table.add_column(name)
    for hold in holds:
        safe = sum(_safe(each) for each in hold.devices)
        table.add_row(
            *(hold.name, _what(hold), hold.subject, hold.owner, hold.reason),
            *(_time(datetime_from_proto(hold.create_time)), _until(hold)),
            f"{safe} of {len(hold.devices)} safe" if hold.devices else "",
        )
    return table


def _what(hold: hold_pb2.Hold) -> str:
    if not hold.HasField("value"):
        return _KINDS[hold.kind]
    kind = setpoint_pb2.SetpointKind.Name(hold.setpoint_kind)
    return f"{hold.value:g} ({kind.removeprefix('SETPOINT_KIND_').lower()})"


def _devices_table(devices: Iterable[hold_pb2.HeldDevice]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("device", "state", "what is known"):
        table.add_column(name)
    for each in devices:
        state = Text("safe", style="green") if _safe(each) else Text(_trouble(each), style="red")
        table.add_row(each.device, state, each.message)
    return table


def _trouble(device: hold_pb2.HeldDevice) -> str:
    return "not safe yet" if device.reached else "not reached"


def _dry_run_table(intervals: Iterable[dry_run_pb2.DryRunInterval]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("device", "from", "to", "asked", "would be", "value", "limited by", "why"):
        table.add_column(name)
    for each in intervals:
        words, style = _OUTCOMES[each.outcome]
        table.add_row(
            each.device,
            _time(datetime_from_proto(each.range.start_time)),
            _time(datetime_from_proto(each.range.end_time)),
            f"{each.requested_value:g}",
            Text(words, style=style),
            f"{each.value:g}" if each.HasField("value") else "",
            ", ".join(each.limited_by),
            _why(each),
        )
    return table


def _why(each: dry_run_pb2.DryRunInterval) -> str:
    waits = f"waits: {each.outranked_by} goes first" if each.outranked_by else ""
    return "; ".join(filter(None, (each.message, waits)))
