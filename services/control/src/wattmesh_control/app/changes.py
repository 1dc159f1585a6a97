"""What a transaction changed, and telling everybody once it is committed."""

from dataclasses import dataclass, field

from wattmesh_control.app.feed import CommandFeed
from wattmesh_control.app.links import GatewayLinks
from wattmesh_control.app.ports import DeviceEvent, Observations
from wattmesh_control.app.wake import Wake
from wattmesh_control.domain.command import Command


@dataclass(kw_only=True, slots=True)
class Changes:
    """Commands as a transaction left them."""

    moved: list[Command] = field(default_factory=list)
    """New commands, and those whose life went on."""
    offers: list[Command] = field(default_factory=list)
    """To be sent to their gateways."""
    recalls: list[Command] = field(default_factory=list)
    """To be withdrawn at their gateways."""
    events: list[DeviceEvent] = field(default_factory=list)


class Announce:
    """Carries committed changes to gateways, watchers and the timekeeper."""

    def __init__(
        self, links: GatewayLinks, feed: CommandFeed, wake: Wake, observations: Observations
    ) -> None:
        self._links = links
        self._feed = feed
        self._wake = wake
        self._observations = observations

    def __call__(self, changes: Changes, *, agenda: bool = True) -> None:
        """Send, recall and publish; `agenda` says whether instants may have been added."""
        for command in changes.recalls:
            self._links.recall(command)
        for command in changes.offers:
            self._links.offer(command)
        for command in changes.moved:
            self._observations.command_moved(command.life.state)
        self._feed.publish(changes.moved)
        if agenda:
            self._wake.set()
