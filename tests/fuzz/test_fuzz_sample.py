"""Some hundred of the calls that `make fuzz` makes: none is a fault of a service's own."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fuzz.fuzz import Fuzz
from tests.fuzz.serving import Served, served_here
from tests.fuzz.tally import MOST_LOG_BYTES
from tests.fuzz.targets import TARGETS, open_world
from tests.fuzz.world import World

CALLS = 150


async def start(
    name: str, database_url: str, folder: Path, stack: AsyncExitStack
) -> tuple[World, Served]:
    world = await stack.enter_async_context(open_world(name, database_url, folder))
    return world, await stack.enter_async_context(served_here(world))


@pytest.mark.parametrize("name", TARGETS)
def test_no_call_is_a_fault_of_the_service(name: str, database_url: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        world, served = runner.run(start(name, database_url, tmp_path, stack))
        try:
            fuzz = Fuzz(runner, world, served)
            for tally in fuzz.turns(CALLS):
                assert tally.faults == []
                assert tally.most_log_bytes <= MOST_LOG_BYTES, tally.most_logged
        finally:
            runner.run(stack.aclose())
