"""Commands as rows."""

from datetime import datetime
from typing import Any

from wattmesh_control.adapters.rows import Row, asset_id, device_id, gateway_id, utc
from wattmesh_control.domain.command import Command, Target
from wattmesh_control.domain.effects.verdict import EffectVerdict
from wattmesh_control.domain.life import CommandLife, CommandState
from wattmesh_control.domain.release import Release, ReleaseState
from wattmesh_kernel.errors import InvalidArgument
from wattmesh_kernel.ids import CommandId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange, to_utc
from wattmesh_runtime.documents import DocumentCodec

VERDICTS = DocumentCodec[EffectVerdict](EffectVerdict)

_TIME = "timestamptz"
_VALUE = "double precision"

ORDER_COLUMNS = {
    "command": "text",
    "proposal": "bigint",
    "request_id": "text",
    "device": "text",
    "site": "text",
    "channel": "text",
    "kind": "text",
    "source": "text",
    "owner": "text",
    "priority": "integer",
    "requested_value": _VALUE,
    "value": _VALUE,
    "tolerance": _VALUE,
    "start_time": _TIME,
    "end_time": _TIME,
    "lease_expire_time": _TIME,
    "gateway": "text",
    "asset": "text",
    "create_time": _TIME,
}
"""Columns that never change, with their types."""

LIFE_COLUMNS = {
    "state": "text",
    "message": "text",
    "trouble": "text",
    "dispatch_time": _TIME,
    "dispatch_count": "integer",
    "apply_time": _TIME,
    "verify_time": _TIME,
    "read_back_value": _VALUE,
    "cut_time": _TIME,
    "close_time": _TIME,
    "release_state": "text",
    "release_time": _TIME,
    "release_message": "text",
}
"""Columns that change as the life goes on, with their types."""

COLUMNS = ("number", *ORDER_COLUMNS, *LIFE_COLUMNS, "metered_power_w", "effect_document")
"""All columns, in the order in which `command_from_row` wants them."""


def order_values(command: Command) -> tuple[object, ...]:
    """Return the values of ORDER_COLUMNS."""
    target = command.target
    return (
        *(command.command.name, command.proposal, command.request_id, command.device.name),
        *(command.device.site.name, command.slot.channel.value, command.kind.value),
        *(command.source, command.owner, command.priority, command.requested_value),
        *(command.value, command.tolerance, command.span.start, command.span.end),
        command.lease_expire_time,
        *((None, None) if target is None else (target.gateway.name, target.asset.name)),
        command.create_time,
    )


def life_values(life: CommandLife) -> tuple[object, ...]:
    """Return the values of LIFE_COLUMNS."""
    return (
        *(life.state.value, life.message, life.trouble, life.dispatch_time, life.dispatch_count),
        *(life.apply_time, life.verify_time, life.read_back_value, life.cut_time),
        life.close_time,
        *_release_values(life.release),
    )


def _release_values(release: Release | None) -> tuple[object, ...]:
    if release is None:
        return (None, None, None)
    return (release.state.value, release.change_time, release.message)


def state_time(command: Command) -> datetime | None:
    """Return when a command came into its state."""
    life = command.life
    times = {
        CommandState.PENDING: command.create_time,
        CommandState.DISPATCHED: life.dispatch_time,
        CommandState.APPLIED: life.apply_time,
        CommandState.VERIFIED: life.verify_time,
    }
    return times.get(life.state, life.close_time)


def command_from_row(values: Row) -> Command:
    """Return the command that a row of COLUMNS holds."""
    row = dict(zip(COLUMNS, values, strict=True))
    gateway, asset = row["gateway"], row["asset"]
    return Command(
        number=row["number"],
        command=CommandId.parse(row["command"]),
        proposal=row["proposal"],
        request_id=row["request_id"],
        device=device_id(row["device"]),
        kind=SetpointKind(row["kind"]),
        source=row["source"],
        owner=row["owner"],
        priority=row["priority"],
        requested_value=row["requested_value"],
        value=row["value"],
        tolerance=row["tolerance"],
        span=TimeRange(row["start_time"], row["end_time"]),
        lease_expire_time=utc(row["lease_expire_time"]),
        target=(
            None if gateway is None else Target(gateway=gateway_id(gateway), asset=asset_id(asset))
        ),
        create_time=to_utc(row["create_time"]),
        life=_life(row),
        metered_power_w=row["metered_power_w"],
        effect=_effect(row["effect_document"]),
    )


def _effect(document: Any) -> EffectVerdict | None:
    """Return a verdict; None for one of a newer version that this one does not understand."""
    try:
        return None if document is None else VERDICTS.from_document(document)
    except InvalidArgument:
        return None


def _life(row: dict[str, Any]) -> CommandLife:
    return CommandLife(
        state=CommandState(row["state"]),
        message=row["message"],
        trouble=row["trouble"],
        dispatch_time=utc(row["dispatch_time"]),
        dispatch_count=row["dispatch_count"],
        apply_time=utc(row["apply_time"]),
        verify_time=utc(row["verify_time"]),
        read_back_value=row["read_back_value"],
        cut_time=utc(row["cut_time"]),
        close_time=utc(row["close_time"]),
        release=_release(row),
    )


def _release(row: dict[str, Any]) -> Release | None:
    if row["release_state"] is None:
        return None
    return Release(
        state=ReleaseState(row["release_state"]),
        change_time=to_utc(row["release_time"]),
        message=row["release_message"],
    )
