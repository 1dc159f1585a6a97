"""Sends a service what hypothesis thinks of, call by call."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.calling import Answered, call
from tests.fuzz.contents import Contents, Seeds, contents, metadata
from tests.fuzz.methods import Method, methods_of
from tests.fuzz.serving import Served
from tests.fuzz.tally import FAULTS, Tally
from tests.fuzz.world import World

STATUS_SERVICE = "wattmesh.status.v1.StatusService"
CALLS_PER_TURN = 25
"""Calls of a method before the next; a turn is that for all methods."""

KeepFault = Callable[[Method, Contents, Answered], None]


class Fuzz:
    """Fuzzes one service that runs in the loop of `runner`, or in a process of its own.

    The same `number` makes the same calls.
    """

    def __init__(
        self,
        runner: asyncio.Runner,
        world: World,
        served: Served,
        *,
        number: int = 0,
        keep_fault: KeepFault | None = None,
    ) -> None:
        self._runner = runner
        self._world = world
        self._served = served
        self._number = number
        self._keep_fault = keep_fault
        self._methods = methods_of((*world.services, STATUS_SERVICE))
        self._tokens: list[str] = []
        self.tally = Tally()

    def turns(self, calls: int) -> Iterator[Tally]:
        """Make about so many calls; yield after each turn, and how it stands."""
        turn = 0
        while (done := self.tally.calls.total()) < calls:
            each = min(CALLS_PER_TURN, -(-(calls - done) // len(self._methods)))
            self._runner.run(self._world.prepare(self._served.channel, turn))
            seeds = self._world.seeds(turn)
            words = (*self._world.words(turn), *self._tokens[-20:])
            for place, method in enumerate(self._methods):
                number = (self._number * 10_000 + turn) * 1_000 + place
                self._fuzz(method, seeds, words, each, number)
            turn += 1
            yield self.tally

    def _fuzz(
        self, method: Method, seeds: Seeds, words: Sequence[str], calls: int, number: int
    ) -> None:
        for sound in seeds.get(method.path, ()):
            self._call(method, tuple(each.SerializeToString() for each in sound), ())

        @seed(number)
        @settings(
            max_examples=calls,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(contents(method, seeds.get(method.path, ()), words), metadata())
        def send(content: Contents, given_metadata: tuple[tuple[str, str], ...]) -> None:
            self._call(method, content, given_metadata)

        send()

    def _call(
        self, method: Method, content: Contents, given_metadata: tuple[tuple[str, str], ...]
    ) -> None:
        self._served.logged()
        answered = self._runner.run(call(self._served.channel, method, content, given_metadata))
        logged = self._served.logged()
        if any(f"failed with {code}" in logged for code in FAULTS) and answered.code not in FAULTS:
            answered = replace(answered, code="INTERNAL", message=logged)
        self.tally.add(method, answered, logged)
        if answered.content and (token := getattr(_response(method, answered), _TOKEN, "")):
            self._tokens.append(token)
        if answered.code in FAULTS and self._keep_fault is not None:
            self._keep_fault(method, content, answered)


_TOKEN = "next_page_token"


def _response(method: Method, answered: Answered) -> object:
    return method.response.FromString(answered.content)
