"""Messages that wait for their turn, never more than there is room for.

Who floods pushes out his own oldest words: of a topic at QoS 0 the newest stay. Messages of QoS 1
are never lost: what there is no room for is not acknowledged, and the broker sends it again.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol, TypeVar

MOST_OF_A_TOPIC = 100
"""Most messages of QoS 0 of one topic that wait."""
MOST_MESSAGES = 10_000
MOST_BYTES = 32 * 1024 * 1024
"""Most that waits in all; one message that is longer by itself waits alone."""


class Weighed(Protocol):
    """A message, or what was understood of it."""

    @property
    def topic_name(self) -> str:
        """Where it was published."""

    @property
    def again(self) -> bool:
        """Whether the broker sends it again when it is not acknowledged."""

    @property
    def size(self) -> int:
        """How long its payload is [bytes]."""


W = TypeVar("W", bound=Weighed)


class WaitingMessages(asyncio.Queue[W]):
    """A queue that is never full: what has no room is dropped and told to `dropped`, by its topic.

    `refused`: something of QoS 1 had no room; whoever has made room lets the broker send it again.
    """

    def __init__(
        self,
        dropped: Callable[[str], None],
        *,
        most: int = MOST_MESSAGES,
        most_bytes: int = MOST_BYTES,
        most_of_a_topic: int = MOST_OF_A_TOPIC,
    ) -> None:
        super().__init__()
        self._dropped = dropped
        self._most = most
        self._most_bytes = most_bytes
        self._most_of_a_topic = most_of_a_topic
        self.refused = False

    def _init(self, maxsize: int) -> None:
        self._queue: OrderedDict[int, W] = OrderedDict()
        self._number = 0
        self._bytes = 0
        self._once: OrderedDict[int, None] = OrderedDict()  # those of QoS 0, in their order
        self._of_topic: dict[str, deque[int]] = {}

    def _put(self, item: W) -> None:
        if not item.again:
            waiting = self._of_topic.get(item.topic_name)
            if waiting is not None and len(waiting) >= self._most_of_a_topic:
                self._drop(waiting[0])
        while self._has_no_room_for(item) and self._once:
            self._drop(next(iter(self._once)))
        if self._has_no_room_for(item) and self._queue:
            self._refuse(item)
            return
        self._number += 1
        self._queue[self._number] = item
        self._bytes += item.size
        if not item.again:
            self._once[self._number] = None
            self._of_topic.setdefault(item.topic_name, deque()).append(self._number)

    def _get(self) -> W:
        return self._take(next(iter(self._queue)))

    def _has_no_room_for(self, item: W) -> bool:
        return len(self._queue) >= self._most or self._bytes + item.size > self._most_bytes

    def _refuse(self, item: W) -> None:
        if item.again:
            self.refused = True
        else:
            self._dropped(item.topic_name)

    def _drop(self, number: int) -> None:
        self._dropped(self._take(number).topic_name)

    def _take(self, number: int) -> W:
        item = self._queue.pop(number)
        self._bytes -= item.size
        if not item.again:
            del self._once[number]
            waiting = self._of_topic[item.topic_name]
            waiting.popleft()  # it is the first: whoever goes, goes in order
            if not waiting:
                del self._of_topic[item.topic_name]
        return item
