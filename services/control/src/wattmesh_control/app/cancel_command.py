"""Withdraw a command: the device goes to the next lower priority, or to its safe state."""

from wattmesh_control.app.draft import Draft
from wattmesh_control.app.ports import CommandArchive, Scope
from wattmesh_control.app.unit_of_work import UnitOfWork, Work
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.life import CommandState, Withdrawn
from wattmesh_kernel.callers import Caller
from wattmesh_kernel.errors import FailedPrecondition, NotFound, PermissionDenied
from wattmesh_kernel.ids import CommandId


class CancelCommand:
    """Ends a live command and the proposal behind it."""

    def __init__(self, *, archive: CommandArchive, unit_of_work: UnitOfWork) -> None:
        self._archive = archive
        self._unit_of_work = unit_of_work

    async def __call__(self, name: CommandId, by: Caller | None = None) -> Command:
        """Withdraw a command; return it cancelled. Withdrawing it again changes nothing.

        `by`: who asks; None where nobody is asked who they are. Errors: NotFound;
        FailedPrecondition when it is over for another reason; PermissionDenied when it is
        somebody else's, and the caller could not go before it either.
        """
        found = await self._archive.get(name)
        if found is None or (by is not None and not by.reaches(found.device.name)):
            raise NotFound("COMMAND_NOT_FOUND", f"there is no {name}")
        if by is not None and not (by.may_act_for(found.owner) or by.outranks(found.priority)):
            raise PermissionDenied(
                "OWNER_NOT_HELD",
                f"{name} is {found.owner}'s, with priority {found.priority}: {by.name} may neither "
                "act for it nor go before it",
            )
        return (await self._unit_of_work(_Cancelling(found))).answer


class _Cancelling(Work[Command]):
    """Withdraws one command, and recalls it when nothing takes its place."""

    def __init__(self, found: Command) -> None:
        self._found = found

    @property
    def scope(self) -> Scope:
        return Scope(
            devices=frozenset({self._found.device}), commands=frozenset({self._found.command})
        )

    def decide(self, draft: Draft) -> None:
        command = self._command(draft)
        if command.life.state is CommandState.CANCELLED:
            draft.unmoved = True
            return
        cancelled = draft.advance(command, Withdrawn(draft.now, "cancelled on request"))
        if cancelled is command:
            raise FailedPrecondition(
                "COMMAND_OVER", f"{command.command} is {command.life.state.value} and over already"
            )
        if command.proposal is not None:
            draft.removed_proposals.add(command.proposal)

    def answer(self, draft: Draft) -> Command:
        command = draft.current(self._command(draft))
        replaced = any(each.life.live and each.slot == command.slot for each in draft.added)
        if command.command in draft.steps and not replaced:
            draft.recall(command)
        return draft.current(command)

    def _command(self, draft: Draft) -> Command:
        return draft.standing.commands.get(self._found.command, self._found)
