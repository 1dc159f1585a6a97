"""Withdraw a command: the device goes to the next lower priority, or to its safe state."""

from wattmesh_control.app.changes import Announce, Changes
from wattmesh_control.app.ports import Books, CommandArchive, Ledger
from wattmesh_control.app.reconcile import Reconcile
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.life import CommandState, Withdrawn
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import FailedPrecondition, NotFound
from wattmesh_kernel.ids import CommandId


class CancelCommand:
    """Ends a live command and the wish behind it."""

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        archive: CommandArchive,
        reconcile: Reconcile,
        announce: Announce,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._archive = archive
        self._reconcile = reconcile
        self._announce = announce

    async def __call__(self, name: CommandId) -> Command:
        """Withdraw a command; return it cancelled. Withdrawing it again changes nothing.

        Errors: NotFound; FailedPrecondition when it is over for another reason.
        """
        found = await self._archive.get(name)
        if found is None:
            raise NotFound("COMMAND_NOT_FOUND", f"there is no {name}")
        async with self._ledger.transaction() as books:
            cancelled, changes = await self._cancel(books, found)
        self._announce(changes)
        return cancelled

    async def _cancel(self, books: Books, found: Command) -> tuple[Command, Changes]:
        await books.lock([found.device])
        command = await books.commands.lock(found.command) or found
        if command.life.state is CommandState.CANCELLED:
            return command, Changes()
        now = self._clock.now()
        cancelled = command.advance(Withdrawn(now, "cancelled on request"))
        if cancelled is command:
            raise FailedPrecondition(
                "COMMAND_OVER", f"{found.command} is {command.life.state.value} and over already"
            )
        await books.commands.save([(command, cancelled)], now)
        if command.wish is not None:
            await books.wishes.remove([command.wish])
        changes = await self._reconcile(books, [found.device])
        changes.moved.insert(0, cancelled)
        if all(each.slot != cancelled.slot for each in changes.offers):
            changes.recalls.append(cancelled)
        return cancelled, changes
