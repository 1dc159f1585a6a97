"""Commands as rows."""

from datetime import datetime
from typing import Any

from wattmesh_control.domain.command import Command, Target
from wattmesh_control.domain.life import CommandLife, CommandState
from wattmesh_control.domain.setpoint import SetpointKind
from wattmesh_kernel.ids import AssetId, CommandId, DeviceId, GatewayId
from wattmesh_kernel.time import TimeRange, to_utc

ORDER_COLUMNS = (
    *("command", "wish", "request_id", "device", "site", "channel", "kind", "source", "owner"),
    *("priority", "requested_value", "value", "tolerance", "start_time", "end_time"),
    *("lease_expire_time", "gateway", "asset", "create_time"),
)
"""Columns that never change."""

LIFE_COLUMNS = (
    *("state", "message", "trouble", "dispatch_time", "dispatch_count", "apply_time"),
    *("verify_time", "read_back_value", "cut_time", "close_time"),
)
"""Columns that change as the life goes on."""


def order_values(command: Command) -> tuple[object, ...]:
    """Return the values of ORDER_COLUMNS."""
    target = command.target
    return (
        *(command.command.name, command.wish, command.request_id, command.device.name),
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
    )


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


def command_from_row(row: dict[str, Any]) -> Command:
    """Return the command that a row holds."""
    gateway, asset = row["gateway"], row["asset"]
    return Command(
        number=row["number"],
        command=CommandId.parse(row["command"]),
        wish=row["wish"],
        request_id=row["request_id"],
        device=DeviceId.parse(row["device"]),
        kind=SetpointKind(row["kind"]),
        source=row["source"],
        owner=row["owner"],
        priority=row["priority"],
        requested_value=row["requested_value"],
        value=row["value"],
        tolerance=row["tolerance"],
        span=TimeRange(row["start_time"], row["end_time"]),
        lease_expire_time=_utc(row["lease_expire_time"]),
        target=(
            None
            if gateway is None
            else Target(gateway=GatewayId.parse(gateway), asset=AssetId.parse(asset))
        ),
        create_time=to_utc(row["create_time"]),
        life=_life(row),
        metered_power_w=row["metered_power_w"],
    )


def _life(row: dict[str, Any]) -> CommandLife:
    return CommandLife(
        state=CommandState(row["state"]),
        message=row["message"],
        trouble=row["trouble"],
        dispatch_time=_utc(row["dispatch_time"]),
        dispatch_count=row["dispatch_count"],
        apply_time=_utc(row["apply_time"]),
        verify_time=_utc(row["verify_time"]),
        read_back_value=row["read_back_value"],
        cut_time=_utc(row["cut_time"]),
        close_time=_utc(row["close_time"]),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else to_utc(moment)
