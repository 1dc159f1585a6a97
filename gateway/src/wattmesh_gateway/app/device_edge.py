"""The edge to the drivers: whatever goes wrong there is one device's trouble."""

from collections.abc import Awaitable
from typing import TypeVar

from wattmesh_gateway.domain.errors import DeviceRefused, DeviceUnavailable

T = TypeVar("T")


async def ask(work: Awaitable[T]) -> T:
    """Return what a driver's call returns; errors: DeviceUnavailable, DeviceRefused.

    Anything else that it raises becomes DeviceUnavailable: event loops and libraries differ in
    what they raise for a broken connection, and no list of it would stay complete.
    """
    try:
        return await work
    except (DeviceUnavailable, DeviceRefused):
        raise
    except Exception as error:
        raise DeviceUnavailable(f"{type(error).__name__}: {error}") from error
