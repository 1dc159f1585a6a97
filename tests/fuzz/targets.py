"""Every service that is fuzzed, by name; each has a module in `worlds`."""

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.fuzz.world import World

TARGETS = (
    *("metering", "control", "planner", "forecast"),
    *("optimizer", "carbon", "gateway", "modelhost", "analytics"),
    *("demandresponse", "alerting", "usage", "dashboard"),
)
"""The twin serves none but the stock services, which are fuzzed with each of these."""


def open_world(name: str, database_url: str, folder: Path) -> AbstractAsyncContextManager[World]:
    """Give a service's surroundings, with a database and a folder of their own.

    Its module is imported now: some services take seconds to import.
    """
    module: Any = import_module(f"tests.fuzz.worlds.{name}")
    world: AbstractAsyncContextManager[World] = module.open_world(database_url, folder)
    return world
