"""Command a device now: manual override."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.app.catalog import DeviceCatalog
from wattmesh_control.app.changes import Announce, Changes
from wattmesh_control.app.limit_sets import LimitSets
from wattmesh_control.app.ports import Books, CommandArchive, Ledger
from wattmesh_control.app.reconcile import Reconcile, refused_command
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.limits import Accepted, Answer, Clamped, Refused
from wattmesh_control.domain.setpoint import SetpointKind
from wattmesh_control.domain.wish import Origin, Wish, check_text, outranking
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import InvalidArgument, NotFound
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.time import TimeRange

_METHOD = "IssueCommand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """What somebody wants of a device now."""

    request_id: str
    device: DeviceId
    kind: SetpointKind
    value: float
    span: TimeRange
    owner: str
    priority: int

    def __post_init__(self) -> None:
        check_text(self.request_id, "request_id")

    def wish(self, now: datetime) -> Wish:
        """Return it as a wish taken at `now`. Error: InvalidArgument when it is not for now."""
        if not self.span.contains(now):
            raise InvalidArgument(
                "NOT_NOW", f"{self.span} does not contain now, {now.isoformat()}", field="range"
            )
        return Wish(
            origin=Origin.OVERRIDE,
            device=self.device,
            kind=self.kind,
            owner=self.owner,
            priority=self.priority,
            source=self.owner,
            request_id=self.request_id,
            span=self.span,
            value=self.value,
            accept_time=now,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """How an override was answered, and its command."""

    answer: Answer
    command: Command


class IssueCommand:
    """Takes an override that goes first now; refuses, on record, one that does not."""

    def __init__(
        self,
        *,
        clock: Clock,
        ledger: Ledger,
        archive: CommandArchive,
        catalog: DeviceCatalog,
        reconcile: Reconcile,
        announce: Announce,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._archive = archive
        self._catalog = catalog
        self._reconcile = reconcile
        self._announce = announce

    async def __call__(self, override: Override) -> Issued:
        """Issue a command; a repeat gets the first answer, with the command as it is now.

        Errors: Unavailable while the devices' limits are not known; NotFound for the device.
        """
        await self._catalog.require([override.device])
        self._catalog.get(override.device)
        async with self._ledger.transaction() as books:
            first = await books.requests.claim(_METHOD, override.request_id, self._clock.now())
            if first is None:
                issued, changes = await self._take(books, override)
                document = {"command": issued.command.command.name, "outcome": _word(issued.answer)}
                await books.requests.remember(_METHOD, override.request_id, document)
        if first is not None:
            return await self._first(str(first["command"]), str(first["outcome"]))
        self._announce(changes)
        return issued

    async def _take(self, books: Books, override: Override) -> tuple[Issued, Changes]:
        devices = [override.device]
        await books.lock(devices)
        wish = override.wish(self._clock.now())
        answer = await self._answer(books, wish)
        if isinstance(answer, Refused):
            refused = refused_command(wish, answer.reason, wish.accept_time)
            (command,) = await books.commands.add([refused])
            return Issued(answer=answer, command=command), Changes(moved=[command])
        await self._replace(books, wish)
        changes = await self._reconcile(books, devices)
        command = next(each for each in changes.offers if each.slot == wish.slot)
        return Issued(answer=answer, command=command), changes

    async def _answer(self, books: Books, wish: Wish) -> Answer:
        now, devices = wish.accept_time, [wish.device]
        before = outranking(await books.wishes.standing(devices, now), wish, now)
        if before is not None:
            return Refused(
                f"{before.owner} goes first with priority {before.priority}"
                f" until {before.span.end.isoformat()}"
            )
        limits = LimitSets(self._catalog, await books.limits.in_force(devices, now))
        return limits.answer(wish.device, wish.kind, wish.value, now)

    async def _replace(self, books: Books, wish: Wish) -> None:
        standing = await books.wishes.standing([wish.device], wish.accept_time)
        older = [
            each.number
            for each in standing
            if (each.slot, each.origin, each.owner) == (wish.slot, wish.origin, wish.owner)
        ]
        await books.wishes.remove(older)
        await books.wishes.add([wish])

    async def _first(self, name: str, outcome: str) -> Issued:
        command = await self._archive.get(CommandId.parse(name))
        if command is None:
            raise NotFound("COMMAND_NOT_FOUND", f"there is no {name} any more")
        return Issued(answer=_answer_of(outcome, command), command=command)


def _word(answer: Answer) -> str:
    return type(answer).__name__


def _answer_of(outcome: str, command: Command) -> Answer:
    answers: dict[str, Answer] = {
        "Accepted": Accepted(command.value),
        "Clamped": Clamped(command.value, command.life.message),
        "Refused": Refused(command.life.message),
    }
    return answers[outcome]
