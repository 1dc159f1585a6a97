"""What is told to those who watch: pieces that are encoded once, however many watch."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

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


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """A piece of news: `content` is a part of a message, made once.

    `over`: whoever begins to watch need not hear of it any more, such as a hold that has ended.
    """

    topic: Topic
    key: str
    content: bytes
    site: SiteId | None = None
    over: bool = False

    def concerns(self, site: SiteId | None) -> bool:
        """Return whether somebody who looks at `site` (None: at none) is told."""
        return self.topic not in OF_ONE_SITE or (site is not None and self.site == site)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    """How a stream is that the picture is fed by."""

    feed: str
    connected: bool
    since: datetime
    message: str = ""
