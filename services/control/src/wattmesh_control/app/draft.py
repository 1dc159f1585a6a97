"""What one unit of work has read, and what it is about to write."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from wattmesh_control.app.submission import Submission
from wattmesh_control.domain.command import Command
from wattmesh_control.domain.device_event import DeviceEvent
from wattmesh_control.domain.hold import Hold
from wattmesh_control.domain.life import LifeEvent, Recalled, Sent
from wattmesh_control.domain.limits import Limit
from wattmesh_control.domain.moves import Moves
from wattmesh_control.domain.proposal import Origin, Proposal
from wattmesh_control.domain.schedule import Takeover
from wattmesh_control.domain.setpoint import Slot
from wattmesh_kernel.ids import CommandId, LimitId

GoesOut: TypeAlias = Callable[[Command], bool]
"""Says whether a command can go out at once, from this process and under the leases it has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What stands for some devices, read under their locks."""

    proposals: Sequence[Proposal] = ()
    """Those that hold now."""
    last: dict[Slot, Command] = field(default_factory=dict)
    """By slot with a live command or a proposal that holds now: the newest that came of one."""
    commands: dict[CommandId, Command] = field(default_factory=dict)
    """Those asked for by name, which may be of other devices."""
    limits: Sequence[Limit] = ()
    """Those of the devices that have not ended; some may not have begun."""
    shared: Sequence[Limit] = ()
    """The same of the site or group, when the scope is about one."""
    holds: Sequence[Hold] = ()
    """All that are in force, whatever they are about."""


@dataclass(kw_only=True, slots=True)
class Step:
    """What happened to one stored command: as it was read, and through what it came."""

    before: Command
    versions: list[Command] = field(default_factory=list)

    @property
    def after(self) -> Command:
        """The command as it is to be stored."""
        return self.versions[-1] if self.versions else self.before


@dataclass(kw_only=True)
class Draft:
    """What is to be written; reading from it gives what stands once it is."""

    now: datetime
    standing: Standing = field(default_factory=Standing)
    numbers: Iterator[int] = field(default_factory=lambda: iter(()))
    """Numbers for new proposals, drawn under the locks."""
    takeovers: list[Takeover] = field(default_factory=list)
    added_proposals: list[Proposal] = field(default_factory=list)
    removed_proposals: set[int] = field(default_factory=set)
    dropped_sources: set[str] = field(default_factory=set)
    """Limits and holds of which what they asked is no longer asked."""
    steps: dict[CommandId, Step] = field(default_factory=dict)
    added: list[Command] = field(default_factory=list)
    unsent: dict[CommandId, Command] = field(default_factory=dict)
    """Those of `added` that go out with this draft, as they were before."""
    recalls: list[CommandId] = field(default_factory=list)
    resends: list[CommandId] = field(default_factory=list)
    """Stored commands that shall be sent again."""
    put_limits: list[Limit] = field(default_factory=list)
    removed_limits: set[LimitId] = field(default_factory=set)
    """With the shares of each."""
    submission: Submission | None = None
    """Whose exchanges are taken."""
    hold: Hold | None = None
    """Placed, or released."""
    events: list[DeviceEvent] = field(default_factory=list)
    moves: list[tuple[CommandId, int, Moves]] = field(default_factory=list)
    """Of commands, with how many came before."""
    unmoved: bool = False
    """Whether nothing that holds now can have changed: there is nothing to reconcile."""

    def advance(self, command: Command, event: LifeEvent) -> Command:
        """Let a command's life go on from where the draft left it; return it after that."""
        step = self.steps.get(command.command)
        before = command if step is None else step.after
        after = before.advance(event)
        if after is not before:
            step = self.steps.setdefault(command.command, Step(before=before))
            step.versions.append(after)
        return after

    def send(self, goes_out: GoesOut) -> None:
        """Note of new commands that they go out, instead of by a draft of its own."""
        going = [each for each in self.added if each.life.live and goes_out(each)]
        self.unsent = {each.command: each for each in going}
        self.added = [
            each.advance(Sent(self.now)) if each.command in self.unsent else each
            for each in self.added
        ]

    def recall(self, command: Command) -> None:
        """Have a device let go of a command that has ended."""
        self.advance(command, Recalled(self.now))
        self.recalls.append(command.command)

    def current(self, command: Command) -> Command:
        """Return a command as the draft leaves it."""
        step = self.steps.get(command.command)
        return command if step is None else step.after

    def proposals(self) -> Iterable[Proposal]:
        """Return the proposals that hold now once the draft is written."""
        for proposal in self.standing.proposals:
            if proposal.number not in self.removed_proposals and not self._dropped(proposal):
                left = _left(proposal, self.takeovers)
                if left is not None and left.span.contains(self.now):
                    yield left
        for proposal in self.added_proposals:
            if proposal.span.contains(self.now):
                yield proposal

    def _dropped(self, proposal: Proposal) -> bool:
        asked = proposal.origin in (Origin.LIMIT, Origin.HOLD)
        return asked and proposal.source in self.dropped_sources

    def limits(self) -> list[Limit]:
        """Return the limits that stand once the draft is written."""
        gone = {*self.removed_limits, *(each.limit for each in self.put_limits)}
        kept = (
            each
            for each in self.standing.limits
            if each.limit not in gone and each.parent not in self.removed_limits
        )
        return [*kept, *(each for each in self.put_limits if each.device is not None)]

    def due_times(self) -> Iterator[datetime]:
        """Return the instants at which what is written falls due."""
        for proposal in self.added_proposals:
            yield proposal.span.start
            yield proposal.span.end
        for takeover in self.takeovers:
            yield takeover.turn
        for command in self.added:
            if command.lease_expire_time is not None:
                yield command.span.end
                yield command.lease_expire_time
        if self.hold is not None and self.hold.expire_time is not None:
            yield self.hold.expire_time
        for limit in self.put_limits:
            yield limit.start_time or self.now
            yield limit.expire_time


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What a unit of work has changed, to be announced once it is committed."""

    moved: tuple[Command, ...] = ()
    """Every step of every command, in order."""
    sent: tuple[Command, ...] = ()
    """To go out to their gateways, which is noted already."""
    offers: tuple[Command, ...] = ()
    """To be sent to their gateways."""
    recalls: tuple[Command, ...] = ()
    """To be withdrawn at their gateways."""
    due: datetime | None = None
    """The first new instant at which something falls due."""

    def __bool__(self) -> bool:
        return bool(self.moved or self.offers or self.recalls or self.due)


def changes_of(draft: Draft, added: Collection[Command]) -> Changes:
    """Return what a draft has changed, its new commands numbered."""
    after = {name: step.after for name, step in draft.steps.items()}
    moved = [version for step in draft.steps.values() for version in step.versions]
    resent = [after.get(name) or draft.standing.commands.get(name) for name in draft.resends]
    before = [
        replace(draft.unsent[each.command], number=each.number)
        for each in added
        if each.command in draft.unsent
    ]
    return Changes(
        moved=(*moved, *before, *added),
        sent=tuple(each for each in added if each.command in draft.unsent),
        offers=(
            *(each for each in resent if each is not None),
            *(each for each in added if each.life.live and each.command not in draft.unsent),
        ),
        recalls=tuple(after[name] for name in draft.recalls),
        due=min((each for each in draft.due_times() if each > draft.now), default=None),
    )


def _left(proposal: Proposal, takeovers: Sequence[Takeover]) -> Proposal | None:
    left: Proposal | None = proposal
    for takeover in takeovers:
        left = None if left is None else takeover.leaves(left)
    return left
