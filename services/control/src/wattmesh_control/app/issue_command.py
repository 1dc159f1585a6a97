"""Command a device now: manual override."""

from dataclasses import dataclass
from datetime import datetime

from wattmesh_control.app.devices import Devices
from wattmesh_control.app.draft import Draft, GoesOut
from wattmesh_control.app.ports import CommandArchive, Request, Scope
from wattmesh_control.app.reconcile import answer_of, holds_on, refused_command
from wattmesh_control.app.shards import Shards
from wattmesh_control.app.unit_of_work import Done, UnitOfWork, Work
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.limits import Accepted, Answer, Clamped, Refused
from wattmesh_control.domain.proposal import Origin, Proposal, check_text, outranking
from wattmesh_kernel.clock import Clock
from wattmesh_kernel.errors import Aborted, InvalidArgument, NotFound
from wattmesh_kernel.ids import CommandId, DeviceId
from wattmesh_kernel.setpoints import SetpointKind
from wattmesh_kernel.time import TimeRange
from wattmesh_runtime.aio.leases import Lease

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

    def proposal(self, now: datetime, number: int) -> Proposal:
        """Return it as a proposal of `now`. Error: InvalidArgument when it is not for now."""
        if not self.span.contains(now):
            raise InvalidArgument(
                "NOT_NOW", f"{self.span} does not contain now, {now.isoformat()}", field="range"
            )
        return Proposal(
            number=number,
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


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedAnswer:
    """What is remembered of an override: the command itself goes on."""

    command: str
    outcome: str


class IssueCommand:
    """Takes an override that goes first now; refuses, on record, one that does not."""

    def __init__(
        self,
        *,
        clock: Clock,
        devices: Devices,
        unit_of_work: UnitOfWork,
        archive: CommandArchive,
        shards: Shards,
        goes_out: GoesOut | None = None,
    ) -> None:
        self._clock = clock
        self._devices = devices
        self._shards = shards
        self._goes_out = goes_out
        self._unit_of_work = unit_of_work
        self._archive = archive

    async def __call__(self, override: Override) -> Issued:
        """Issue a command; a repeat gets the first answer, with the command as it is now.

        Errors: Unavailable while the devices' limits are not known; NotFound for the device.
        """
        await self._devices.require([override.device])
        self._devices.get(override.device, self._clock.now())
        done = await self._issue(override)
        name = CommandId.parse(done.answer.command)
        new = (each for each in done.changes.moved if each.command == name)
        command = next(new, None) or await self._archive.get(name)
        if command is None:
            raise NotFound("COMMAND_NOT_FOUND", f"there is no {name} any more")
        return Issued(answer=_answer_of(done.answer.outcome, command), command=command)

    async def _issue(self, override: Override) -> Done[IssuedAnswer]:
        """Issue, and send within the same transaction where the gateway's shard is held here."""
        leases = self._shards.leases_of([override.device])
        work = _Issuing(override, self._devices, leases, self._goes_out)
        try:
            return await self._unit_of_work(work)
        except Aborted:  # the shard is another's by now, who sends it then
            if not leases:
                raise
        return await self._unit_of_work(_Issuing(override, self._devices))


class _Issuing(Work[IssuedAnswer]):
    """Lets an override go before its owner's older one.

    `fence`: the lease of its shard, if this process has it: what `goes_out` then goes out with it.
    """

    def __init__(
        self,
        override: Override,
        devices: Devices,
        fence: tuple[Lease, ...] = (),
        goes_out: GoesOut | None = None,
    ) -> None:
        self._override = override
        self._devices = devices
        self._fence = fence
        self.goes_out = goes_out if fence else None
        self._outcome: Answer = Refused("")

    @property
    def scope(self) -> Scope:
        return Scope(
            devices=frozenset({self._override.device}),
            request=Request(
                method=_METHOD, request_id=self._override.request_id, answer=IssuedAnswer
            ),
            new_proposals=1,
            fence=self._fence,
        )

    def decide(self, draft: Draft) -> None:
        proposal = self._override.proposal(draft.now, next(draft.numbers))
        self._outcome = self._answer(draft, proposal)
        if isinstance(self._outcome, Refused):
            proposal = self._override.proposal(draft.now, 0)
            draft.added.append(refused_command(proposal, self._outcome.reason, draft.now))
            draft.unmoved = True
            return
        draft.removed_proposals.update(
            each.number
            for each in draft.standing.proposals
            if (each.slot, each.origin, each.owner)
            == (proposal.slot, proposal.origin, proposal.owner)
        )
        draft.added_proposals.append(proposal)

    def answer(self, draft: Draft) -> IssuedAnswer:
        mine = [each for each in draft.added if each.request_id == self._override.request_id]
        return IssuedAnswer(command=mine[-1].command.name, outcome=type(self._outcome).__name__)

    def _answer(self, draft: Draft, proposal: Proposal) -> Answer:
        before = outranking(draft.standing.proposals, proposal, draft.now)
        if before is not None:
            return Refused(
                f"{before.owner} goes first with priority {before.priority}"
                f" until {before.span.end.isoformat()}"
            )
        for hold in holds_on(self._devices, proposal.device, draft.standing.holds):
            if hold.keeps_off(proposal.priority, proposal.origin):
                return Refused(str(hold))
        limits = [each for each in draft.standing.limits if each.in_force(draft.now)]
        return answer_of(
            *(self._devices, proposal.device, proposal.kind, proposal.value, limits, draft.now)
        )


def _answer_of(outcome: str, command: Command) -> Answer:
    answers: dict[str, Answer] = {
        "Accepted": Accepted(command.value),
        "Clamped": Clamped(command.value, command.life.message),
        "Refused": Refused(command.life.message),
    }
    return answers[outcome]
