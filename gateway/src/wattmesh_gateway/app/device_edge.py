"""The edge to the drivers: whatever goes wrong there is one device's trouble."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from wattmesh_gateway.app.ports import Reads
from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable
from wattmesh_gateway.domain.reading import Reading, is_possible
from wattmesh_gateway.domain.telegram import shortened

T = TypeVar("T")


async def ask(work: Awaitable[T]) -> T:
    """Return what a driver's call returns; errors: DeviceUnavailable, DeviceRefused.

    Anything else that it raises becomes DeviceUnavailable: event loops and libraries differ in
    what they raise for a broken connection, and no list of it would stay complete. A cancellation
    that nobody asked this task for is a driver's too: else its loop would end without a word.
    """
    try:
        return await work
    except (DeviceUnavailable, DeviceRefused):
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise DeviceUnavailable("what was asked was broken off") from error
    except Exception as error:
        raise DeviceUnavailable(shortened(f"{type(error).__name__}: {error}")) from error


async def ask_readings(device: Reads) -> tuple[list[Reading], list[Reading]]:
    """Return what a device measures, and apart from it what no quantity of its kind can be.

    Errors: as in `ask`, for an answer that holds no readings too.
    """
    return await ask(_told_apart(device))


async def _told_apart(device: Reads) -> tuple[list[Reading], list[Reading]]:
    sound: list[Reading] = []
    impossible: list[Reading] = []
    for each in await device.read():
        (sound if is_possible(each) else impossible).append(each)
    return sound, impossible
