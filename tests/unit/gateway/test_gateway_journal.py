"""Commands are remembered over the end of the process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattmesh_gateway.adapters.command_journal import SqliteCommandJournal
from wattmesh_gateway.adapters.journal_move import move_journal
from wattmesh_gateway.adapters.spool_database import JOURNAL_MIGRATIONS, SpoolDatabase
from wattmesh_gateway.domain.command import (
    Command,
    CommandRecord,
    CommandReport,
    CommandState,
    HeldSetpoint,
)
from wattmesh_kernel.ids import CommandId, DeviceId, SiteId
from wattmesh_kernel.setpoints import Channel, SetpointKind

NOW = datetime(2016, 9, 5, 7, tzinfo=UTC)
BATTERY = DeviceId(SiteId("home-1"), "battery")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SpoolDatabase]:
    async with SpoolDatabase(tmp_path / "spool.journal", JOURNAL_MIGRATIONS) as opened:
        yield opened


def command(sequence: int, *, lease: timedelta = timedelta(hours=1)) -> Command:
    return Command(
        id=CommandId(f"c{sequence}"),
        device=BATTERY,
        kind=SetpointKind.ACTIVE_POWER_W,
        value=100.5 * sequence,
        lease_expire_time=NOW + lease,
        sequence=sequence,
    )


def report(
    of: Command, state: CommandState, *, value: float | None = None, message: str = ""
) -> CommandReport:
    return CommandReport(command=of.id, state=state, report_time=NOW, value=value, message=message)


async def test_a_command_is_found_with_all_that_became_of_it(database: SpoolDatabase) -> None:
    journal = SqliteCommandJournal(database)
    one = command(1)
    applied = report(one, CommandState.APPLIED, value=100.0)
    verified = report(one, CommandState.VERIFIED, value=100.0, message="fine")
    await journal.save(one, applied)
    await journal.save(one, verified)
    assert await journal.find(one.id) == CommandRecord(command=one, reports=[applied, verified])
    assert await journal.find(CommandId("other")) is None


async def test_only_a_command_with_a_final_report_has_ended(database: SpoolDatabase) -> None:
    journal = SqliteCommandJournal(database)
    one = command(1)
    await journal.save(one, report(one, CommandState.APPLIED))
    applied = await journal.find(one.id)
    await journal.save(one, report(one, CommandState.VERIFIED))
    verified = await journal.find(one.id)
    assert applied is not None
    assert verified is not None
    assert (applied.ended, verified.ended) == (False, True)


async def test_the_last_applied_command_is_the_newest_that_a_device_acknowledged(
    database: SpoolDatabase,
) -> None:
    journal = SqliteCommandJournal(database)
    assert await journal.last_applied(BATTERY, Channel.POWER) is None
    one, two, three = command(1), command(2), command(3)
    await journal.save(two, report(two, CommandState.APPLIED))
    await journal.save(one, report(one, CommandState.APPLIED))
    await journal.save(three, report(three, CommandState.REFUSED))
    assert await journal.last_applied(BATTERY, Channel.POWER) == two
    assert await journal.last_applied(BATTERY, Channel.GENERATION) is None


async def test_reports_are_due_until_sent_and_while_the_lease_runs(
    database: SpoolDatabase,
) -> None:
    journal = SqliteCommandJournal(database)
    running, ended = command(1), command(2, lease=timedelta(hours=-1))
    for each in (running, ended):
        await journal.save(each, report(each, CommandState.APPLIED))
    assert [each.command for each in await journal.to_report(NOW)] == [running.id, ended.id]
    for due in await journal.to_report(NOW):
        await journal.mark_reported([due])
    assert [each.command for each in await journal.to_report(NOW)] == [running.id]


async def test_only_old_commands_whose_reports_were_sent_are_forgotten(
    database: SpoolDatabase,
) -> None:
    journal = SqliteCommandJournal(database)
    sent, unsent = command(1), command(2)
    for each in (sent, unsent):
        await journal.save(each, report(each, CommandState.VERIFIED))
    await journal.mark_reported([report(sent, CommandState.VERIFIED)])
    await journal.forget_before(NOW + timedelta(days=1))
    assert await journal.find(sent.id) is None
    assert await journal.find(unsent.id) is not None


async def test_a_held_setpoint_of_a_later_version_does_not_end_the_start(
    database: SpoolDatabase,
) -> None:
    journal = SqliteCommandJournal(database)
    await journal.hold(HeldSetpoint(command=command(1)))
    await database.run(lambda db: db.execute("UPDATE commands SET kind = 'colour'"))
    assert await journal.held() == []


async def test_a_held_setpoint_outlives_the_memory_of_commands(database: SpoolDatabase) -> None:
    journal = SqliteCommandJournal(database)
    one = command(1, lease=timedelta(hours=-1))
    await journal.save(one, report(one, CommandState.APPLIED))
    await journal.mark_reported([report(one, CommandState.APPLIED)])
    await journal.forget_before(NOW)
    assert await journal.held() == [HeldSetpoint(command=one)]
    await journal.let_go(one)
    await journal.forget_before(NOW)
    assert await journal.find(one.id) is None


async def test_what_an_older_gateway_kept_in_the_spool_is_found_in_the_journal(
    tmp_path: Path, database: SpoolDatabase
) -> None:
    one, two = command(1), command(2)
    async with SpoolDatabase(tmp_path / "spool.sqlite") as spool:
        for statement in (
            "INSERT INTO commands VALUES ('commands/c1', 'sites/home-1/devices/battery', "
            f"'active_power_w', 100.5, {_us(one.lease_expire_time)}, 1)",
            "INSERT INTO reports (command, state, report_time_us, value, message) "
            f"VALUES ('commands/c1', 'applied', {_us(NOW)}, 100.0, '')",
            "INSERT INTO held VALUES "
            "('sites/home-1/devices/battery', 'power', 'commands/c1', 0, 0)",
        ):
            await spool.run(lambda db: db.execute(statement))  # noqa: B023
        await move_journal(spool, database)
        journal = SqliteCommandJournal(database)
        found = await journal.find(one.id)
        assert found is not None
        assert (found.command, found.reports) == (
            one,
            [report(one, CommandState.APPLIED, value=100.0)],
        )
        assert await journal.held() == [HeldSetpoint(command=one)]
        await journal.save(two, report(two, CommandState.APPLIED))
        await move_journal(spool, database)  # at the next start: nothing comes back
        assert await journal.held() == [HeldSetpoint(command=two)]


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
