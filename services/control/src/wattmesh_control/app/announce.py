"""Telling everybody what a unit of work has changed."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from wattmesh_control.app.draft import Changes, Draft
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.ports import Gap, Notice, Notices, Observations
from wattmesh_control.app.shards import Shards
from wattmesh_control.domain.command import Command
from wattmesh_kernel.ids import DeviceId
from wattmesh_runtime.aio.broadcast import Broadcast

CommandNews: TypeAlias = Command | Gap
CommandBroadcast: TypeAlias = Broadcast[CommandNews]
Wake: TypeAlias = Callable[[datetime], None]
"""Says an instant at which something falls due."""

MOST_UNREAD = 10_000
"""Changes that may wait for a slow watcher before it is let go."""


class Announce:
    """Carries committed changes to gateways, watchers, the timekeeper and other processes."""

    def __init__(
        self,
        *,
        shards: Shards,
        links: GatewayLinks,
        broadcast: CommandBroadcast,
        notices: Notices,
        observations: Observations,
    ) -> None:
        self._shards = shards
        self._links = links
        self._broadcast = broadcast
        self._notices = notices
        self._observations = observations
        self.wake: Wake = lambda instant: None
        """Told of instants at which something new falls due."""

    def __call__(self, changes: Changes) -> None:
        """Send, recall and publish."""
        self.order(changes.recalls)
        for command in changes.sent:
            self._links.send(command)
        self.order(changes.offers)
        for command in changes.moved:
            self._observations.command_moved(command.life.state)
        if changes.moved:
            self._broadcast.publish(*changes.moved)
            names = dict.fromkeys(each.command for each in changes.moved)
            self._notices.tell(Notice(moved=tuple(names)))
        if changes.due is not None:
            self.wake(changes.due)

    def judged(self, commands: Sequence[Command]) -> None:
        """Tell watchers everywhere of commands that have a new verdict."""
        self._broadcast.publish(*commands)
        self._notices.tell(Notice(moved=tuple(each.command for each in commands)))

    def order(self, commands: Iterable[Command]) -> None:
        """Send what is live to its gateway if that is connected here, and withdraw the rest."""
        for command in commands:
            if command.life.live:
                self._links.offer(command)
            else:
                self._links.recall(command)

    def abroad(self, draft: Draft) -> Notice:
        """Return what whoever else holds the shards must know of a draft once it is committed."""
        steps = {name: step.after for name, step in draft.steps.items()}
        orders = [*draft.added, *(steps[name] for name in draft.recalls)]
        due = [each for each in draft.due_times() if each > draft.now]
        if self._all_here(draft):
            return Notice()
        return Notice(
            orders=tuple(each.command for each in orders if self._elsewhere(each)),
            due=min(due, default=None),
        )

    def _all_here(self, draft: Draft) -> bool:
        return all(self._shards.holds(device) for device in _devices(draft))

    def _elsewhere(self, command: Command) -> bool:
        return command.target is not None and not self._links.connected(command.target.gateway)


def _devices(draft: Draft) -> set[DeviceId]:
    found = {each.device for each in draft.added}
    found |= {each.slot.device for each in draft.takeovers}
    found |= {each.device for each in draft.added_proposals}
    found |= {draft.steps[name].before.device for name in draft.recalls}
    return found | {each.device for each in draft.put_limits if each.device is not None}
