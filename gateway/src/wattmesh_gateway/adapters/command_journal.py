"""Commands and what became of them, in the journal's file."""

import logging
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from wattmesh_gateway.adapters.spool_database import SpoolDatabase
from wattmesh_gateway.domain.command import (
    Command,
    CommandRecord,
    CommandReport,
    CommandState,
    HeldSetpoint,
)
from wattmesh_kernel.errors import WattmeshError
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.setpoints import Channel, SetpointKind, channel_of

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_COMMAND = "command, device, kind, value, lease_expire_time_us, sequence"
_REPORT = "command, state, report_time_us, value, message, overruled_by"

_CommandRow = tuple[str, str, str, float, int, int]
_ReportRow = tuple[str, str, int, float | None, str, str]


class SqliteCommandJournal:
    """Survives the end of the process: a repeated command gets the answers of the first time."""

    def __init__(self, database: SpoolDatabase) -> None:
        self._database = database

    async def find(self, command: CommandId) -> CommandRecord | None:
        """Return a command taken in before."""
        return await self._database.run(lambda db: _find(db, command))

    async def last_applied(self, device: DeviceId, channel: Channel) -> Command | None:
        """Return the newest command for a channel that the device acknowledged."""
        return await self._database.run(lambda db: _last_applied(db, device, channel))

    async def save(self, command: Command, report: CommandReport) -> None:
        """Keep what became of a command, to be reported; one that is APPLIED is held."""
        await self._database.run(lambda db: _save(db, command, report))

    async def hold(self, held: HeldSetpoint) -> None:
        """Keep what a channel of a device holds, or may hold, in place of what it held before."""
        await self._database.run(lambda db: _hold(db, held))

    async def let_go(self, command: Command) -> None:
        """Forget that a channel of a device holds anything."""
        key = (command.device.name, command.channel.value)
        await self._database.run(
            lambda db: db.execute("DELETE FROM held WHERE device = ? AND channel = ?", key)
        )

    async def held(self) -> Sequence[HeldSetpoint]:
        """Return everything that is held."""
        return await self._database.run(_held)

    async def to_report(self, now: datetime) -> Sequence[CommandReport]:
        """Return reports not sent yet, and those of commands whose lease still runs."""
        rows = await self._database.run(
            lambda db: db.execute(
                f"SELECT {_REPORT} FROM reports WHERE NOT sent OR command IN "
                "(SELECT command FROM commands WHERE lease_expire_time_us > ?) ORDER BY id",
                (_to_us(now),),
            ).fetchall()
        )
        return [_report(row) for row in rows]

    async def mark_reported(self, reports: Sequence[CommandReport]) -> None:
        """Take note that reports were sent."""
        keys = [(each.command.name, each.state.value) for each in reports]
        await self._database.run(
            lambda db: db.executemany(
                "UPDATE reports SET sent = 1 WHERE command = ? AND state = ?", keys
            )
        )

    async def forget_before(self, time: datetime) -> None:
        """Delete commands whose lease ended before and whose reports were sent."""
        await self._database.run(lambda db: _forget(db, time))


def _find(db: sqlite3.Connection, command: CommandId) -> CommandRecord | None:
    row = db.execute(
        f"SELECT {_COMMAND} FROM commands WHERE command = ?",
        (command.name,),
    ).fetchone()
    if row is None:
        return None
    reports = db.execute(
        f"SELECT {_REPORT} FROM reports WHERE command = ? ORDER BY id",
        (command.name,),
    ).fetchall()
    return CommandRecord(command=_command(row), reports=[_report(each) for each in reports])


def _last_applied(db: sqlite3.Connection, device: DeviceId, channel: Channel) -> Command | None:
    kinds = [each.value for each in SetpointKind if channel_of(each) is channel]
    row = db.execute(
        f"SELECT {_COMMAND} FROM commands WHERE device = ? "
        f"AND kind IN ({', '.join('?' * len(kinds))}) AND EXISTS "
        "(SELECT 1 FROM reports WHERE reports.command = commands.command AND state = ?) "
        "ORDER BY sequence DESC LIMIT 1",
        (device.name, *kinds, CommandState.APPLIED.value),
    ).fetchone()
    return None if row is None else _command(row)


def _insert_command(db: sqlite3.Connection, command: Command) -> None:
    command_row: _CommandRow = (
        command.id.name,
        command.device.name,
        command.kind.value,
        command.value,
        _to_us(command.lease_expire_time),
        command.sequence,
    )
    db.execute("INSERT OR IGNORE INTO commands VALUES (?, ?, ?, ?, ?, ?)", command_row)


def _hold(db: sqlite3.Connection, held: HeldSetpoint) -> None:
    command = held.command
    _insert_command(db, command)
    db.execute(
        "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)",
        (
            *(command.device.name, command.channel.value, command.id.name),
            *(held.releasing, held.cancelled),
        ),
    )


def _held(db: sqlite3.Connection) -> Sequence[HeldSetpoint]:
    columns = ", ".join(f"commands.{each}" for each in _COMMAND.split(", "))
    rows = db.execute(
        f"SELECT releasing, cancelled, {columns} FROM held JOIN commands USING (command)"
    ).fetchall()
    return [each for row in rows if (each := _sound_held(row)) is not None]


def _sound_held(row: tuple[Any, ...]) -> HeldSetpoint | None:
    """Return what a row says; None, logged, for what this version does not understand."""
    releasing, cancelled, *command = row
    try:
        return HeldSetpoint(
            command=_command(command), releasing=bool(releasing), cancelled=bool(cancelled)
        )
    except (ValueError, WattmeshError) as error:
        log.error("what a device held is passed over: %s: %r", command, error)
        return None


def _save(db: sqlite3.Connection, command: Command, report: CommandReport) -> None:
    _insert_command(db, command)
    if report.state is CommandState.APPLIED:
        _hold(db, HeldSetpoint(command=command))
    report_row: _ReportRow = (
        report.command.name,
        report.state.value,
        _to_us(report.report_time),
        report.value,
        report.message,
        report.overruled_by,
    )
    db.execute(
        f"INSERT INTO reports ({_REPORT}) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (command, state) DO UPDATE SET report_time_us = excluded.report_time_us, "
        "value = excluded.value, message = excluded.message, "
        "overruled_by = excluded.overruled_by, sent = 0",
        report_row,
    )


def _forget(db: sqlite3.Connection, time: datetime) -> None:
    old = (
        "SELECT command FROM commands WHERE lease_expire_time_us < ? "
        "AND command NOT IN (SELECT command FROM held) AND NOT EXISTS "
        "(SELECT 1 FROM reports WHERE reports.command = commands.command AND NOT sent)"
    )
    commands = db.execute(old, (_to_us(time),)).fetchall()
    db.executemany("DELETE FROM reports WHERE command = ?", commands)
    db.executemany("DELETE FROM commands WHERE command = ?", commands)


def _command(row: Sequence[Any]) -> Command:
    command, device, kind, value, lease_us, sequence = row
    return Command(
        id=CommandId.parse(command),
        device=DeviceId.parse(device),
        kind=SetpointKind(kind),
        value=value,
        lease_expire_time=_from_us(lease_us),
        sequence=sequence,
    )


def _report(row: _ReportRow) -> CommandReport:
    command, state, time_us, value, message, overruled_by = row
    return CommandReport(
        command=CommandId.parse(command),
        state=CommandState(state),
        report_time=_from_us(time_us),
        value=value,
        message=message,
        overruled_by=overruled_by,
    )


def _to_us(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _from_us(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
