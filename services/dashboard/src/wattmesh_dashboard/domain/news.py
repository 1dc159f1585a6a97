"""What is told to those who watch: pieces that are encoded once, however many watch."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from wattmesh_dashboard.domain.look import Look
from wattmesh_kernel.ids import SiteId


class Topic(Enum):
    """What a piece of news is about."""

    FEED = "feed"
    MODEL = "model"
    FLOW = "flow"
    PLAN = "plan"
    HOLD = "hold"
    COMMAND = "command"
    EVENT = "event"
    ALERT = "alert"


KEPT = frozenset({Topic.FEED, Topic.MODEL, Topic.FLOW, Topic.PLAN, Topic.HOLD, Topic.ALERT})
"""Of these whoever begins to watch is told the newest of each key."""
OF_ONE_SITE = frozenset({Topic.COMMAND, Topic.EVENT})
"""These are told only to those who look at the site."""
_OF_NO_SITE = frozenset({Topic.FEED, Topic.MODEL})
"""These name no site, and are told to everybody."""
_OF_SHOWN = frozenset({Topic.FLOW, Topic.PLAN})
"""These are told to those who have one of their sites on the screen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """A piece of news: `content` is a part of a message, made once.

    `sites`: every one that it names; who may not see all of them is not told. `over`: whoever
    begins to watch need not hear of it any more, such as a hold that has ended.
    """

    topic: Topic
    key: str
    content: bytes
    sites: tuple[SiteId, ...] = ()
    over: bool = False

    def concerns(self, look: Look) -> bool:
        """Return whether somebody who looks so is told."""
        if self.topic not in _OF_NO_SITE and not look.reaches(self.sites):
            return False
        if self.topic in OF_ONE_SITE:
            return look.site is not None and look.site in self.sites
        return self.topic not in _OF_SHOWN or any(map(look.shows, self.sites or (None,)))


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    """How a stream is that the picture is fed by."""

    feed: str
    connected: bool
    since: datetime
    message: str = ""
